//! How much each owner keeps.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pg_pool::Prepare as _;

/// What an owner keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub(crate) struct Usage {
    /// Bytes of originals.
    #[diesel(sql_type = BigInt)]
    pub(crate) bytes: i64,
    /// Number of assets.
    #[diesel(sql_type = BigInt)]
    pub(crate) assets: i64,
}

/// Adds an asset of so many bytes and returns what the owner keeps with it. The caller decides whether that is too much, and
/// rolls back.
///
/// # Errors
/// Of the database.
pub(crate) async fn add(conn: &AsyncPgConnection, owner: &str, bytes: i64) -> QueryResult<Usage> {
    diesel::sql_query(
        "INSERT INTO owner_usage (owner, bytes, assets) VALUES ($1, $2, 1) ON CONFLICT (owner) DO UPDATE SET \
         bytes = owner_usage.bytes + EXCLUDED.bytes, assets = owner_usage.assets + 1 RETURNING bytes, assets",
    )
    .bind::<Text, _>(owner)
    .bind::<BigInt, _>(bytes)
    .prepared()
    .get_result(&mut &*conn)
    .await
}

/// What the owner keeps, locked to the end of the transaction: an owner's uploads are begun and ended one after the other.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut AsyncPgConnection, owner: &str) -> QueryResult<Usage> {
    diesel::sql_query(
        "INSERT INTO owner_usage (owner, bytes, assets) VALUES ($1, 0, 0) \
         ON CONFLICT (owner) DO UPDATE SET bytes = owner_usage.bytes RETURNING bytes, assets",
    )
    .bind::<Text, _>(owner)
    .prepared()
    .get_result(conn)
    .await
}

/// Takes away an asset of so many bytes.
///
/// # Errors
/// Of the database.
pub(crate) async fn subtract(conn: &mut AsyncPgConnection, owner: &str, bytes: i64) -> QueryResult<()> {
    diesel::sql_query("UPDATE owner_usage SET bytes = bytes - $2, assets = assets - 1 WHERE owner = $1")
        .bind::<Text, _>(owner)
        .bind::<BigInt, _>(bytes)
        .prepared()
        .execute(conn)
        .await
        .map(|_| ())
}
