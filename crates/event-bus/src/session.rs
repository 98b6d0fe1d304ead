//! The database session of the relay that is on duty.

use std::future::Future;

use diesel::sql_types::{Bool, Integer};
use diesel::{QueryResult, QueryableByName};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl as _, TransactionManager};
use pg_pool::{Conn, PgError, PgPool};
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

/// Advisory lock "somebody relays this database's outbox". Two-number locks share no space with one-number ones.
const LOCK: (i32, i32) = (0x0a1d_1a00, 1);

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = Bool)]
    taken: bool,
}

/// A connection that holds the relay's lock for as long as it lives. The lock belongs to the database session, so a relay
/// that is killed frees it by its socket being closed; nothing has to expire.
pub(crate) struct Session {
    conn: Conn,
    /// True until the server has said that it is not ours.
    may_hold_lock: bool,
}

impl Session {
    /// Tries to go on duty; `None` when another relay is.
    pub(crate) async fn open(pool: &PgPool) -> Result<Option<Self>, PgError> {
        // Wrapped before the lock is asked for: if that fails, or this future is dropped meanwhile, the connection is closed,
        // since it may hold the lock.
        let mut session = Self { conn: pool.write().await?, may_hold_lock: true };
        let lock = diesel::sql_query("SELECT pg_try_advisory_lock($1, $2) AS taken")
            .bind::<Integer, _>(LOCK.0)
            .bind::<Integer, _>(LOCK.1);
        let Taken { taken } = session.run(async |conn| lock.get_result(conn).await).await?;
        session.may_hold_lock = taken;
        // Without the lock it goes back to the pool: a relay that stands by costs no new connections.
        Ok(taken.then_some(session))
    }

    /// Runs statements untraced: a relay asks several times a second, and as roots of traces of their own these spans would
    /// drown what matters. Publishing has a span in the trace of its cause.
    pub(crate) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
    ) -> Result<T, PgError> {
        Ok(untraced(work(&mut self.conn)).await?)
    }
}

fn untraced<F: Future>(work: F) -> impl Future<Output = F::Output> {
    work.with_subscriber(NoSubscriber::default())
}

impl Drop for Session {
    /// Back in the pool the session would keep its lock, and nobody could relay until the process ends. So the connection
    /// is marked as unusable, which makes the pool close it.
    fn drop(&mut self) {
        if !self.may_hold_lock {
            return;
        }
        AnsiTransactionManager::transaction_manager_status_mut(&mut *self.conn).set_in_error();
    }
}
