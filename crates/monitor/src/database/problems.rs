//! What of a database is out of bounds.

use super::{Database, Index, TableView};
use crate::problem::Problem;

/// Smaller tables are rightly read from end to end.
const LARGE_TABLE_ROWS: f64 = 10_000.0;
/// A smaller index costs too little to be worth a thought.
const LARGE_INDEX_BYTES: f64 = 1_048_576.0;
/// So many dead rows for each row; autovacuum begins at a fifth.
const DEAD_SHARE: f64 = 0.3;
/// A week: statistics are to be made anew that often where anything changes.
const ANALYZE_SECONDS: f64 = 604_800.0;
const CONNECTIONS_SHARE: f64 = 0.9;

impl Database {
    /// What of it is out of bounds.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        if let Some(error) = &self.error {
            return vec![self.problem("database_unreachable", None, error.clone())];
        }
        let mut found = self.of_server();
        found.extend(self.tables.iter().flat_map(|table| self.of_table(table)));
        found.extend(self.unused_indexes.iter().filter_map(|index| self.of_index(index)));
        found
    }

    fn of_server(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let used = self.connections.zip(self.max_connections).map(|(used, most)| used / most);
        if let Some(share) = used.filter(|share| *share > CONNECTIONS_SHARE) {
            let says = "share of the server's connections in use by this database".to_owned();
            found.push(self.problem("connections_near_limit", Some((share, CONNECTIONS_SHARE)), says));
        }
        if let Some(deadlocks) = self.deadlocks.filter(|deadlocks| *deadlocks > 0.0) {
            let says = "deadlocks within the interval".to_owned();
            found.push(self.problem("deadlocks", Some((deadlocks, 0.0)), says));
        }
        found
    }

    fn of_table(&self, table: &TableView) -> Vec<Problem> {
        let mut found = Vec::new();
        let large = table.live_rows > LARGE_TABLE_ROWS;
        if let Some(scans) = table.sequential_scans.filter(|scans| large && *scans > 0.0) {
            let says = format!("reads from end to end within the interval, of {} rows", table.live_rows);
            found.push(self.problem("sequential_scans", Some((scans, 0.0)), says));
        }
        let rows = table.live_rows + table.dead_rows;
        if let Some(share) = table.dead_share.filter(|share| rows > LARGE_TABLE_ROWS && *share > DEAD_SHARE) {
            let says = "share of dead rows: an estimate of bloat; is autovacuum held up?".to_owned();
            found.push(self.problem("bloat", Some((share, DEAD_SHARE)), says));
        }
        if let Some(problem) = self.of_statistics(table).filter(|_| large) {
            found.push(problem);
        }
        found.into_iter().map(|problem| Problem { subject: Some(table.name.clone()), ..problem }).collect()
    }

    /// A table that was never analysed has no age: it is unknown, and told so.
    fn of_statistics(&self, table: &TableView) -> Option<Problem> {
        let age = table.analyzed_seconds_ago;
        let old = age.is_none_or(|age| age > ANALYZE_SECONDS) && table.changed_since_analyze > 0.0;
        let says = "seconds since its statistics were made, and rows have changed since: ANALYZE".to_owned();
        let problem = self.problem("statistics_old", None, says);
        old.then_some(Problem { value: age, threshold: Some(ANALYZE_SECONDS), ..problem })
    }

    fn of_index(&self, index: &Index) -> Option<Problem> {
        let since = self.counted_since.as_deref().unwrap_or("the database was made");
        let says = format!("{} bytes, and no use since {since}", index.size_bytes);
        let problem = self.problem("unused_index", Some((index.scans, 0.0)), says);
        let subject = Some(format!("{} of {}", index.name, index.table));
        (index.size_bytes >= LARGE_INDEX_BYTES).then_some(Problem { subject, ..problem })
    }

    /// `measured`: the value and what it was compared with.
    fn problem(&self, code: &'static str, measured: Option<(f64, f64)>, message: String) -> Problem {
        let (value, threshold) = measured.unzip();
        Problem { code, alert: None, service: self.url.clone(), subject: None, value, threshold, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{Statistics, Table};

    fn table(scans: f64, rows: f64, dead: f64) -> Table {
        Table {
            name: "public.t".to_owned(),
            sequential_scans: scans,
            live_rows: rows,
            dead_rows: dead,
            analyzed_seconds_ago: Some(1.0),
            ..Table::default()
        }
    }

    fn codes(before: Table, now: Table, indexes: Vec<Index>) -> Vec<&'static str> {
        let look = |at_seconds, table| Statistics {
            max_connections: 100.0,
            at_seconds,
            tables: vec![table],
            indexes: indexes.clone(),
            ..Statistics::default()
        };
        let told = Database::of("d".to_owned(), Some(&look(0.0, before)), &look(2.0, now));
        told.problems().into_iter().map(|problem| problem.code).collect()
    }

    #[test]
    fn only_reads_of_a_large_table_within_the_interval_count() {
        assert_eq!(codes(table(5.0, 20_000.0, 0.0), table(6.0, 20_000.0, 0.0), vec![]), ["sequential_scans"]);
        assert!(codes(table(5.0, 20_000.0, 0.0), table(5.0, 20_000.0, 0.0), vec![]).is_empty());
        assert!(codes(table(5.0, 20.0, 0.0), table(6.0, 20.0, 0.0), vec![]).is_empty());
    }

    #[test]
    fn many_dead_rows_are_bloat() {
        let bloated = || table(0.0, 20_000.0, 20_000.0);
        assert_eq!(codes(bloated(), bloated(), vec![]), ["bloat"]);
    }

    #[test]
    fn statistics_that_are_older_than_a_week_are_told_where_rows_have_changed() {
        let with = |age, changed| Table {
            analyzed_seconds_ago: age,
            changed_since_analyze: changed,
            ..table(0.0, 2e4, 0.0)
        };
        assert_eq!(codes(with(Some(700_000.0), 1.0), with(Some(700_000.0), 1.0), vec![]), ["statistics_old"]);
        assert_eq!(codes(with(None, 1.0), with(None, 1.0), vec![]), ["statistics_old"]);
        assert!(codes(with(Some(700_000.0), 0.0), with(Some(700_000.0), 0.0), vec![]).is_empty());
    }

    #[test]
    fn an_index_that_nothing_uses_is_told_when_it_takes_room() {
        let index = |scans, size_bytes| Index { table: "t".into(), name: "i".into(), scans, size_bytes };
        let quiet = || table(0.0, 1.0, 0.0);
        assert_eq!(codes(quiet(), quiet(), vec![index(0.0, 2e6)]), ["unused_index"]);
        assert!(codes(quiet(), quiet(), vec![index(1.0, 2e6), index(0.0, 8192.0)]).is_empty());
    }

    #[test]
    fn before_the_second_look_and_after_a_reset_rates_are_unknown() {
        let at = |at_seconds, committed| Statistics { at_seconds, committed, ..Statistics::default() };
        assert_eq!(Database::of("d".into(), None, &at(0.0, 9.0)).commits_per_second, None);
        assert_eq!(Database::of("d".into(), Some(&at(0.0, 9.0)), &at(2.0, 3.0)).commits_per_second, None);
        assert_eq!(
            Database::of("d".into(), Some(&at(0.0, 1.0)), &at(2.0, 3.0)).commits_per_second,
            Some(1.0)
        );
    }
}
