//! The desk's database behind its cache: the only way by which answers are made from memory, and the only way by which anything
//! changes what they show.
//!
//! [`Desk::change`] runs a transaction between the mark and the stamp of the groups it declares, so that no answer from before it is
//! given after it. The pool is private here: no other path leads to a transaction.

pub(crate) mod groups;
pub(crate) mod packages;
pub(crate) mod standing;
pub(crate) mod tariffs;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use freshness::{Answer, Freshness, Groups, Loaded, Read};
use pg_pool::{Conn, Connection, PgError, PgPool, QueryError};
use service_error::ServiceError;

use groups::Affected;

/// How long an answer is kept at most (P-A5). It is replaced when anything in it changes, and gone when the clock changes it (P-D2).
pub(crate) const TTL: Duration = Duration::from_secs(30);

/// The desk's database and what is made of it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk {
    pool: PgPool,
    freshness: Freshness,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl Desk {
    /// Over this database, by this clock.
    pub(crate) fn new(
        pool: PgPool,
        freshness: Freshness,
        now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    ) -> Self {
        Self { pool, freshness, now }
    }

    /// A connection for statements that change nothing.
    ///
    /// # Errors
    /// As [`PgPool::read`].
    pub(crate) async fn read(&self) -> Result<Conn, PgError> {
        self.pool.read().await
    }

    /// The answer of this family and key, which anything in `groups` changes: a kept one, or what `load` makes.
    ///
    /// # Errors
    /// Those of `load`; a cache that is away is none.
    pub(crate) async fn cached(
        &self,
        family: &'static str,
        key: &str,
        groups: &Groups,
        ttl: Duration,
        load: impl AsyncFnOnce() -> Result<Loaded, ServiceError>,
    ) -> Result<Answer, ServiceError> {
        self.freshness.read(Read { groups, family, key, ttl, until: None }, load).await
    }

    /// Runs `work` in a transaction that changes what it declares, and returns when no copy from before it is given any more. To
    /// be run in a task of its own ([`http_server::uncut`]).
    ///
    /// # Errors
    /// Those of `work`, of the database, and `unavailable` where the cache cannot be told: before the transaction nothing was
    /// changed; after it the change stands, and whoever repeats the request with its idempotency key gets its answer.
    pub(crate) async fn change<T>(
        &self,
        name: &'static str,
        affected: &Affected,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let commit = async || self.pool.try_tx(name, work).await.map_err(service_error::guarded);
        let written = self.freshness.write(affected.groups()?, affected.family, commit).await?;
        tracing::debug!(
            family = affected.family,
            entries = written.entries_invalidated,
            edges = written.edges_told,
            edges_revoked = written.edges_revoked,
            lag_ms = written.lag.as_millis(),
            "changed"
        );
        Ok(written.value)
    }

    /// Runs `work` in a transaction that changes nothing that any copy shows.
    ///
    /// # Errors
    /// Those of `work` and of the database.
    pub(crate) async fn change_unseen<T>(
        &self,
        name: &'static str,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        self.pool.tx(name, work).await
    }

    /// How the cache of a family does.
    pub(crate) async fn stats(&self, family: &'static str) -> freshness::Stats {
        self.freshness.stats(family).await
    }

    /// The time, as the cache takes it.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }
}

/// What has to be there is not: a fault of ours.
pub(crate) fn missing(what: &'static str) -> QueryError {
    QueryError::DeserializationError(format!("there is no {what}").into())
}
