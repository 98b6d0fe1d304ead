//! What is told of a database: statistics, what has changed between two looks, and what of it is out of bounds.

use serde::Serialize;

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

/// The counters and sizes of one look.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    /// Connections to this database.
    pub connections: f64,
    /// What the server allows for all.
    pub max_connections: f64,
    /// Transactions.
    pub committed: f64,
    /// Those that were rolled back.
    pub rolled_back: f64,
    /// Blocks found in memory.
    pub blocks_hit: f64,
    /// Blocks that were not.
    pub blocks_read: f64,
    /// Deadlocks.
    pub deadlocks: f64,
    /// Bytes of temporary files.
    pub temporary_bytes: f64,
    /// The size on disk.
    pub size_bytes: f64,
    /// Since when all this is counted; `None`: since the database was made.
    pub counted_since: Option<String>,
    /// The server's clock.
    pub at_seconds: f64,
    /// All tables.
    pub tables: Vec<Table>,
    /// All indexes that enforce nothing.
    pub indexes: Vec<Index>,
    /// The busiest statements.
    pub statements: Statements,
}

/// One table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// With its schema.
    pub name: String,
    /// How often it was read from end to end.
    pub sequential_scans: f64,
    /// How often by an index.
    pub index_scans: f64,
    /// Estimated rows.
    pub live_rows: f64,
    /// Rows that nobody sees any more and that still take room.
    pub dead_rows: f64,
    /// With its indexes.
    pub size_bytes: f64,
    /// Rows changed since statistics were made.
    pub changed_since_analyze: f64,
    /// When that was; `None`: never.
    pub analyzed_seconds_ago: Option<f64>,
}

/// One index that enforces nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Index {
    /// Its table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// How often it was used.
    pub scans: f64,
    /// Its size.
    pub size_bytes: f64,
}

/// The busiest statements since `pg_stat_statements` counts, or why they are not known.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Statements {
    /// The most time in all first.
    Known {
        /// At most ten.
        busiest: Vec<Statement>,
    },
    /// Nothing is told.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl Default for Statements {
    fn default() -> Self {
        Self::Unknown { reason: "not asked".to_owned() }
    }
}

/// One statement, its values left out by Postgres.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Statement {
    /// Its beginning.
    pub text: String,
    /// How often.
    pub calls: f64,
    /// How long in all.
    pub seconds: f64,
    /// Rows in all.
    pub rows: f64,
}

/// A database as it is shown.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Database {
    /// Where it is.
    pub url: String,
    /// Why it tells nothing.
    pub error: Option<String>,
    /// Since when Postgres counts; `None`: since the database was made, or not known.
    pub counted_since: Option<String>,
    /// The size on disk.
    pub size_bytes: Option<f64>,
    /// Connections to it.
    pub connections: Option<f64>,
    /// What the server allows for all its databases.
    pub max_connections: Option<f64>,
    /// Transactions committed.
    pub commits_per_second: Option<f64>,
    /// Those rolled back.
    pub rollbacks_per_second: Option<f64>,
    /// Share of blocks found in memory; `None` when none was asked for.
    pub buffer_hit_rate: Option<f64>,
    /// Deadlocks within the interval.
    pub deadlocks: Option<f64>,
    /// Bytes of temporary files written within the interval.
    pub temporary_bytes: Option<f64>,
    /// The largest first.
    pub tables: Vec<TableView>,
    /// Indexes that nothing has used since counting began, and that enforce nothing.
    pub unused_indexes: Vec<Index>,
    /// The busiest statements.
    pub statements: Statements,
}

/// A table as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableView {
    /// With its schema.
    pub name: String,
    /// With its indexes.
    pub size_bytes: f64,
    /// Estimated rows.
    pub live_rows: f64,
    /// Estimated rows that only take room.
    pub dead_rows: f64,
    /// Their share, an estimate of bloat; `None` without rows.
    pub dead_share: Option<f64>,
    /// Reads from end to end within the interval; `None` before the second look.
    pub sequential_scans: Option<f64>,
    /// Reads by an index.
    pub index_scans: Option<f64>,
    /// Share of reads by an index since counting began; `None` without reads.
    pub index_share: Option<f64>,
    /// When statistics were last made; `None`: never.
    pub analyzed_seconds_ago: Option<f64>,
    /// Rows changed since.
    pub changed_since_analyze: f64,
}

impl Database {
    /// One that told nothing.
    #[must_use]
    pub fn silent(url: String, error: String) -> Self {
        Self { url, error: Some(error), ..Self::default() }
    }

    /// What is told now, and what has changed since the look before.
    #[must_use]
    pub fn of(url: String, before: Option<&Statistics>, now: &Statistics) -> Self {
        let grown =
            |counter: fn(&Statistics) -> f64| before.and_then(|before| grown(counter(before), counter(now)));
        let seconds =
            before.map(|before| now.at_seconds - before.at_seconds).filter(|seconds| *seconds > 0.0);
        let per_second = |grown: Option<f64>| grown.zip(seconds).map(|(grown, seconds)| grown / seconds);
        let hit = grown(|one| one.blocks_hit);
        let asked = hit.zip(grown(|one| one.blocks_read)).map(|(hit, read)| hit + read);
        let mut tables: Vec<TableView> = now.tables.iter().map(|table| view(before, table)).collect();
        tables.sort_by(|one, other| other.size_bytes.total_cmp(&one.size_bytes));
        Self {
            url,
            error: None,
            counted_since: now.counted_since.clone(),
            size_bytes: Some(now.size_bytes),
            connections: Some(now.connections),
            max_connections: Some(now.max_connections),
            commits_per_second: per_second(grown(|one| one.committed)),
            rollbacks_per_second: per_second(grown(|one| one.rolled_back)),
            buffer_hit_rate: hit.zip(asked).filter(|(_, asked)| *asked > 0.0).map(|(hit, asked)| hit / asked),
            deadlocks: grown(|one| one.deadlocks),
            temporary_bytes: grown(|one| one.temporary_bytes),
            tables,
            unused_indexes: now.indexes.iter().filter(|index| index.scans == 0.0).cloned().collect(),
            statements: now.statements.clone(),
        }
    }

    /// What of it is out of bounds.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let problem =
            |code, subject: Option<&str>, value: Option<f64>, threshold: f64, message: String| Problem {
                code,
                alert: None,
                service: self.url.clone(),
                subject: subject.map(str::to_owned),
                value,
                threshold: Some(threshold),
                message,
            };
        if let Some(error) = &self.error {
            return vec![Problem {
                threshold: None,
                ..problem("database_unreachable", None, None, 0.0, error.clone())
            }];
        }
        let mut found = Vec::new();
        if let Some(share) = self.connections.zip(self.max_connections).map(|(used, most)| used / most)
            && share > CONNECTIONS_SHARE
        {
            let message = "share of the server's connections in use by this database".to_owned();
            found.push(problem("connections_near_limit", None, Some(share), CONNECTIONS_SHARE, message));
        }
        if let Some(deadlocks) = self.deadlocks.filter(|deadlocks| *deadlocks > 0.0) {
            found.push(problem(
                "deadlocks",
                None,
                Some(deadlocks),
                0.0,
                "deadlocks within the interval".to_owned(),
            ));
        }
        for table in &self.tables {
            let name = Some(table.name.as_str());
            let large = table.live_rows > LARGE_TABLE_ROWS;
            if let Some(scans) = table.sequential_scans.filter(|scans| large && *scans > 0.0) {
                let message =
                    format!("reads from end to end within the interval, of {} rows", table.live_rows);
                found.push(problem("sequential_scans", name, Some(scans), 0.0, message));
            }
            let rows = table.live_rows + table.dead_rows;
            if let Some(share) =
                table.dead_share.filter(|share| rows > LARGE_TABLE_ROWS && *share > DEAD_SHARE)
            {
                let message = "share of dead rows: an estimate of bloat; is autovacuum held up?".to_owned();
                found.push(problem("bloat", name, Some(share), DEAD_SHARE, message));
            }
            // A table that was never analysed has no age: it is unknown, and told so.
            let old = table.analyzed_seconds_ago.is_none_or(|age| age > ANALYZE_SECONDS);
            if large && old && table.changed_since_analyze > 0.0 {
                let message =
                    "seconds since its statistics were made, and rows have changed since: ANALYZE".to_owned();
                found.push(problem(
                    "statistics_old",
                    name,
                    table.analyzed_seconds_ago,
                    ANALYZE_SECONDS,
                    message,
                ));
            }
        }
        for index in self.unused_indexes.iter().filter(|index| index.size_bytes >= LARGE_INDEX_BYTES) {
            let since = self.counted_since.as_deref().unwrap_or("the database was made");
            let message = format!("{} bytes, and no use since {since}", index.size_bytes);
            let subject = format!("{} of {}", index.name, index.table);
            found.push(problem("unused_index", Some(&subject), Some(index.scans), 0.0, message));
        }
        found
    }
}

/// A counter that is smaller than before was reset: what it has grown by is not known.
fn grown(before: f64, now: f64) -> Option<f64> {
    (now >= before).then(|| now - before)
}

fn view(before: Option<&Statistics>, table: &Table) -> TableView {
    let before = before.and_then(|before| before.tables.iter().find(|known| known.name == table.name));
    let (rows, reads) = (table.live_rows + table.dead_rows, table.sequential_scans + table.index_scans);
    TableView {
        name: table.name.clone(),
        size_bytes: table.size_bytes,
        live_rows: table.live_rows,
        dead_rows: table.dead_rows,
        dead_share: (rows > 0.0).then(|| table.dead_rows / rows),
        sequential_scans: before.and_then(|before| grown(before.sequential_scans, table.sequential_scans)),
        index_scans: before.and_then(|before| grown(before.index_scans, table.index_scans)),
        index_share: (reads > 0.0).then(|| table.index_scans / reads),
        analyzed_seconds_ago: table.analyzed_seconds_ago,
        changed_since_analyze: table.changed_since_analyze,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
