//! What is told of a database: statistics, and what has changed between two looks.

use serde::Serialize;

mod problems;

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
}

/// A counter that is smaller than before was reset: what it has grown by is not known.
fn grown(before: f64, now: f64) -> Option<f64> {
    (now >= before).then_some(now - before)
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
