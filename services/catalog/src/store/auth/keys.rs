//! Signing keys as they are stored: sealed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::QueryResult;
use super::schema::signing_key;

diesel::define_sql_function! {
    /// Waits for the lock. What it returns is `void`, so the result is never read.
    fn pg_advisory_xact_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// Says "somebody plans the signing keys". The bytes of "authkeys".
const PLANNING: i64 = 0x6175_7468_6b65_7973;

/// One row.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = signing_key, check_for_backend(diesel::pg::Pg))]
pub(crate) struct StoredKey {
    pub(crate) kid: String,
    pub(crate) private_key_sealed: Vec<u8>,
    pub(crate) public_jwk: serde_json::Value,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) not_before: DateTime<Utc>,
    pub(crate) retired_at: Option<DateTime<Utc>>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// Lets one replica at a time plan, until its transaction ends.
///
/// # Errors
/// Of the database; a lock that is not got within the connection's `lock_timeout` is one.
pub(crate) async fn lock(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    diesel::select(pg_advisory_xact_lock(PLANNING)).execute(conn).await.map(|_| ())
}

/// Every key, the one that begins to sign last first.
///
/// # Errors
/// Of the database.
pub(crate) async fn all(conn: &mut AsyncPgConnection) -> QueryResult<Vec<StoredKey>> {
    signing_key::table
        .order((signing_key::not_before.desc(), signing_key::kid))
        .select(StoredKey::as_select())
        .load(conn)
        .await
}

/// Adds a key.
///
/// # Errors
/// Of the database.
pub(crate) async fn add(conn: &mut AsyncPgConnection, key: &StoredKey) -> QueryResult<()> {
    diesel::insert_into(signing_key::table).values(key.clone()).execute(conn).await.map(|_| ())
}

/// Sets when a key stops signing and when it stops being published.
///
/// # Errors
/// Of the database.
pub(crate) async fn retire(
    conn: &mut AsyncPgConnection,
    kid: &str,
    retired_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(signing_key::table.find(kid))
        .set((signing_key::retired_at.eq(retired_at), signing_key::expires_at.eq(expires_at)))
        .execute(conn)
        .await
        .map(|_| ())
}

/// Removes keys.
///
/// # Errors
/// Of the database.
pub(crate) async fn remove(conn: &mut AsyncPgConnection, kids: &[String]) -> QueryResult<usize> {
    diesel::delete(signing_key::table.filter(signing_key::kid.eq_any(kids))).execute(conn).await
}
