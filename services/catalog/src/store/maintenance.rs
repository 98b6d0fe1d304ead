//! Digest leaves, facets, the purge of old tombstones, and the planner's statistics.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection as _};
use uuid::Uuid;

use super::clock::{self, Clock};
use super::row::{Cells, Row};
use super::statement::{Bind, Statement};
use crate::domain::digest::Digest;
use crate::domain::value::Value;
use crate::model::Model;

/// The clock of a model and the leaves of its digest within a range of buckets (bucket, live records, digest), of one
/// instant.
///
/// # Errors
/// Of the database.
pub(crate) async fn leaves(
    conn: &mut AsyncPgConnection,
    model: &Model,
    buckets: std::ops::Range<i16>,
) -> QueryResult<(Clock, Vec<(i16, i64, Digest)>)> {
    let rows: Vec<Row> = clock::beside("l.bucket, l.live_count, l.digest")
        .sql(" LEFT JOIN digest_leaf l ON l.model = c.model AND l.bucket >= ")
        .bind(Bind::SmallInt(buckets.start))
        .sql(" AND l.bucket < ")
        .bind(Bind::SmallInt(buckets.end))
        .sql(" WHERE c.model = ")
        .bind(Bind::Text(Some(model.name.to_owned())))
        .get_results(conn)
        .await?;
    with_clock(rows, |cells| {
        let Value::Int(bucket) = cells.value()? else { return Ok(None) };
        let bucket = i16::try_from(bucket).unwrap_or_default();
        Ok(Some((bucket, cells.int()?, Digest::from_bytes(&cells.bytes()?).unwrap_or_default())))
    })
}

/// The clock of a model and the live records of one bucket (id and version), of one instant.
///
/// # Errors
/// Of the database.
pub(crate) async fn bucket_records(
    conn: &mut AsyncPgConnection,
    model: &Model,
    bucket: i16,
) -> QueryResult<(Clock, Vec<(Uuid, i64)>)> {
    let rows: Vec<Row> = clock::beside("t.id, t.version")
        .sql(&format!(" LEFT JOIN \"{}\" t ON t.deleted_at IS NULL AND t.digest_bucket = ", model.table))
        .bind(Bind::SmallInt(bucket))
        .sql(" WHERE c.model = ")
        .bind(Bind::Text(Some(model.name.to_owned())))
        .sql(" ORDER BY t.id")
        .get_results(conn)
        .await?;
    with_clock(rows, |cells| {
        let Some(id) = cells.value()?.as_uuid() else { return Ok(None) };
        Ok(Some((id, cells.int()?)))
    })
}

/// Reads rows that each begin with the clock; an outer join that found nothing leaves one row without more.
fn with_clock<T>(
    rows: Vec<Row>,
    mut read: impl FnMut(&mut Cells) -> QueryResult<Option<T>>,
) -> QueryResult<(Clock, Vec<T>)> {
    let mut found = Vec::with_capacity(rows.len());
    let mut clock = None;
    for row in rows {
        let mut cells = row.cells();
        clock = Some(clock::read(&mut cells)?);
        found.extend(read(&mut cells)?);
    }
    Ok((clock.ok_or(diesel::result::Error::NotFound)?, found))
}

/// Begins a new history: older sync tokens end in 410, and no version or tag of the lost future comes again.
///
/// # Errors
/// Of the database.
pub(crate) async fn begin_epoch(conn: &mut AsyncPgConnection, epoch: i64) -> QueryResult<usize> {
    Statement::new("UPDATE model_clock SET version = version + 4294967296, epoch = ")
        .bind(Bind::Int(Some(epoch)))
        .execute(conn)
        .await
}

/// The clock of a model and how many live records have each value of the counted fields (field, value, records), of one
/// instant.
///
/// # Errors
/// Of the database.
pub(crate) async fn facets(
    conn: &mut AsyncPgConnection,
    model: &Model,
) -> QueryResult<(Clock, Vec<(String, String, i64)>)> {
    let rows: Vec<Row> = clock::beside("f.field, f.value, f.live_count")
        .sql(" LEFT JOIN model_facet f ON f.model = c.model AND f.live_count > 0 WHERE c.model = ")
        .bind(Bind::Text(Some(model.name.to_owned())))
        .sql(" ORDER BY f.field, f.value")
        .get_results(conn)
        .await?;
    with_clock(rows, |cells| {
        let Value::Text(field) = cells.value()? else { return Ok(None) };
        Ok(Some((field, cells.text()?, cells.int()?)))
    })
}

/// Whether there is a tombstone that [`purge`] would remove.
///
/// # Errors
/// Of the database.
pub(crate) async fn is_purge_due(
    conn: &mut AsyncPgConnection,
    model: &Model,
    references: &[(&Model, &str)],
    before: DateTime<Utc>,
) -> QueryResult<bool> {
    let rows: Vec<Row> = removable(model, references, before, 1).get_results(conn).await?;
    Ok(!rows.is_empty())
}

/// Removes up to `limit` tombstones that were set before `before` and that nothing points at; returns their count and
/// the greatest position among them.
///
/// # Errors
/// Of the database.
pub(crate) async fn purge(
    conn: &mut AsyncPgConnection,
    model: &Model,
    references: &[(&Model, &str)],
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<(i64, i64)> {
    let row: Row =
        Statement::new(&format!("WITH gone AS (DELETE FROM \"{}\" WHERE id = ANY(ARRAY(", model.table))
            .and(removable(model, references, before, limit))
            .sql(")) RETURNING version) SELECT count(*), coalesce(max(version), 0) FROM gone")
            .get_result(conn)
            .await?;
    let mut cells = row.cells();
    Ok((cells.int()?, cells.int()?))
}

/// Tells the planner what the tables of these models hold now. After many records at once its plans are for what was there before,
/// until autovacuum comes round: of a filter that leaves next to nothing out it then expects a few rows, and sorts them all.
///
/// # Errors
/// Of the database.
pub(crate) async fn analyze(conn: &mut AsyncPgConnection, models: &[&Model]) -> QueryResult<()> {
    let tables: Vec<String> = models.iter().map(|model| format!("\"{}\"", model.table)).collect();
    conn.batch_execute(&format!("ANALYZE {}", tables.join(", "))).await
}

/// Ids of tombstones that were set before `before` and that nothing points at, the oldest first.
fn removable(model: &Model, references: &[(&Model, &str)], before: DateTime<Utc>, limit: i64) -> Statement {
    let unreferenced: String = references
        .iter()
        .map(|(other, field)| {
            format!(" AND NOT EXISTS (SELECT 1 FROM \"{}\" r WHERE r.\"{field}\" = t.id)", other.table)
        })
        .collect();
    Statement::new(&format!(
        "SELECT t.id FROM \"{}\" t WHERE t.deleted_at IS NOT NULL AND t.deleted_at < ",
        model.table
    ))
    .bind(Bind::Time(Some(before)))
    .sql(&unreferenced)
    .sql(" ORDER BY t.deleted_at LIMIT ")
    .bind(Bind::Int(Some(limit)))
}
