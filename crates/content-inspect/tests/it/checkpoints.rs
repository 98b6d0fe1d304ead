//! A checkpoint is small, and one that does not fit is refused (U-D3).

use content_inspect::{Checkpoint, CheckpointError, Inspector};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::media::{ALL, named, real, tiny};

fn checkpoint_after(bytes: &[u8]) -> Value {
    let mut inspector = Inspector::new(ALL);
    inspector.update(bytes).unwrap();
    serde_json::to_value(inspector.checkpoint()).unwrap()
}

fn restore(json: Value) -> Result<Inspector, CheckpointError> {
    let checkpoint: Checkpoint = serde_json::from_value(json).unwrap();
    Inspector::restore(&checkpoint)
}

#[test]
fn a_checkpoint_is_small_wherever_it_is_taken() {
    for media in real().into_iter().chain(tiny()) {
        let mut inspector = Inspector::new(ALL);
        for piece in media.bytes.chunks(media.bytes.len() / 50 + 1) {
            inspector.update(piece).unwrap();
            let json = serde_json::to_string(&inspector.checkpoint()).unwrap();
            assert!(json.len() < 700, "{} bytes at {} of {}", json.len(), inspector.offset(), media.name);
        }
    }
}

#[test]
fn a_checkpoint_before_the_type_is_known_is_bounded_too() {
    // The longest type box that is read, and its last byte is missing.
    let mut start = b"\0\0\x10\0ftyp????".to_vec();
    start.resize(4095, b'?');
    assert!(serde_json::to_string(&checkpoint_after(&start)).unwrap().len() < 7 * 1024);
}

#[test]
fn a_checkpoint_of_another_release_is_refused_whatever_is_in_it() {
    let json = json!({ "version": 0, "offset": 7, "state": { "of": ["another", "shape"] } });
    assert!(matches!(restore(json), Err(CheckpointError::OtherVersion { found: 0 })));
}

#[test]
fn a_checkpoint_that_is_not_whole_is_refused() {
    let whole = checkpoint_after(&named("tiny.mov").bytes);
    assert!(restore(whole.clone()).is_ok());
    for (pointer, value) in [
        ("/offset", json!(1)),
        ("/state", json!(null)),
        ("/state/hash", json!("AAAA")),
        ("/state/hash", json!("not base64")),
        ("/state/stage", json!({ "walking": {} })),
        ("/state/accepted", json!(["text/html"])),
    ] {
        let mut broken = whole.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        assert!(matches!(restore(broken), Err(CheckpointError::Malformed(_))), "{pointer}");
    }
}

/// Replaces the number that comes `index`-th, in the order of the JSON.
fn replace_number(json: &mut Value, index: &mut usize, with: u64) {
    match json {
        Value::Number(number) => {
            if *index == 0 {
                *number = with.into();
            }
            *index = index.wrapping_sub(1);
        }
        Value::Array(values) => values.iter_mut().for_each(|value| replace_number(value, index, with)),
        Value::Object(values) => values.values_mut().for_each(|value| replace_number(value, index, with)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn a_checkpoint_with_any_number_in_it_never_panics(
        media in prop::sample::select(tiny()),
        at in any::<prop::sample::Index>(),
        index in 0..12_usize,
        number in prop_oneof![0..5_u64, any::<u64>(), Just(u64::MAX)],
    ) {
        let at = at.index(media.bytes.len());
        let mut json = checkpoint_after(&media.bytes[..at])["state"].take();
        replace_number(&mut json, &mut { index }, number);
        let offset = json["offset"].clone();
        if let Ok(mut inspector) = restore(json!({ "version": 1, "offset": offset, "state": json })) {
            let _either = inspector.update(&media.bytes[at..]).and_then(|()| inspector.finish());
        }
    }
}
