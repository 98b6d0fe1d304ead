//! What the inspector's tests share: feeding it in pieces and writing down what it said.

mod accepted;
mod authority;
mod differential;
mod parser;
mod refused;
mod splits;

use super::{FramingLimits, HeadFacts, Inspector, Refusal, Verdict};

/// What an inspector said, with the verdicts on one body added up: how many there are hangs on how it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Head(usize, HeadFacts),
    Body(usize),
    Refused(Refusal),
}

/// Limits so small that a test's input need not be long.
fn small() -> FramingLimits {
    FramingLimits {
        target_bytes: 64,
        head_bytes: 512,
        field_bytes: 128,
        fields: 8,
        chunk_line_bytes: 32,
        trailer_bytes: 96,
        trailers: 3,
    }
}

/// Shows `input` up to each of `ends` in turn, as reads would bring it, and all of it at last.
fn feed(limits: FramingLimits, input: &[u8], ends: impl IntoIterator<Item = usize>) -> Vec<Said> {
    let mut inspector = Inspector::new(limits);
    let mut said = Vec::new();
    let mut passed = 0;
    for end in ends.into_iter().chain([input.len()]) {
        loop {
            match inspector.inspect(&input[passed..end.max(passed)]) {
                Verdict::Head(bytes, facts) => {
                    passed += bytes;
                    said.push(Said::Head(bytes, facts));
                }
                Verdict::Body(bytes) => {
                    assert!(bytes > 0, "a verdict that lets nothing pass would never end");
                    passed += bytes;
                    match said.last_mut() {
                        Some(Said::Body(before)) => *before += bytes,
                        _ => said.push(Said::Body(bytes)),
                    }
                }
                Verdict::Incomplete => break,
                Verdict::Refuse(refusal) => {
                    assert_eq!(
                        inspector.inspect(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                        Verdict::Refuse(refusal)
                    );
                    said.push(Said::Refused(refusal));
                    return said;
                }
            }
        }
    }
    said
}

/// Shows `input` at once.
fn at_once(input: &[u8]) -> Vec<Said> {
    feed(small(), input, [])
}

/// Shows `input` byte by byte.
fn bytewise(input: &[u8]) -> Vec<Said> {
    feed(small(), input, 1..input.len())
}
