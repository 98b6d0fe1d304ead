//! How long a caller waits, as it travels from process to process in one header field.
//!
//! The field holds a duration, not a moment: clocks of two machines differ. It counts from the end of the request, so that
//! the time a body takes to arrive is not taken from its answer. The way itself is not accounted for; between neighbours
//! it is short, and the caller gives up first.

use std::time::Duration;

/// The field: milliseconds the answer may take, as digits.
pub const HEADER: &str = "x-request-timeout-ms";

/// More than this is taken for a mistake.
pub const LONGEST: Duration = Duration::from_secs(3600);

/// Reads the values of the field. Absent, repeated, malformed, zero or longer than [`LONGEST`] is `None`: the field is
/// advice, and a request is not refused for it.
pub fn parse<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Option<Duration> {
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    // Seven digits are enough for an hour; without the check a sign would pass.
    if value.len() > 7 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let millis: u64 = std::str::from_utf8(value).ok()?.parse().ok()?;
    let limit = Duration::from_millis(millis);
    (limit > Duration::ZERO && limit <= LONGEST).then_some(limit)
}

/// The value that says `left`: whole milliseconds, rounded down, from 1 to those of [`LONGEST`].
#[must_use]
pub fn render(left: Duration) -> u64 {
    u64::try_from(left.min(LONGEST).as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(values: &[&str]) -> Option<Duration> {
        parse(values.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn whole_milliseconds_up_to_an_hour_are_read() {
        assert_eq!(parsed(&["1"]), Some(Duration::from_millis(1)));
        assert_eq!(parsed(&["0030000"]), Some(Duration::from_secs(30)));
        assert_eq!(parsed(&["3600000"]), Some(LONGEST));
    }

    #[test]
    fn anything_else_is_ignored() {
        for value in ["", "0", "-1", "+1", "1.5", " 1", "1s", "0x10", "3600001", "99999999999999999999", "é"]
        {
            assert_eq!(parsed(&[value]), None, "{value:?}");
        }
        assert_eq!(parsed(&[]), None);
        assert_eq!(parsed(&["1", "1"]), None, "repeated");
    }

    #[test]
    fn what_is_rendered_is_read_again() {
        for left in [Duration::ZERO, Duration::from_micros(1_999), Duration::from_secs(9_999)] {
            assert!(parsed(&[&render(left).to_string()]).is_some(), "{left:?}");
        }
        assert_eq!(render(Duration::from_micros(1_999)), 1);
    }
}
