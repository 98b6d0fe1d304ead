//! The pool and what it lends.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use diesel_async::pooled_connection::deadpool::{Hook, HookError, Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, SimpleAsyncConnection, TransactionManager,
};
use telemetry::metrics::Metrics;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use tokio_postgres::NoTls;

use crate::PgConfig;
use crate::connect::Recipe;
use crate::error::PgError;
use crate::observe::Measures;
use crate::statements::{self, Statements};

/// How long telling the server to stop an abandoned statement may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a connection goes on being opened at most when whoever asked for it has given up.
const OPENING_PATIENCE: Duration = Duration::from_secs(30);

tokio::task_local! {
    /// Set once a connection is being opened for who waits.
    static IS_OPENING: Arc<AtomicBool>;
}

/// A bounded set of connections to one database; clones share it.
#[derive(Clone)]
pub struct PgPool {
    pool: Pool<AsyncPgConnection>,
    config: Arc<PgConfig>,
    measures: Measures,
}

impl fmt::Debug for PgPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgPool").field("status", &self.pool.status()).finish_non_exhaustive()
    }
}

impl PgPool {
    /// Makes a pool and registers its metrics. Nothing is connected yet: a service may start before its database.
    ///
    /// # Errors
    /// [`PgError::Config`] when the settings have faults.
    pub fn new(config: &PgConfig, metrics: &Metrics) -> Result<Self, PgError> {
        statements::install();
        let measures = Measures::new(metrics);
        let recipe = Recipe::pooled(config, measures.durations.clone())?;
        let mut manager = ManagerConfig::default();
        // Verified would cost a round trip at each checkout; a dead connection is noticed by its closed socket instead.
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| {
            // Outside of a scope nobody waits who could give up.
            let _ = IS_OPENING.try_with(|is_opening| is_opening.store(true, Ordering::Relaxed));
            let recipe = recipe.clone();
            Box::pin(async move { recipe.open().await })
        });
        let max_lifetime = config.max_lifetime();
        let pool = Pool::builder(AsyncDieselConnectionManager::new_with_config(String::new(), manager))
            .max_size(usize::try_from(config.max_connections).unwrap_or(usize::MAX))
            .pre_recycle(Hook::sync_fn(move |_, use_of| {
                if use_of.age() > max_lifetime { Err(HookError::message("too old")) } else { Ok(()) }
            }))
            .build()
            .map_err(|error| PgError::Config(error.to_string()))?;
        Measures::watch(metrics, pool.clone());
        Ok(Self { pool, config: Arc::new(config.clone()), measures })
    }

    /// A connection for statements that change nothing.
    ///
    /// # Errors
    /// [`PgError::Timeout`] when none is free in time, [`PgError::Acquire`] when none can be opened.
    pub async fn read(&self) -> Result<Conn, PgError> {
        self.acquire().await
    }

    /// A connection for statements that change something; several belong in [`PgPool::tx`].
    ///
    /// # Errors
    /// As [`PgPool::read`].
    pub async fn write(&self) -> Result<Conn, PgError> {
        self.acquire().await
    }

    /// Whether the database answers: one empty statement, bounded like any other. For readiness checks.
    ///
    /// # Errors
    /// As [`PgPool::read`], or [`PgError::Query`] when the statement fails.
    pub async fn ping(&self) -> Result<(), PgError> {
        self.acquire().await?.batch_execute("").await?;
        Ok(())
    }

    async fn acquire(&self) -> Result<Conn, PgError> {
        let started = Instant::now();
        let limit = self.config.acquire_timeout();
        let object = self.get(limit).await;
        let waited = started.elapsed();
        self.measures.wait.observe(waited.as_secs_f64());
        if let Some(stats) = telemetry::request::current() {
            stats.record_pool_wait(waited);
        }
        match object {
            None => Err(PgError::Timeout(limit)),
            Some(Err(error)) => Err(PgError::Acquire(Box::new(error))),
            Some(Ok(object)) => Ok(Conn { object: Some(object) }),
        }
    }

    /// What the pool has within this time. A connection that is being opened then goes on being opened, for whoever comes next: on a
    /// line where that takes longer than anybody waits, nobody would ever get one otherwise.
    async fn get(&self, limit: Duration) -> Option<Result<Object<AsyncPgConnection>, PoolError>> {
        let is_opening = Arc::new(AtomicBool::new(false));
        let pool = self.pool.clone();
        let mut getting =
            Box::pin(IS_OPENING.scope(Arc::clone(&is_opening), async move { pool.get().await }));
        // Most often one is free, and no task is needed.
        if let Poll::Ready(object) = poll_fn(|cx| Poll::Ready(getting.as_mut().poll(cx))).await {
            return Some(object);
        }
        let task = tokio::spawn(tokio::time::timeout(limit + OPENING_PATIENCE, getting));
        let mut waiting = Waiting { task, is_opening };
        // The task ends by itself only with an answer: its time is longer.
        tokio::time::timeout(limit, &mut waiting.task).await.ok()?.ok()?.ok()
    }

    pub(crate) fn config(&self) -> &PgConfig {
        &self.config
    }

    pub(crate) fn measures(&self) -> &Measures {
        &self.measures
    }
}

/// Somebody who waits for a connection, and may give up.
struct Waiting {
    task: JoinHandle<Result<Result<Object<AsyncPgConnection>, PoolError>, Elapsed>>,
    is_opening: Arc<AtomicBool>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_opening.load(Ordering::Relaxed) {
            self.task.abort();
        }
    }
}

/// A connection on loan from the pool.
///
/// It goes back when dropped, unless a transaction is still open on it or a statement still unanswered (the caller's
/// future was dropped midway): then it is closed, which rolls back, and the server is told to stop the statement.
pub struct Conn {
    /// Empty only while being dropped.
    object: Option<Object<AsyncPgConnection>>,
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conn")
    }
}

impl Deref for Conn {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        match &self.object {
            Some(object) => object,
            None => unreachable!("a connection is given up only when it is dropped"),
        }
    }
}

impl DerefMut for Conn {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        match &mut self.object {
            Some(object) => object,
            None => unreachable!("a connection is given up only when it is dropped"),
        }
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        let abandoned =
            object.instrumentation().downcast_mut::<Statements>().is_some_and(Statements::abandon);
        if !abandoned && !AnsiTransactionManager::is_broken_transaction_manager(&mut *object) {
            return;
        }
        let conn = Object::take(object);
        if abandoned {
            cancel(&conn);
        }
        tracing::debug!(abandoned, "a connection was closed in the middle of its work");
    }
}

/// Asks the server to stop what this connection is doing. Nobody waits for the outcome: the statement's own time limit
/// ends it in any case.
fn cancel(conn: &AsyncPgConnection) {
    let token = conn.cancel_token();
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(
            runtime
                .spawn(tokio::time::timeout(CANCEL_TIMEOUT, async move { token.cancel_query(NoTls).await })),
        );
    }
}
