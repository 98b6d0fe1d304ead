//! The stories behind their cache: the only way by which feeds are made from memory, and the only way by which anything changes
//! what they show.
//!
//! A feed is made of three parts ([`Stories::parts`]), each kept by itself (S-D2): what a gym shows, shared by all its members; how
//! often its stories were reacted to; and what one viewer has to do with them. Whoever asks is authorised by what these parts
//! say. Changing: [`Stories::change`] runs a transaction between the mark and the stamp of the groups it declares, so that no
//! answer from before it is given after it. The pool is private here: no other path leads to a transaction.

pub(crate) mod body;
pub(crate) mod counts;
pub(crate) mod groups;
pub(crate) mod packed;
pub(crate) mod parts;
pub(crate) mod story;
pub(crate) mod viewer;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use freshness::Freshness;
use pg_pool::{Conn, Connection, PgError, PgPool};
use service_error::{ServiceError, guarded};

use groups::Affected;

/// The stories' database and what is made of it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Stories {
    pool: PgPool,
    freshness: Freshness,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

impl Stories {
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
        let commit = async || self.pool.try_tx(name, work).await.map_err(guarded);
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

    /// Runs `work` in a transaction that changes nothing that any copy shows: replies, reports, what is purged.
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
}
