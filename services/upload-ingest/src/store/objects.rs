//! The rows of what lies in the object store.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::link::NewObject;
use super::schema::{rendition, storage_object};

/// Writes rows of objects that are there, in one statement.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(conn: &mut AsyncPgConnection, new: &[NewObject]) -> QueryResult<()> {
    if new.is_empty() {
        return Ok(());
    }
    diesel::insert_into(storage_object::table).values(new).execute(conn).await.map(|_| ())
}

/// Dooms every object of an asset: nothing refers to them any more, and the reconciler removes them.
///
/// # Errors
/// Of the database.
pub(crate) async fn doom_all(conn: &mut AsyncPgConnection, asset_id: Uuid) -> QueryResult<usize> {
    diesel::update(storage_object::table.filter(storage_object::asset_id.eq(asset_id)))
        .set(storage_object::state.eq("doomed"))
        .execute(conn)
        .await
}

/// A row, as far as the store is held against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownObject {
    /// Its key.
    pub(crate) key: String,
    /// Whether it is not doomed.
    pub(crate) is_live: bool,
    /// When it was written.
    pub(crate) created_at: DateTime<Utc>,
}

/// Which of these keys have a row.
///
/// # Errors
/// Of the database.
pub(crate) async fn known(conn: &mut AsyncPgConnection, keys: &[&str]) -> QueryResult<Vec<KnownObject>> {
    let rows: Vec<(String, String, DateTime<Utc>)> = storage_object::table
        .filter(storage_object::key.eq_any(keys))
        .select((storage_object::key, storage_object::state, storage_object::created_at))
        .load(conn)
        .await?;
    let known = |(key, state, created_at)| KnownObject { key, is_live: state == "live", created_at };
    Ok(rows.into_iter().map(known).collect())
}

/// Which of these assets a worker works on, or may begin to work on: it may be about to refer to what it has put. A stage
/// that waits for one that was given up does not count.
///
/// # Errors
/// Of the database.
pub(crate) async fn at_work(conn: &mut AsyncPgConnection, assets: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct AtWork {
        #[diesel(sql_type = SqlUuid)]
        asset_id: Uuid,
    }
    let found: Vec<AtWork> = diesel::sql_query(
        "SELECT DISTINCT j.asset_id FROM job j WHERE j.asset_id = ANY ($1) AND (j.state IN ('running', 'retry_wait') \
         OR (j.state = 'queued' AND NOT EXISTS (SELECT 1 FROM job before WHERE before.asset_id = j.asset_id \
          AND before.required AND before.position < j.position AND before.state = 'dead')))",
    )
    .bind::<Array<SqlUuid>, _>(assets)
    .load(conn)
    .await?;
    Ok(found.into_iter().map(|row| row.asset_id).collect())
}

/// How many rows that are not doomed were written before that time.
///
/// # Errors
/// Of the database.
pub(crate) async fn live_count(conn: &mut AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<i64> {
    storage_object::table
        .filter(storage_object::state.eq("live"))
        .filter(storage_object::created_at.lt(before))
        .count()
        .get_result(conn)
        .await
}

/// Keys of rows that are not doomed, in order, after `after`, at most `limit`.
///
/// # Errors
/// Of the database.
pub(crate) async fn live_page(
    conn: &mut AsyncPgConnection,
    after: &str,
    limit: i64,
) -> QueryResult<Vec<String>> {
    storage_object::table
        .filter(storage_object::state.eq("live"))
        .filter(storage_object::key.gt(after))
        .order(storage_object::key)
        .limit(limit)
        .select(storage_object::key)
        .load(conn)
        .await
}

/// Which of these keys have a row that is not doomed.
///
/// # Errors
/// Of the database.
pub(crate) async fn still_live(conn: &mut AsyncPgConnection, keys: &[String]) -> QueryResult<Vec<String>> {
    storage_object::table
        .filter(storage_object::key.eq_any(keys))
        .filter(storage_object::state.eq("live"))
        .select(storage_object::key)
        .load(conn)
        .await
}

/// Keys of doomed rows that nothing refers to, in order, after `after`, at most `limit`.
///
/// # Errors
/// Of the database.
pub(crate) async fn doomed_page(
    conn: &mut AsyncPgConnection,
    after: &str,
    limit: i64,
) -> QueryResult<Vec<String>> {
    let referred = rendition::table.filter(rendition::object_key.eq(storage_object::key));
    storage_object::table
        .filter(storage_object::state.eq("doomed"))
        .filter(storage_object::key.gt(after))
        .filter(diesel::dsl::not(diesel::dsl::exists(referred)))
        .order(storage_object::key)
        .limit(limit)
        .select(storage_object::key)
        .load(conn)
        .await
}

/// Removes doomed rows whose objects are gone.
///
/// # Errors
/// Of the database.
pub(crate) async fn remove_doomed(conn: &mut AsyncPgConnection, keys: &[String]) -> QueryResult<usize> {
    let doomed = storage_object::table
        .filter(storage_object::key.eq_any(keys))
        .filter(storage_object::state.eq("doomed"));
    diesel::delete(doomed).execute(conn).await
}
