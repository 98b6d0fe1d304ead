//! However a body is cut, and wherever it is put away and taken up, the result is the same.

use content_inspect::{Checkpoint, Inspected, Inspector, Refusal};
use proptest::prelude::*;

use crate::media::{ALL, Media, inspect, real, tiny};

/// One piece: its length, and whether the inspection is put away as JSON after it.
type Cut = (usize, bool);

/// Inspects `bytes` in pieces; the cuts are repeated until the bytes are used up.
fn in_pieces(bytes: &[u8], cuts: &[Cut]) -> Result<Inspected, Refusal> {
    let mut inspector = Inspector::new(ALL);
    let mut rest = bytes;
    for &(length, put_away) in cuts.iter().cycle() {
        let (piece, after) = rest.split_at(length.min(rest.len()));
        inspector.update(piece)?;
        rest = after;
        assert_eq!(inspector.offset(), (bytes.len() - rest.len()) as u64);
        if put_away {
            inspector = through_json(&inspector);
        }
        if rest.is_empty() {
            break;
        }
    }
    inspector.finish()
}

fn through_json(inspector: &Inspector) -> Inspector {
    let json = serde_json::to_string(&inspector.checkpoint()).unwrap();
    let checkpoint: Checkpoint = serde_json::from_str(&json).unwrap();
    assert_eq!(checkpoint.offset(), inspector.offset());
    let restored = Inspector::restore(&checkpoint).unwrap();
    assert_eq!(restored.content_type(), inspector.content_type());
    restored
}

fn cuts(longest: usize) -> impl Strategy<Value = Vec<Cut>> {
    prop::collection::vec((1..=longest, prop::bool::weighted(0.3)), 1..40)
}

/// A file with some bytes changed, left out or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let beginnings = real().into_iter().map(|media| media.bytes[..3000].to_vec());
    let bodies: Vec<Vec<u8>> = tiny().into_iter().map(|media| media.bytes).chain(beginnings).collect();
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8, 1..40_usize);
    (prop::sample::select(bodies), prop::collection::vec(change, 1..6)).prop_map(|(mut bytes, changes)| {
        for (at, value, what, count) in changes {
            // The headers, which are what is looked at, are more often at the front.
            let at = at.index(bytes.len().max(1)) >> (value % 8);
            let end = (at + count).min(bytes.len());
            match what {
                0 if at < bytes.len() => bytes[at] = value,
                1 => drop(bytes.drain(at..end)),
                2 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
                _ => bytes.resize(bytes.len() + count, value),
            }
        }
        bytes
    })
}

#[test]
fn every_file_is_known_by_its_content_and_has_the_digest_of_its_bytes() {
    for media in real().into_iter().chain(tiny()) {
        assert_eq!(inspect(&media.bytes), Ok(media.expected()), "{}", media.name);
    }
}

#[test]
fn a_body_may_come_byte_by_byte() {
    let photograph = real().into_iter().filter(|media| media.name == "chelsea.png");
    for media in tiny().into_iter().chain(photograph) {
        assert_eq!(in_pieces(&media.bytes, &[(1, false)]), Ok(media.expected()), "{}", media.name);
    }
}

#[test]
fn an_inspection_may_be_put_away_after_every_byte() {
    for media in tiny() {
        let start = &media.bytes[..media.bytes.len().min(700)];
        assert_eq!(in_pieces(start, &[(1, true)]), inspect(start), "{}", media.name);
    }
}

#[test]
fn pieces_of_no_length_change_nothing() {
    for Media { name, bytes, .. } in tiny() {
        let mut inspector = Inspector::new(ALL);
        for piece in bytes.chunks(100) {
            inspector.update(&[]).unwrap();
            inspector.update(piece).unwrap();
        }
        inspector.update(&[]).unwrap();
        assert_eq!(inspector.finish(), inspect(&bytes), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn a_real_file_gives_the_same_however_it_is_cut(cuts in cuts(200_000)) {
        for media in real() {
            prop_assert_eq!(in_pieces(&media.bytes, &cuts), Ok(media.expected()), "{}", media.name);
        }
    }
}

proptest! {
    #[test]
    fn a_tiny_file_gives_the_same_however_it_is_cut(cuts in cuts(300)) {
        for media in tiny() {
            prop_assert_eq!(in_pieces(&media.bytes, &cuts), Ok(media.expected()), "{}", media.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_broken_file_gives_the_same_however_it_is_cut(bytes in mutated(), cuts in cuts(300)) {
        prop_assert_eq!(in_pieces(&bytes, &cuts), inspect(&bytes));
    }

    #[test]
    fn random_bytes_give_the_same_however_they_are_cut(bytes in prop::collection::vec(any::<u8>(), 0..600), cuts in cuts(50)) {
        prop_assert_eq!(in_pieces(&bytes, &cuts), inspect(&bytes));
    }

    #[test]
    fn a_refusal_is_final_and_harmless(bytes in mutated(), more in prop::collection::vec(any::<u8>(), 0..100)) {
        let mut inspector = Inspector::new(ALL);
        if let Err(refusal) = inspector.update(&bytes) {
            prop_assert_eq!(inspector.offset(), 0);
            prop_assert_eq!(inspector.content_type(), None);
            prop_assert_eq!(inspector.update(&more), Err(refusal.clone()));
            prop_assert_eq!(through_json(&inspector).update(&more), Err(refusal.clone()));
            prop_assert_eq!(inspector.finish(), Err(refusal));
        }
    }
}
