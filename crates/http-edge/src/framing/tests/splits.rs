//! The verdict hangs on the bytes alone, not on the reads that brought them.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{Index, select};

use super::{accepted, at_once, bytewise, feed, refused, small};

/// Every message of the tables that passes.
pub(super) fn accepted() -> Vec<Vec<u8>> {
    let heads = accepted::heads().into_iter().map(|(head, _)| head.to_vec());
    heads.chain(accepted::chunked()).collect()
}

/// Every message of the tables.
pub(super) fn messages() -> Vec<Vec<u8>> {
    let refused = refused::messages().into_iter().map(|(_, message, _)| message);
    accepted().into_iter().chain(refused).collect()
}

/// A message of the tables with bytes put in, taken out or overwritten that mean something to somebody.
pub(super) fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let bytes = select(b"\r\n \t:;,=\"\\/?#*@%[]()_-+.05aGHTx\0\x0b\x7f\x80\xff".as_slice());
    let edit = (any::<Index>(), prop_oneof![bytes, any::<u8>()], 0..4_u8);
    (prop_oneof![select(accepted()), select(messages())], vec(edit, 0..4)).prop_map(|(mut message, edits)| {
        message.truncate(600);
        for (at, byte, kind) in edits {
            let at = at.index(message.len());
            match kind {
                0 => message.insert(at, byte),
                1 if message.len() > 1 => drop(message.remove(at)),
                2 => message.extend_from_within(at..message.len().min(at + 40)),
                _ => message[at] = byte,
            }
        }
        message
    })
}

#[test]
fn every_message_of_the_tables_meets_the_same_verdict_byte_by_byte() {
    for message in messages() {
        assert_eq!(bytewise(&message), at_once(&message), "{}", message.escape_ascii());
    }
}

proptest! {
    #[test]
    fn messages_meet_the_same_verdicts_however_they_are_split(
        first in vec(select(accepted()), 0..3),
        last in prop_oneof![select(messages()), mutated()],
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let input = [first.concat(), last].concat();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len())).collect();
        ends.sort_unstable();
        let expected = at_once(&input);
        prop_assert_eq!(feed(small(), &input, ends), expected.clone());
        prop_assert_eq!(bytewise(&input), expected);
    }
}
