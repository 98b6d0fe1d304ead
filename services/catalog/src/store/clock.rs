//! The clock of a model: one row that orders its writers.
//!
//! A writer locks the row first and holds it until it commits, so versions become visible in their order, counts and
//! digests are exact, and rules over several records are checked without a race. What it costs: writers of one
//! model take turns (ADR 0002).

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::Row;
use super::statement::{Bind, Statement};
use crate::domain::digest::Digest;
use crate::model::Model;

/// The state of a model as its clock row has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clock {
    /// The history that positions belong to; another one after a restore from a backup.
    pub(crate) epoch: i64,
    /// Position of the latest change.
    pub(crate) version: i64,
    /// Records that are not deleted.
    pub(crate) live_count: i64,
    /// Tombstones that are kept.
    pub(crate) deleted_count: i64,
    /// Every tombstone up to this position may be gone.
    pub(crate) purged_version: i64,
    /// Every tombstone set before this instant may be gone.
    pub(crate) purged_before: DateTime<Utc>,
    /// Digest of the live (id, version) pairs.
    pub(crate) digest: Digest,
    /// When the latest change was made.
    pub(crate) last_modified: DateTime<Utc>,
}

const COLUMNS: &str =
    "epoch, version, live_count, deleted_count, purged_version, purged_before, digest, last_modified";

/// Takes the clocks of several models for writing, in one order for all writers.
///
/// # Errors
/// Of the database; a lock that is not got within the connection's `lock_timeout` is one.
pub(crate) async fn lock(
    conn: &mut AsyncPgConnection,
    models: &[&'static Model],
) -> QueryResult<Vec<(&'static Model, Clock)>> {
    let mut names: Vec<&'static str> = models.iter().map(|model| model.name).collect();
    names.sort_unstable();
    let statement = Statement::new("SELECT model, ")
        .sql(COLUMNS)
        .sql(" FROM model_clock WHERE model = ANY(")
        .bind(Bind::Texts(names.iter().map(|name| Some((*name).to_owned())).collect()))
        .sql(") ORDER BY model FOR UPDATE");
    let rows: Vec<Row> = statement.get_results(conn).await?;
    rows.into_iter()
        .map(|row| {
            let mut cells = row.cells();
            let name = cells.text()?;
            let model =
                models.iter().find(|model| model.name == name).ok_or(diesel::result::Error::NotFound)?;
            Ok((*model, read(&mut cells)?))
        })
        .collect()
}

/// Begins a statement that reads a clock `c`, and more columns of what is joined to it.
pub(crate) fn beside(more: &str) -> Statement {
    let columns: Vec<String> = COLUMNS.split(", ").map(|column| format!("c.{column}")).collect();
    Statement::new(&format!("SELECT {}, {more} FROM model_clock c", columns.join(", ")))
}

/// Reads the clock of a model: one row by its key.
///
/// # Errors
/// Of the database.
pub(crate) async fn current(conn: &mut AsyncPgConnection, model: &Model) -> QueryResult<Clock> {
    let statement = Statement::new("SELECT ")
        .sql(COLUMNS)
        .sql(" FROM model_clock WHERE model = ")
        .bind(Bind::Text(Some(model.name.to_owned())));
    let row: Row = statement.get_result(conn).await?;
    read(&mut row.cells())
}

/// The column that names the state of the model of a clock row `c`, and of the models that are shown inside of it, as a
/// validator's text: one word changes with every write of any of them. Lists with deleted records change with a purge, too:
/// it writes no record, it changes nothing but the number of tombstones.
pub(crate) fn tag_column(others: &[&'static str], with_deleted: bool) -> Statement {
    let mut column = Statement::new("c.epoch::text || '.' || c.version::text");
    if with_deleted {
        column.push(" || '.' || c.deleted_count::text");
    }
    if !others.is_empty() {
        column.push(" || '-' || (SELECT string_agg(m.version::text, '.' ORDER BY m.model) FROM model_clock m WHERE m.model = ANY(");
        column.push_bind(Bind::Texts(others.iter().map(|name| Some((*name).to_owned())).collect()));
        column.push("))");
    }
    column
}

/// Writes the clock back at the end of a transaction.
///
/// # Errors
/// Of the database.
pub(crate) async fn store(conn: &mut AsyncPgConnection, model: &Model, clock: &Clock) -> QueryResult<()> {
    Statement::new("UPDATE model_clock SET version = ")
        .bind(Bind::Int(Some(clock.version)))
        .sql(", live_count = ")
        .bind(Bind::Int(Some(clock.live_count)))
        .sql(", deleted_count = ")
        .bind(Bind::Int(Some(clock.deleted_count)))
        .sql(", purged_version = ")
        .bind(Bind::Int(Some(clock.purged_version)))
        .sql(", purged_before = ")
        .bind(Bind::Time(Some(clock.purged_before)))
        .sql(", digest = ")
        .bind(Bind::Bytes(clock.digest.to_bytes()))
        .sql(", last_modified = ")
        .bind(Bind::Time(Some(clock.last_modified)))
        .sql(" WHERE model = ")
        .bind(Bind::Text(Some(model.name.to_owned())))
        .execute(conn)
        .await
        .map(|_| ())
}

pub(crate) fn read(cells: &mut super::row::Cells) -> QueryResult<Clock> {
    Ok(Clock {
        epoch: cells.int()?,
        version: cells.int()?,
        live_count: cells.int()?,
        deleted_count: cells.int()?,
        purged_version: cells.int()?,
        purged_before: cells.time()?,
        digest: Digest::from_bytes(&cells.bytes()?).ok_or_else(|| {
            diesel::result::Error::DeserializationError("a stored digest has the wrong length".into())
        })?,
        last_modified: cells.time()?,
    })
}
