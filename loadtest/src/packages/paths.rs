//! What is asked: pages of the list, each request of a measurement for another one where nothing may be known of it.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, Months, TimeDelta, Utc};

use super::data::APART_SECS;
use crate::freshness::dice::Dice;

/// Entries on a page.
pub(super) const LIMIT: usize = 20;
/// The first page.
pub(crate) const FIRST: &str = "/v1/packages?limit=20";
/// Rows from which on a page is deep.
pub(super) const DEEP: usize = 150_000;
/// Rows among which early pages begin.
const EARLY_ROWS: usize = 5_000;

/// Where a request goes; some have no two alike.
#[derive(Clone, Debug)]
pub(crate) enum Paths {
    One(String),
    /// One of these.
    Some(Vec<String>),
    /// From the newest package before an instant of this stretch, counted back from `end`.
    Before {
        end: DateTime<Utc>,
        stretch: Duration,
    },
    /// A page by its number, with 20 to 40 entries.
    Numbered,
    /// The reference's: rows to skip, from and below, and entries on a page, from and to.
    Skip {
        form: String,
        rows: (usize, usize),
        entries: (u64, u64),
    },
}

impl Paths {
    /// Any early page.
    pub(crate) fn early(now: DateTime<Utc>) -> Self {
        Self::Before { end: now, stretch: apart(EARLY_ROWS) }
    }

    /// Any page beyond so many rows of so many.
    pub(super) fn deep(now: DateTime<Utc>, rows: usize, packages: usize) -> Self {
        let end = now - TimeDelta::from_std(apart(rows)).unwrap_or_default();
        Self::Before { end, stretch: apart(packages.saturating_sub(rows + LIMIT)) }
    }

    pub(crate) fn next(&self, dice: &mut Dice) -> String {
        match self {
            Self::One(path) => path.clone(),
            Self::Some(paths) => dice.pick(paths).cloned().unwrap_or_default(),
            Self::Before { end, stretch } => {
                let micros = u64::try_from(stretch.as_micros()).unwrap_or(u64::MAX);
                let back = i64::try_from(dice.between(0, micros)).unwrap_or(i64::MAX);
                let at = *end - TimeDelta::microseconds(back);
                format!("{FIRST}&created_to={}", at.format("%Y-%m-%dT%H:%M:%S%.6fZ"))
            }
            Self::Numbered => {
                let limit = dice.between(20, 40);
                format!("/v1/packages?limit={limit}&page={}", dice.between(1, 5_000 / limit))
            }
            Self::Skip { form, rows, entries } => {
                let skip = rows.0 + dice.below(rows.1 - rows.0);
                format!("/{form}/packages/?skip={skip}&limit={}", dice.between(entries.0, entries.1))
            }
        }
    }
}

/// How long so many packages take to come.
fn apart(rows: usize) -> Duration {
    Duration::from_secs(u64::from(APART_SECS)) * u32::try_from(rows).unwrap_or(u32::MAX)
}

/// What a load generator that knows `{rand:A-B}` can ask for an early page: packages before some second of yesterday.
pub(super) fn early_pattern(now: DateTime<Utc>) -> String {
    let day = (now - TimeDelta::days(1)).format("%Y-%m-%d");
    format!("{FIRST}&created_to={day}T{{rand:10-23}}:{{rand:10-59}}:{{rand:10-59}}Z")
}

/// And for a page beyond so many rows: packages before some second of a month that lies beyond them.
pub(super) fn deep_pattern(now: DateTime<Utc>, rows: usize) -> Option<String> {
    let end = now - TimeDelta::from_std(apart(rows)).ok()?;
    let month = end.checked_sub_months(Months::new(1))?;
    let month = format!("{:04}-{:02}", month.year(), month.month());
    Some(format!("{FIRST}&created_to={month}-{{rand:10-28}}T{{rand:10-23}}:{{rand:10-59}}:{{rand:10-59}}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-29T06:00:00Z".parse().unwrap()
    }

    #[test]
    fn deep_pages_begin_beyond_the_rows() {
        let mut dice = Dice::new(1, "paths", 0);
        let (rows, packages) = (150_000, 200_000);
        for _ in 0..1_000 {
            let path = Paths::deep(now(), rows, packages).next(&mut dice);
            let at: DateTime<Utc> = path.rsplit_once('=').unwrap().1.parse().unwrap();
            let before = usize::try_from((now() - at).num_seconds()).unwrap() / 300;
            assert!((rows..=packages - LIMIT).contains(&before), "{path}: {before}");
        }
        // 150,000 packages go back 520 days and 20 hours, to June 2025.
        assert_eq!(
            deep_pattern(now(), rows).unwrap(),
            "/v1/packages?limit=20&created_to=2025-05-{rand:10-28}T{rand:10-23}:{rand:10-59}:{rand:10-59}Z"
        );
    }

    #[test]
    fn early_pages_are_many_and_those_of_the_reference_have_its_form() {
        let mut dice = Dice::new(1, "paths", 0);
        let some: std::collections::HashSet<String> =
            (0..1_000).map(|_| Paths::early(now()).next(&mut dice)).collect();
        assert!(some.len() > 990);
        assert!(early_pattern(now()).contains("created_to=2026-11-28T{rand:10-23}"));
        let skip = Paths::Skip { form: "after".to_owned(), rows: (5, 6), entries: (20, 20) };
        assert_eq!(skip.next(&mut dice), "/after/packages/?skip=5&limit=20");
        for _ in 0..100 {
            let numbered = Paths::Numbered.next(&mut dice);
            let number = |name: &str| {
                let (_, rest) = numbered.split_once(name).unwrap();
                rest.split('&').next().unwrap().parse::<u64>().unwrap()
            };
            assert!(number("limit=") * number("page=") <= 5_000, "{numbered}");
        }
    }
}
