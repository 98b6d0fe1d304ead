//! The connections to one server.

use std::fmt;
use std::future::{Future as _, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Hook, HookError, Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use telemetry::request::Part;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;

use crate::PgConfig;
use crate::conn::{Conn, Source};
use crate::connect::Recipe;
use crate::error::PgError;
use crate::observe::Measures;
use crate::status::PoolStatus;

/// How long a connection goes on being opened at most when whoever asked for it has given up.
const OPENING_PATIENCE: Duration = Duration::from_secs(30);

tokio::task_local! {
    /// Set once a connection is being opened for who waits.
    static IS_OPENING: Arc<AtomicBool>;
}

/// A bounded set of connections to one server; clones share it.
#[derive(Clone)]
pub(crate) struct Lender {
    pool: Pool<AsyncPgConnection>,
    source: Source,
    acquire_timeout: Duration,
    measures: Measures,
}

impl fmt::Debug for Lender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lender").field("source", &self.source).field("status", &self.pool.status()).finish()
    }
}

impl Lender {
    /// Nothing is connected yet.
    pub(crate) fn new(config: &PgConfig, source: Source, measures: &Measures) -> Result<Self, PgError> {
        let recipe = Recipe::pooled(config, measures.statements.clone())?;
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
        Ok(Self { pool, source, acquire_timeout: config.acquire_timeout(), measures: measures.clone() })
    }

    /// A connection, waited for no longer than the settings say.
    pub(crate) async fn acquire(&self) -> Result<Conn, PgError> {
        let limit = self.acquire_timeout;
        self.lend(limit, true).await?.ok_or(PgError::Timeout(limit))
    }

    /// A connection that is idle, or one that is opened within this time; `None` when all are busy, which is not waited for.
    pub(crate) async fn acquire_unqueued(&self, limit: Duration) -> Result<Option<Conn>, PgError> {
        self.lend(limit, false).await
    }

    pub(crate) fn source(&self) -> Source {
        self.source
    }

    pub(crate) fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            size: status.size,
            available: status.available,
            waiting: status.waiting,
            max: status.max_size,
        }
    }

    async fn lend(&self, limit: Duration, may_queue: bool) -> Result<Option<Conn>, PgError> {
        let started = Instant::now();
        let waiting = telemetry::request::enter(Part::Pool);
        let object = self.get(limit, may_queue).await;
        drop(waiting);
        let waited = started.elapsed();
        self.measures.wait.observe(waited.as_secs_f64());
        if let Some(stats) = telemetry::request::current() {
            stats.record_pool_wait(waited);
        }
        match object {
            None => Err(PgError::Timeout(limit)),
            Some(Ok(object)) => Ok(Some(Conn::new(object, self.source))),
            // The pool itself limits only the queue, and that only for who would not stand in it.
            Some(Err(PoolError::Timeout(_))) => Ok(None),
            Some(Err(error)) => Err(PgError::Acquire(Box::new(error))),
        }
    }

    /// What the pool has within this time. A connection that is being opened then goes on being opened, for whoever comes next: on a
    /// line where that takes longer than anybody waits, nobody would ever get one otherwise.
    async fn get(
        &self,
        limit: Duration,
        may_queue: bool,
    ) -> Option<Result<Object<AsyncPgConnection>, PoolError>> {
        let is_opening = Arc::new(AtomicBool::new(false));
        let pool = self.pool.clone();
        let mut timeouts = pool.timeouts();
        if !may_queue {
            timeouts.wait = Some(Duration::ZERO);
        }
        let mut getting = Box::pin(
            IS_OPENING.scope(Arc::clone(&is_opening), async move { pool.timeout_get(&timeouts).await }),
        );
        // Most often one is free, and no task is needed.
        if let Poll::Ready(object) = poll_fn(|cx| Poll::Ready(getting.as_mut().poll(cx))).await {
            return Some(object);
        }
        let task = tokio::spawn(tokio::time::timeout(limit + OPENING_PATIENCE, getting));
        let mut waiting = Waiting { task, is_opening };
        // The task ends by itself only with an answer: its time is longer.
        tokio::time::timeout(limit, &mut waiting.task).await.ok()?.ok()?.ok()
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
