//! Who works at the desk.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::operator;
use crate::domain::person::Role;

/// Somebody who works at the desk.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = operator, check_for_backend(diesel::pg::Pg))]
pub(crate) struct OperatorRow {
    /// Who.
    pub(crate) user_id: Uuid,
    /// Name of the role.
    pub(crate) role: String,
    /// As it stands on receipts.
    pub(crate) name: String,
    /// Since when.
    pub(crate) created_at: DateTime<Utc>,
    /// When role or name last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

/// Those after this person, in the order of their ids.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<OperatorRow>> {
    operator::table
        .filter(operator::user_id.gt(after.unwrap_or(Uuid::nil())))
        .order(operator::user_id)
        .limit(limit)
        .select(OperatorRow::as_select())
        .load(conn)
        .await
}

/// Lets somebody work at the desk, or as something else: as what from now on, and whether the person is new.
///
/// # Errors
/// Of the database.
pub(crate) async fn put(
    conn: &mut Connection,
    user_id: Uuid,
    role: Role,
    name: &str,
    now: DateTime<Utc>,
) -> QueryResult<(OperatorRow, bool)> {
    let row = OperatorRow {
        user_id,
        role: role.as_str().to_owned(),
        name: name.to_owned(),
        created_at: now,
        updated_at: now,
    };
    let added = diesel::insert_into(operator::table)
        .values(&row)
        .on_conflict_do_nothing()
        .returning(OperatorRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    if let Some(added) = added {
        return Ok((added, true));
    }
    let changed = (operator::role.eq(row.role), operator::name.eq(row.name), operator::updated_at.eq(now));
    let row = diesel::update(operator::table.find(user_id))
        .set(changed)
        .returning(OperatorRow::as_returning())
        .get_result(conn)
        .await?;
    Ok((row, false))
}

/// Lets somebody work here no more; false where nobody of this id did.
///
/// # Errors
/// Of the database.
pub(crate) async fn remove(conn: &mut Connection, user_id: Uuid) -> QueryResult<bool> {
    Ok(diesel::delete(operator::table.find(user_id)).execute(conn).await? > 0)
}
