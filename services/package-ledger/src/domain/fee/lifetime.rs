//! How long a list of fees may be kept (P-D2): a fee changes with time, not only with writes.

use chrono::{DateTime, TimeDelta, Utc};

/// Longest that a list with fees in it may be kept, in seconds.
pub(crate) const MAX_LIST_LIFETIME_SECS: u32 = 30;

/// Until when a list of fees is right: the first instant at which one of them has other amounts. None where none ever will.
pub(crate) fn valid_until(
    next_changes: impl IntoIterator<Item = Option<DateTime<Utc>>>,
) -> Option<DateTime<Utc>> {
    next_changes.into_iter().flatten().min()
}

/// How long a list of fees that is right until then may be kept from now on, in whole seconds: it is gone before that instant, even
/// if it is still used in the very last one of its life. `now` is when the copy is made, not when its fees were reckoned.
pub(crate) fn lifetime_secs(now: DateTime<Utc>, valid_until: Option<DateTime<Utc>>) -> u32 {
    let Some(valid_until) = valid_until else { return MAX_LIST_LIFETIME_SECS };
    let left = valid_until.signed_duration_since(now) - TimeDelta::microseconds(1);
    let secs = left.num_seconds().clamp(0, MAX_LIST_LIFETIME_SECS.into());
    u32::try_from(secs).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tariff::tests::instant;

    const MICRO: TimeDelta = TimeDelta::microseconds(1);

    #[test]
    fn a_list_lives_to_the_next_change_of_any_row_and_at_most_half_a_minute() {
        let now = instant("2026-11-05T15:00:00Z");
        let in_secs = |secs| Some(now + TimeDelta::seconds(secs));
        assert_eq!(valid_until([in_secs(90), None, in_secs(20)]), in_secs(20));
        assert_eq!(valid_until([None, None]), None);
        assert_eq!(valid_until([]), None);
        assert_eq!(lifetime_secs(now, None), 30);
        for (left, expected) in [
            (TimeDelta::days(1), 30),
            (TimeDelta::seconds(30) + MICRO, 30),
            (TimeDelta::seconds(30), 29),
            (TimeDelta::milliseconds(2_999), 2),
            (TimeDelta::seconds(1), 0),
            (TimeDelta::zero(), 0),
            (TimeDelta::days(-1), 0),
        ] {
            assert_eq!(lifetime_secs(now, Some(now + left)), expected, "{left}");
        }
    }
}
