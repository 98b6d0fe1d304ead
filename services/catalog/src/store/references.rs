//! Which records are pointed at, and by whom.

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::Row;
use super::statement::{Bind, Statement};
use crate::model::registry::Registry;
use crate::model::{Field, Model};

/// Of these ids, the live records of the model; each is kept from being deleted until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn hold_live(
    conn: &mut AsyncPgConnection,
    model: &Model,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<Uuid>> {
    let statement = Statement::new(&format!("SELECT id FROM \"{}\" WHERE id = ANY(", model.table))
        .bind(Bind::ids(ids))
        // In one order, so that two writers never wait for each other.
        .sql(") AND deleted_at IS NULL ORDER BY id FOR SHARE");
    let rows: Vec<Row> = statement.get_results(conn).await?;
    rows.into_iter().map(|row| row.cells().uuid()).collect()
}

/// Of these ids, those that a record of the model has, be it deleted.
///
/// # Errors
/// Of the database.
pub(crate) async fn known(
    conn: &mut AsyncPgConnection,
    model: &Model,
    ids: Vec<Uuid>,
) -> QueryResult<Vec<Uuid>> {
    let statement = Statement::new(&format!("SELECT id FROM \"{}\" WHERE id = ANY(", model.table))
        .bind(Bind::ids(ids))
        .sql(")");
    let rows: Vec<Row> = statement.get_results(conn).await?;
    rows.into_iter().map(|row| row.cells().uuid()).collect()
}

/// The first model and field by which a live record points at this one.
///
/// # Errors
/// Of the database.
pub(crate) async fn first_reference(
    conn: &mut AsyncPgConnection,
    registry: &Registry,
    model: &Model,
    id: Uuid,
) -> QueryResult<Option<(&'static Model, &'static Field)>> {
    let references = registry.references_to(model.name);
    if references.is_empty() {
        return Ok(None);
    }
    let mut statement = Statement::default();
    for (index, (other, field)) in references.iter().enumerate() {
        statement.push(if index == 0 { "" } else { " UNION ALL " });
        statement.push(&format!(
            "SELECT {index}::bigint WHERE EXISTS (SELECT 1 FROM \"{}\" WHERE \"{}\" = ",
            other.table, field.name
        ));
        statement.push_bind(Bind::Uuid(Some(id)));
        statement.push(" AND deleted_at IS NULL)");
    }
    statement.push(" LIMIT 1");
    let rows: Vec<Row> = statement.get_results(conn).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(None) };
    let index = usize::try_from(row.cells().int()?).unwrap_or_default();
    Ok(references.get(index).copied())
}
