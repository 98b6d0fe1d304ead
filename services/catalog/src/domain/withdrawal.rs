//! Withdrawal periods: until when nothing of a treated animal may be sold (C-D11).

use chrono::{Days, NaiveDate};

/// A treatment, as far as withdrawal is concerned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GivenRemedy {
    /// The day it was given.
    pub(crate) given_on: NaiveDate,
    /// Days of the remedy's withdrawal period; a negative number counts as none.
    pub(crate) withdrawal_days: i64,
}

/// The last day of withdrawal over all treatments of an animal; `None` without treatments. Derived, never stored:
/// a remedy's period that is corrected takes effect at once.
pub(crate) fn withdrawal_until(treatments: impl IntoIterator<Item = GivenRemedy>) -> Option<NaiveDate> {
    treatments
        .into_iter()
        .map(|treatment| {
            let days = Days::new(u64::try_from(treatment.withdrawal_days).unwrap_or(0));
            // Past the end of the calendar is as good as for ever.
            treatment.given_on.checked_add_days(days).unwrap_or(NaiveDate::MAX)
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(date: &str, withdrawal_days: i64) -> GivenRemedy {
        GivenRemedy { given_on: date.parse().expect("a date"), withdrawal_days }
    }

    #[test]
    fn without_treatments_there_is_no_withdrawal() {
        assert_eq!(withdrawal_until([]), None);
    }

    #[test]
    fn the_latest_end_counts_not_the_latest_treatment() {
        let until =
            withdrawal_until([given("2025-03-01", 60), given("2025-04-01", 3), given("2025-02-01", 0)]);
        assert_eq!(until, "2025-04-30".parse().ok());
    }

    #[test]
    fn a_remedy_without_a_period_ends_on_its_own_day() {
        assert_eq!(withdrawal_until([given("2024-02-28", 0)]), "2024-02-28".parse().ok());
        assert_eq!(withdrawal_until([given("2024-02-28", 2)]), "2024-03-01".parse().ok());
    }

    #[test]
    fn absurd_periods_do_not_overflow() {
        assert_eq!(withdrawal_until([given("2024-02-28", i64::MAX)]), Some(NaiveDate::MAX));
        assert_eq!(withdrawal_until([given("2024-02-28", -5)]), "2024-02-28".parse().ok());
    }
}
