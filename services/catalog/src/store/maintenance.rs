//! Digest leaves, facets, and the purge of old tombstones.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::Row;
use super::statement::{Bind, Statement};
use crate::domain::digest::Digest;
use crate::model::Model;

/// The leaves of a model's digest within a range of buckets: bucket, live records, digest.
///
/// # Errors
/// Of the database.
pub(crate) async fn leaves(
    conn: &mut AsyncPgConnection,
    model: &Model,
    buckets: std::ops::Range<i16>,
) -> QueryResult<Vec<(i16, i64, Digest)>> {
    let rows: Vec<Row> = Statement::new("SELECT bucket, live_count, digest FROM digest_leaf WHERE model = ")
        .bind(Bind::Text(Some(model.name.to_owned())))
        .sql(" AND bucket >= ")
        .bind(Bind::SmallInt(buckets.start))
        .sql(" AND bucket < ")
        .bind(Bind::SmallInt(buckets.end))
        .get_results(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            let mut cells = row.cells();
            let bucket = i16::try_from(cells.int()?).unwrap_or_default();
            Ok((bucket, cells.int()?, Digest::from_bytes(&cells.bytes()?).unwrap_or_default()))
        })
        .collect()
}

/// The live records of one bucket: id and version.
///
/// # Errors
/// Of the database.
pub(crate) async fn bucket_records(
    conn: &mut AsyncPgConnection,
    model: &Model,
    bucket: i16,
) -> QueryResult<Vec<(Uuid, i64)>> {
    let rows: Vec<Row> =
        Statement::new(&format!("SELECT id, version FROM \"{}\" WHERE digest_bucket = ", model.table))
            .bind(Bind::SmallInt(bucket))
            .sql(" AND deleted_at IS NULL ORDER BY id")
            .get_results(conn)
            .await?;
    rows.into_iter()
        .map(|row| {
            let mut cells = row.cells();
            Ok((cells.uuid()?, cells.int()?))
        })
        .collect()
}

/// How many live records have each value of the counted fields.
///
/// # Errors
/// Of the database.
pub(crate) async fn facets(
    conn: &mut AsyncPgConnection,
    model: &Model,
) -> QueryResult<Vec<(String, String, i64)>> {
    let rows: Vec<Row> =
        Statement::new("SELECT field, value, live_count FROM model_facet WHERE live_count > 0 AND model = ")
            .bind(Bind::Text(Some(model.name.to_owned())))
            .sql(" ORDER BY field, value")
            .get_results(conn)
            .await?;
    rows.into_iter()
        .map(|row| {
            let mut cells = row.cells();
            Ok((cells.text()?, cells.text()?, cells.int()?))
        })
        .collect()
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
    let unreferenced: String = references
        .iter()
        .map(|(other, field)| {
            format!(" AND NOT EXISTS (SELECT 1 FROM \"{}\" r WHERE r.\"{field}\" = t.id)", other.table)
        })
        .collect();
    let row: Row = Statement::new(&format!(
        "WITH gone AS (DELETE FROM \"{0}\" WHERE id = ANY(ARRAY(SELECT t.id FROM \"{0}\" t WHERE t.deleted_at IS NOT NULL AND t.deleted_at < ",
        model.table
    ))
    .bind(Bind::Time(Some(before)))
    .sql(&unreferenced)
    .sql(" ORDER BY t.deleted_at LIMIT ")
    .bind(Bind::Int(Some(limit)))
    .sql(")) RETURNING version) SELECT count(*), coalesce(max(version), 0) FROM gone")
    .get_result(conn)
    .await?;
    let mut cells = row.cells();
    Ok((cells.int()?, cells.int()?))
}
