//! One replica at a time, and rows that are past their time.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Timestamptz};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager as _};
use pg_pool::{Conn, PgError, PgPool};

/// Advisory lock "somebody reconciles this database and its store". Two-number locks share no space with one-number ones.
const RECONCILING: (i32, i32) = (0x0a1d_1a00, 0x4_0001);

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// The right to reconcile. It belongs to a session of the database, so that of a process that is killed ends with its
/// connection; nothing has to expire.
pub(crate) struct Turn {
    conn: Conn,
    /// True until the server has said that it is not ours.
    may_hold_lock: bool,
}

impl Turn {
    /// Takes the turn; `None` when another replica has it.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn take(pool: &PgPool) -> Result<Option<Self>, PgError> {
        // Wrapped before the lock is asked for: if this future is dropped meanwhile, the connection is closed.
        let mut turn = Self { conn: pool.write().await?, may_hold_lock: true };
        let Taken { taken } = diesel::sql_query("SELECT pg_try_advisory_lock($1, $2) AS taken")
            .bind::<Integer, _>(RECONCILING.0)
            .bind::<Integer, _>(RECONCILING.1)
            .get_result(&mut *turn.conn)
            .await?;
        turn.may_hold_lock = taken;
        Ok(taken.then_some(turn))
    }

    /// The connection that holds it, to work with.
    pub(crate) fn conn(&mut self) -> &mut AsyncPgConnection {
        &mut self.conn
    }
}

impl Drop for Turn {
    /// Back in the pool the session would keep the lock. So the connection is marked as unusable, which makes the pool close it.
    fn drop(&mut self) {
        if self.may_hold_lock {
            AnsiTransactionManager::transaction_manager_status_mut(&mut *self.conn).set_in_error();
        }
    }
}

/// Removes what is left of assets that were deleted before that time and whose objects are gone, at most `limit`. Returns
/// how many.
///
/// # Errors
/// Of the database.
pub(crate) async fn purge_assets(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    // Foreign keys are looked at when the whole statement is done.
    diesel::sql_query(
        "WITH gone AS (SELECT a.id FROM asset a WHERE a.status = 'deleted' AND a.deleted_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM storage_object o WHERE o.asset_id = a.id) \
         ORDER BY a.deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED), \
         uploads AS (DELETE FROM upload USING gone WHERE upload.asset_id = gone.id), \
         jobs AS (DELETE FROM job USING gone WHERE job.asset_id = gone.id) \
         DELETE FROM asset USING gone WHERE asset.id = gone.id",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

/// Removes uploads that ended without an asset before that time, at most `limit`. Returns how many.
///
/// # Errors
/// Of the database.
pub(crate) async fn purge_uploads(
    conn: &mut AsyncPgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> QueryResult<usize> {
    diesel::sql_query(
        "DELETE FROM upload WHERE id = ANY (ARRAY(SELECT id FROM upload WHERE expires_at < $1 AND updated_at < $1 \
         AND state IN ('rejected', 'expired', 'cancelled') ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(conn)
    .await
}

/// Lets this transaction be idle for two minutes: longer than removals from the store are begun under its locks, with two calls to
/// the store, which take half a minute each at most. Else the server would end the session, and the locks with it, before
/// the last removal is through.
///
/// # Errors
/// Of the database.
pub(crate) async fn allow_idle(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    diesel::sql_query("SET LOCAL idle_in_transaction_session_timeout = '120s'")
        .execute(conn)
        .await
        .map(|_| ())
}
