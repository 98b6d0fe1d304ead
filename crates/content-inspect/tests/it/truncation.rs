//! A body that ends too early is never taken (U-C1).

use content_inspect::{Fault, Inspector, Refusal};

use crate::media::{ALL, Media, a_box, ftyp, inspect, named, real, tiny};

/// What `finish` says after each of the given lengths, which ascend.
fn after_each(media: &Media, lengths: impl IntoIterator<Item = usize>) -> Vec<(usize, Result<(), Refusal>)> {
    let mut inspector = Inspector::new(ALL);
    let mut behind = 0;
    let mut said = Vec::new();
    for length in lengths {
        inspector.update(&media.bytes[behind..length]).unwrap();
        behind = length;
        said.push((length, inspector.clone().finish().map(drop)));
    }
    said
}

fn assert_refused(media: &Media, lengths: impl IntoIterator<Item = usize>) {
    let whole = media.bytes.len() as u64;
    for (length, said) in after_each(media, lengths) {
        match said {
            Err(Refusal::Empty) => assert_eq!(length, 0),
            Err(Refusal::Truncated { bytes, expected_at_least }) => {
                assert_eq!(bytes, length as u64);
                assert!(bytes < expected_at_least, "{} after {length}", media.name);
                assert!(expected_at_least <= whole, "{} after {length}: {expected_at_least}", media.name);
            }
            Err(Refusal::Damaged { fault: Fault::NoDescription | Fault::NoContent, at }) => {
                assert_eq!(at, length as u64);
            }
            other => panic!("{} after {length} of {whole} bytes: {other:?}", media.name),
        }
    }
}

#[test]
fn a_real_file_that_ends_early_is_refused() {
    for media in real() {
        let whole = media.bytes.len();
        let inner = (1_000..whole - 1_000).step_by(997);
        assert_refused(&media, (0..1_000).chain(inner).chain(whole - 1_000..whole));
    }
}

#[test]
fn a_tiny_file_that_ends_after_any_byte_is_refused() {
    for media in tiny() {
        if !matches!(media.name, "live.mkv" | "fragments.mp4") {
            assert_refused(&media, 0..media.bytes.len());
        }
    }
}

#[test]
fn a_live_recording_may_end_between_blocks_and_nowhere_else() {
    let media = named("live.mkv");
    let said = after_each(&media, 0..media.bytes.len());
    let taken = said.iter().filter(|(_, said)| said.is_ok()).count();
    // Six pictures and the clusters around them.
    assert!((3..=20).contains(&taken), "{taken} ends are allowed");
}

#[test]
fn a_film_in_fragments_may_end_between_boxes_and_nowhere_else() {
    let media = named("fragments.mp4");
    let said = after_each(&media, 0..media.bytes.len());
    let taken = said.iter().filter(|(_, said)| said.is_ok()).count();
    assert!((2..=8).contains(&taken), "{taken} ends are allowed");
}

#[test]
fn what_is_missing_is_said_to_the_byte_where_it_is_known() {
    let film = [ftyp(), a_box(b"moov", b"index"), a_box(b"mdat", &[7; 100])].concat();
    let short = &film[..film.len() - 40];
    let refusal = inspect(short).unwrap_err();
    let whole = film.len() as u64;
    assert_eq!(refusal, Refusal::Truncated { bytes: whole - 40, expected_at_least: whole });
    assert_eq!(refusal.human(), "The file is incomplete: at least 40 bytes of it did not arrive.");
    assert_eq!(refusal.code(), "truncated_content");
}

#[test]
fn a_body_without_a_byte_is_empty() {
    assert_eq!(inspect(&[]), Err(Refusal::Empty));
    assert_eq!(Refusal::Empty.code(), "empty_content");
}
