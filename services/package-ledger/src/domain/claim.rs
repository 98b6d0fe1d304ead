//! What the desk answers for when something goes wrong with a package, and until when (P-D12).

use chrono::{DateTime, Datelike, FixedOffset, NaiveTime, TimeDelta, Utc, Weekday};

use super::money::{Currency, Money, MoneyError};
use super::named::named;

/// Most that the desk answers for: 200,000 COP.
pub(crate) const MAX_LIABILITY: Money = Money { amount_minor: 20_000_000, currency: Currency::Cop };
/// And no more than so many times the fee.
const LIABILITY_PER_FEE: i64 = 10;
/// How long after the hand-over a claim is taken.
const WINDOW_HOURS: i64 = 48;
/// How many business days the desk has to answer.
const ANSWER_BUSINESS_DAYS: u32 = 5;

named! {
    /// What a claim is about.
    ClaimKind {
        /// The desk cannot find the package.
        Lost = "lost",
        /// It is broken.
        Damaged = "damaged",
        /// Something else.
        Other = "other",
    }
}

named! {
    /// How far a claim is. It goes on, and never back.
    ClaimStatus {
        /// Nobody at the desk has seen it.
        Open = "open",
        /// Somebody has.
        Read = "read",
        /// The desk has said what it does.
        Answered = "answered",
        /// Nothing is to be done any more.
        Closed = "closed",
    }
}

/// What the desk answers for at most: ten times the fee, and no more than [`MAX_LIABILITY`].
///
/// # Errors
/// The fee is of another currency than the limit, which nobody has fixed in it, or too large to reckon with.
pub(crate) fn liability(fee: Money) -> Result<Money, MoneyError> {
    fee.checked_mul(LIABILITY_PER_FEE)?.checked_min(MAX_LIABILITY)
}

/// It is too late for a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claims were taken until {closed_at}")]
pub(crate) struct WindowClosed {
    /// The last instant at which one was taken.
    pub(crate) closed_at: DateTime<Utc>,
}

/// Whether a claim is still taken. As long as the desk has the package, it is.
///
/// # Errors
/// More than 48 hours have passed since the hand-over.
pub(crate) fn check_window(
    handed_over_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), WindowClosed> {
    let closed_at = handed_over_at.map(|handed_over_at| handed_over_at + TimeDelta::hours(WINDOW_HOURS));
    match closed_at {
        Some(closed_at) if closed_at < now => Err(WindowClosed { closed_at }),
        _ => Ok(()),
    }
}

/// Until when a claim is to be answered: the end of the fifth business day after the day on which it was opened, by the calendar of
/// the desk.
///
/// Business days are Monday to Friday. Holidays are not known here: with one in between, the desk has a day less than it may take.
/// The offset is fixed, which is right where clocks are never changed, as in Colombia.
pub(crate) fn answer_due_at(opened_at: DateTime<Utc>, desk: FixedOffset) -> DateTime<Utc> {
    let mut day = opened_at.with_timezone(&desk).date_naive();
    let mut business_days = 0;
    while business_days < ANSWER_BUSINESS_DAYS {
        day += TimeDelta::days(1);
        business_days += u32::from(!matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
    }
    let end = (day + TimeDelta::days(1)).and_time(NaiveTime::MIN);
    end.and_utc() - TimeDelta::seconds(desk.local_minus_utc().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::tariff::tests::instant;

    fn cop(amount_minor: i64) -> Money {
        Money::new(amount_minor, Currency::Cop)
    }

    fn bogota() -> FixedOffset {
        FixedOffset::west_opt(5 * 3_600).unwrap()
    }

    #[test]
    fn the_desk_answers_for_ten_times_the_fee_up_to_200_000_pesos() {
        assert_eq!(liability(cop(350_000)), Ok(cop(3_500_000)));
        assert_eq!(liability(cop(2_000_000)), Ok(cop(20_000_000)));
        assert_eq!(liability(cop(2_000_001)), Ok(cop(20_000_000)));
        assert_eq!(liability(cop(0)), Ok(cop(0)));
        assert!(liability(Money::new(1, Currency::Usd)).is_err());
    }

    #[test]
    fn a_claim_goes_on_and_never_back() {
        assert!(ClaimStatus::ALL.is_sorted());
        assert!(ClaimStatus::Read < ClaimStatus::Answered);
    }

    #[test]
    fn a_claim_is_taken_to_the_last_microsecond_of_48_hours() {
        let handed_over_at = instant("2026-11-05T15:00:00Z");
        let closed_at = instant("2026-11-07T15:00:00Z");
        assert_eq!(check_window(Some(handed_over_at), closed_at), Ok(()));
        let late = check_window(Some(handed_over_at), closed_at + TimeDelta::microseconds(1));
        assert_eq!(late, Err(WindowClosed { closed_at }));
        assert_eq!(check_window(None, closed_at + TimeDelta::days(100)), Ok(()));
    }

    #[test]
    fn an_answer_is_due_after_five_business_days() {
        for (opened_at, due_at) in [
            // On a Monday: to the end of the Monday after.
            ("2026-11-02T10:00:00-05:00", "2026-11-10T00:00:00-05:00"),
            // On a Friday, a Saturday, a Sunday: to the end of the Friday after.
            ("2026-11-06T10:00:00-05:00", "2026-11-14T00:00:00-05:00"),
            ("2026-11-07T10:00:00-05:00", "2026-11-14T00:00:00-05:00"),
            ("2026-11-08T10:00:00-05:00", "2026-11-14T00:00:00-05:00"),
            // Late on a Sunday it is Monday in London, but not at the desk.
            ("2026-11-08T23:59:59-05:00", "2026-11-14T00:00:00-05:00"),
            ("2026-11-09T00:00:00-05:00", "2026-11-17T00:00:00-05:00"),
        ] {
            assert_eq!(answer_due_at(instant(opened_at), bogota()), instant(due_at), "{opened_at}");
        }
    }

    proptest! {
        #[test]
        fn an_answer_has_at_least_five_days_and_at_most_eight(minutes in 0..600_000_i64) {
            let opened_at = instant("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
            let left = answer_due_at(opened_at, bogota()) - opened_at;
            prop_assert!(left > TimeDelta::days(5) && left <= TimeDelta::days(8));
        }
    }
}
