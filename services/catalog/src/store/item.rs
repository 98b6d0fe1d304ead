//! Single records by their id.

use diesel::{OptionalExtension, QueryResult};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{Row, columns};
use super::statement::{Bind, Statement};
use crate::domain::record::Record;
use crate::model::Model;

/// The record, deleted or not.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    model: &Model,
    id: Uuid,
) -> QueryResult<Option<Record>> {
    select(conn, model, id, "").await
}

/// The record, locked until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn find_for_update(
    conn: &mut AsyncPgConnection,
    model: &Model,
    id: Uuid,
) -> QueryResult<Option<Record>> {
    select(conn, model, id, " FOR UPDATE").await
}

async fn select(
    conn: &mut AsyncPgConnection,
    model: &Model,
    id: Uuid,
    lock: &str,
) -> QueryResult<Option<Record>> {
    let statement =
        Statement::new(&format!("SELECT {} FROM \"{}\" WHERE id = ", columns(model, ""), model.table))
            .bind(Bind::Uuid(Some(id)))
            .sql(lock);
    let row: Option<Row> = statement.get_result(conn).await.optional()?;
    row.map_or(Ok(None), |row| row.cells().record(model))
}

/// The record, with a text that names the state of other models at the same instant.
///
/// # Errors
/// Of the database.
pub(crate) async fn find_with_tag(
    conn: &mut AsyncPgConnection,
    model: &Model,
    id: Uuid,
    others: &[&'static str],
) -> QueryResult<Option<(Record, String)>> {
    let statement = Statement::new("SELECT (SELECT string_agg(m.version::text, '.' ORDER BY m.model) FROM model_clock m WHERE m.model = ANY(")
        .bind(Bind::Texts(others.iter().map(|name| Some((*name).to_owned())).collect()))
        .sql(&format!(")), {} FROM \"{}\" WHERE id = ", columns(model, ""), model.table))
        .bind(Bind::Uuid(Some(id)));
    let row: Option<Row> = statement.get_result(conn).await.optional()?;
    let Some(row) = row else { return Ok(None) };
    let mut cells = row.cells();
    let tag = cells.text()?;
    Ok(cells.record(model)?.map(|record| (record, tag)))
}
