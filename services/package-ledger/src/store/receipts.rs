//! What was told to the customer when a package ended.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::Value as Json;
use uuid::Uuid;

use super::schema::receipt;

/// Keeps the receipt of a package, which has one.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(
    conn: &mut Connection,
    package_id: Uuid,
    body: &Json,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let row = (receipt::package_id.eq(package_id), receipt::body.eq(body), receipt::created_at.eq(now));
    diesel::insert_into(receipt::table).values(row).execute(conn).await.map(|_| ())
}

/// The receipt of a package.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut Connection, package_id: Uuid) -> QueryResult<Option<Json>> {
    receipt::table.find(package_id).select(receipt::body).first(conn).await.optional()
}
