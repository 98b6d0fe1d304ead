//! The statements of a request, kept by text for the slow log.

use std::cmp::Reverse;
use std::time::Duration;

/// Texts kept; when there are more, those whose slowest run was quickest go.
pub const MAX_KEPT_STATEMENTS: usize = 32;

/// All runs of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements {
    /// The text as sent, without its bind values.
    pub sql: String,
    /// How often it ran.
    pub count: u64,
    /// Together, from sending to the last row.
    pub total: Duration,
    /// The slowest run.
    pub max: Duration,
}

/// The texts kept.
#[derive(Debug, Default)]
pub(super) struct Kept(Vec<Statements>);

impl Kept {
    pub(super) fn record(&mut self, sql: &str, took: Duration) {
        if let Some(known) = self.0.iter_mut().find(|known| known.sql == sql) {
            known.count += 1;
            known.total += took;
            known.max = known.max.max(took);
            return;
        }
        if self.0.len() >= MAX_KEPT_STATEMENTS {
            let quickest = self.0.iter_mut().min_by_key(|kept| kept.max);
            if let Some(quickest) = quickest.filter(|quickest| quickest.max < took) {
                *quickest = Statements { sql: sql.to_owned(), count: 1, total: took, max: took };
            }
            return;
        }
        self.0.push(Statements { sql: sql.to_owned(), count: 1, total: took, max: took });
    }

    /// The one with the slowest run first.
    pub(super) fn slowest_first(&self) -> Vec<Statements> {
        let mut kept = self.0.clone();
        kept.sort_by_key(|one| Reverse((one.max, one.total)));
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn runs_of_one_text_are_told_together() {
        let mut kept = Kept::default();
        for (sql, took) in [("SELECT 1", 5), ("SELECT 2", 20), ("SELECT 1", 9)] {
            kept.record(sql, micros(took));
        }
        let one = |sql: &str, count, total, max| Statements {
            sql: sql.to_owned(),
            count,
            total: micros(total),
            max: micros(max),
        };
        assert_eq!(kept.slowest_first(), [one("SELECT 2", 1, 20, 20), one("SELECT 1", 2, 14, 9)]);
    }

    #[test]
    fn past_the_bound_the_slow_ones_stay() {
        let mut kept = Kept::default();
        for number in 0..100 {
            // The slowest comes in the middle.
            let took = if number == 50 { 1_000 } else { 100 - number };
            kept.record(&format!("SELECT {number}"), micros(took));
        }
        let slowest = kept.slowest_first();
        assert_eq!(slowest.len(), MAX_KEPT_STATEMENTS);
        assert_eq!((slowest[0].sql.as_str(), slowest[1].sql.as_str()), ("SELECT 50", "SELECT 0"));
    }
}
