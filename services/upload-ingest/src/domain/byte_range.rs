//! Which part of a file is asked for (RFC 9110 §14): one range of bytes, or all of it.

use std::ops::Range;

/// What a `Range` asks for, of a file of a known length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: nothing else was asked, or something that is not read here. Several ranges at once are not: a server may
    /// send the whole instead (§14.2), and nobody can make it send a thousand overlapping parts.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Unsatisfiable,
}

/// Reads a `Range` for a file of `len` bytes.
pub(crate) fn asked(range: Option<&str>, len: u64) -> Asked {
    let Some(spec) = range.and_then(one_range) else { return Asked::Whole };
    let (first, last) = match spec {
        (Some(first), last) => (first, last.unwrap_or(u64::MAX).min(len.saturating_sub(1))),
        (None, Some(suffix)) if suffix > 0 => (len.saturating_sub(suffix), len.saturating_sub(1)),
        _ => return Asked::Unsatisfiable,
    };
    if first >= len { Asked::Unsatisfiable } else { Asked::Part(first..last.saturating_add(1)) }
}

/// First and last position of the only range; without a first, the last is the length of a suffix. `None` for other units,
/// several ranges and what is none.
fn one_range(range: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, set) = range.split_once('=')?;
    let (first, last) = set.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (position(first)?, position(last)?) {
        (None, None) => None,
        (Some(first), Some(last)) if first > last => None,
        spec => Some(spec),
    }
}

/// A position, or that there is none. Digits alone: a sign or a list is no position.
fn position(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More than any file has is more than this one has.
    Some(Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_range_is_cut_to_what_there_is() {
        for (range, expected) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-", 0..10),
            ("bytes=4-6", 4..7),
            ("bytes=4-99999999999999999999999", 4..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("Bytes= 9-9 ", 9..10),
        ] {
            assert_eq!(asked(Some(range), 10), Asked::Part(expected), "{range}");
        }
    }

    #[test]
    fn bytes_that_are_not_there_are_said_not_to_be() {
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(asked(Some(range), 10), Asked::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn everything_else_is_the_whole() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=3-1",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(asked(Some(range), 10), Asked::Whole, "{range}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_lies_inside(range in "bytes=[0-9]{0,4}-[0-9]{0,4}|.{0,20}", len in 1_u64..2000) {
            if let Asked::Part(part) = asked(Some(&range), len) {
                prop_assert!(part.start < part.end && part.end <= len);
            }
        }
    }
}
