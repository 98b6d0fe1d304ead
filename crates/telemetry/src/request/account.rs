//! What a request took, and what of it was what: the account as it stands in `Server-Timing`.

use std::time::Duration;

use super::part::{Part, Spent};

/// A handler's own parts by name.
pub type Named = Vec<(&'static str, Duration)>;

/// The account of a request at one moment. Its parts, own ones and [`app`](Self::app) included, add up to
/// [`total`](Self::total).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// From the request's head to that moment.
    pub total: Duration,
    /// What was waited for.
    pub spent: Spent,
    /// The handler's own parts, in the order in which they were first recorded.
    pub own: Named,
    /// Time within other parts that has a name of its own.
    pub details: Named,
    /// What nothing else accounts for.
    pub app: Duration,
}

impl Account {
    /// Puts an account together. Own parts are what handlers say of themselves, as lengths: where they are more than is left,
    /// because the thread was held meanwhile or because they overlap after all, they are cut in proportion.
    pub(super) fn new(total: Duration, spent: Spent, mut own: Named, details: Named) -> Self {
        let left = total.saturating_sub(spent.sum());
        let claimed: Duration = own.iter().map(|(_, took)| *took).sum();
        if claimed > left {
            let share = left.as_secs_f64() / claimed.as_secs_f64();
            for (_, took) in &mut own {
                *took = took.mul_f64(share);
            }
        }
        let mut account = Self { total, spent, own, details, app: Duration::ZERO };
        account.app = left.saturating_sub(account.own_sum());
        account
    }

    /// The handler's own parts together.
    #[must_use]
    pub fn own_sum(&self) -> Duration {
        self.own.iter().map(|(_, took)| *took).sum()
    }

    /// The value of `Server-Timing`: `total`, the parts that the request had, and `app`. With a number of statements `db` and
    /// `pool` are there in any case.
    #[must_use]
    pub fn server_timing(&self, statements: Option<u64>) -> String {
        let mut value = String::with_capacity(128);
        metric(&mut value, "total", self.total);
        let mut parts = &Part::ALL[..];
        if let Some(statements) = statements {
            metric(&mut value, ", db", self.spent.on(Part::Database));
            value.push_str(";desc=\"");
            push_digits(&mut value, u128::from(statements), 1);
            value.push_str(if statements == 1 { " statement\"" } else { " statements\"" });
            metric(&mut value, ", pool", self.spent.on(Part::Pool));
            parts = &OTHERS;
        }
        for part in parts {
            if self.spent.has(*part) {
                value.push_str(", ");
                metric(&mut value, part.name(), self.spent.on(*part));
            }
        }
        for (name, took) in &self.own {
            value.push_str(", ");
            metric(&mut value, name, *took);
        }
        for (name, took) in &self.details {
            value.push_str(", ");
            metric(&mut value, name, *took);
            value.push_str(";desc=\"within another\"");
        }
        metric(&mut value, ", app", self.app);
        value
    }
}

/// All but those of the database.
const OTHERS: [Part; 8] = [
    Part::Blocked,
    Part::Late,
    Part::Redis,
    Part::Announce,
    Part::CacheWait,
    Part::Queue,
    Part::Client,
    Part::Upstream,
];

fn metric(out: &mut String, name: &str, took: Duration) {
    out.push_str(name);
    out.push_str(";dur=");
    push_decimal(out, took, 1_000, 3);
}

/// Writes microseconds in units of `unit` of them, with so many decimals. Without the formatting machinery, which would be a
/// part of what it measures.
pub fn push_decimal(out: &mut String, took: Duration, unit: u128, decimals: usize) {
    let micros = took.as_micros();
    push_digits(out, micros / unit, 1);
    out.push('.');
    push_digits(out, micros % unit, decimals);
}

fn push_digits(out: &mut String, number: u128, at_least: usize) {
    if number >= 10 || at_least > 1 {
        push_digits(out, number / 10, at_least.saturating_sub(1));
    }
    out.push(char::from(b'0' + u8::try_from(number % 10).unwrap_or(0)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ledger::Ledger;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn spent(part: Part, took: Duration) -> Spent {
        let mut ledger = Ledger::default();
        ledger.enter(part, 0);
        ledger.spent_by(u64::try_from(took.as_nanos()).unwrap())
    }

    #[test]
    fn durations_are_written_with_their_decimals() {
        let written = |micros: u64, unit, decimals| {
            let mut out = String::new();
            push_decimal(&mut out, Duration::from_micros(micros), unit, decimals);
            out
        };
        for (micros, millis, seconds) in [
            (0, "0.000", "0.000000"),
            (7, "0.007", "0.000007"),
            (1_234_567, "1234.567", "1.234567"),
            (10_000_000, "10000.000", "10.000000"),
        ] {
            assert_eq!(written(micros, 1_000, 3), millis);
            assert_eq!(written(micros, 1_000_000, 6), seconds);
        }
    }

    #[test]
    fn what_nothing_accounts_for_is_app() {
        let own = vec![("compose", millis(20))];
        let account = Account::new(millis(100), spent(Part::Database, millis(50)), own, Vec::new());
        assert_eq!(account.app, millis(30));
        assert_eq!(
            account.server_timing(Some(2)),
            "total;dur=100.000, db;dur=50.000;desc=\"2 statements\", pool;dur=0.000, compose;dur=20.000, app;dur=30.000"
        );
        assert_eq!(
            account.server_timing(None),
            "total;dur=100.000, db;dur=50.000, compose;dur=20.000, app;dur=30.000"
        );
    }

    #[test]
    fn own_parts_that_do_not_fit_are_cut_in_proportion() {
        let own = vec![("write", millis(90)), ("sync", millis(30))];
        let account = Account::new(millis(100), spent(Part::Blocked, millis(60)), own, Vec::new());
        assert_eq!(account.own, [("write", millis(30)), ("sync", millis(10))]);
        assert_eq!(account.app, Duration::ZERO);
    }

    #[test]
    fn details_stand_apart_from_the_sum() {
        let details = vec![("outbox", millis(10))];
        let account = Account::new(millis(50), spent(Part::Database, millis(50)), Vec::new(), details);
        assert_eq!(account.app, Duration::ZERO);
        let timing = account.server_timing(Some(1));
        assert!(
            timing.contains("desc=\"1 statement\"")
                && timing.contains("outbox;dur=10.000;desc=\"within another\"")
        );
    }

    #[test]
    fn no_part_is_written_twice_or_left_out() {
        let mut all: Vec<Part> = OTHERS.into_iter().chain([Part::Database, Part::Pool]).collect();
        all.sort_by_key(|part| *part as usize);
        assert_eq!(all, Part::ALL);
    }
}
