//! The records behind their cache: the only way by which answers are made from memory, and the only way by which anything
//! changes what answers show.
//!
//! Reading: whoever asks is authorised first, then the answer is looked up by what was asked ([`lookup::Lookup`]), and made
//! and kept where it is not known. Refusals and faults are never kept. Changing: [`Records::change`] runs a transaction
//! between the mark and the stamp of the groups that it declares ([`groups::Affected`]), so that no answer from before it
//! is given after it (C-A7, C-A8, C-D5). The pool is private here: no other path leads to a transaction on records.

pub(crate) mod audience;
pub(crate) mod groups;
pub(crate) mod lookup;
pub(crate) mod representation;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use freshness::{Freshness, Read, Stats};
use pg_pool::{Conn, Connection, PgError, PgPool};
use problem::{Problem, registry};

use groups::Affected;
use lookup::Lookup;
use representation::{FORMAT, Representation};
use service_error::{ServiceError, guarded};

/// The records' database and the answers made from it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Records {
    pool: PgPool,
    freshness: Freshness,
    /// Begins every key: what else an answer depends on, beside the records and the question.
    variant: Arc<str>,
    now: fn() -> DateTime<Utc>,
}

impl Records {
    /// `settings` names whatever an answer depends on that replicas may have differently: declarations, keys of cursors.
    pub(crate) fn new(
        pool: PgPool,
        freshness: Freshness,
        settings: &[u8],
        now: fn() -> DateTime<Utc>,
    ) -> Self {
        let hash = blake3::hash(settings).to_hex();
        let variant = format!("{FORMAT}.{}", hash.get(..16).unwrap_or_default()).into();
        Self { pool, freshness, variant, now }
    }

    /// A connection for statements that change nothing.
    ///
    /// # Errors
    /// As [`PgPool::read`].
    pub(crate) async fn read(&self) -> Result<Conn, PgError> {
        self.pool.read().await
    }

    /// The answer to a read: from memory where it is current, else by `load`. No statement in the first case.
    ///
    /// `load` may run more than one statement: an answer is kept only if nobody wrote to its groups meanwhile.
    ///
    /// # Errors
    /// Those of `load`; a cache that is away is none.
    pub(crate) async fn answer(
        &self,
        lookup: &Lookup,
        load: impl AsyncFn(&mut Connection) -> Result<Representation, ServiceError>,
    ) -> Result<Representation, ServiceError> {
        let made = async || load(&mut *self.pool.read().await?).await;
        let read = Read {
            groups: &lookup.groups,
            key: &lookup.key(&self.variant),
            family: lookup.model.path,
            ttl: std::time::Duration::from_secs(lookup.model.cache.ttl_secs.into()),
            until: lookup.until.map(Into::into),
        };
        let encoded = async || made().await?.encode().map_err(internal);
        let answer = self.freshness.read(read, encoded).await?;
        match Representation::decode(&answer.bytes) {
            Some(known) => Ok(known),
            None => {
                tracing::warn!(target = lookup.target, "what the cache holds is no answer of ours");
                made().await
            }
        }
    }

    /// Runs `work` in a transaction that changes what it declares, and returns when no copy from before it is given any
    /// more. To be run in a task of its own, so that it comes to its end.
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
        let model = affected.model.path;
        let commit = async || self.pool.try_tx(name, work).await.map_err(guarded);
        let written = self.freshness.write(affected.groups()?, model, commit).await?;
        tracing::info!(
            model,
            entries = written.entries_invalidated,
            edges = written.edges_told,
            edges_revoked = written.edges_revoked,
            lag_ms = written.lag.as_millis(),
            "Cache cleared for model {model}: {} entries invalidated",
            written.entries_invalidated
        );
        Ok(written.value)
    }

    /// Runs `work` in a transaction that is always rolled back: everything is checked and nothing changes.
    ///
    /// # Errors
    /// Those of `work` and of the database.
    pub(crate) async fn rehearse<T>(
        &self,
        name: &'static str,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let rehearsed: Result<std::convert::Infallible, Rehearsed<T>> =
            self.pool.tx(name, async |conn| Err(Rehearsed(work(conn).await))).await;
        match rehearsed {
            Ok(never) => match never {},
            Err(Rehearsed(result)) => result,
        }
    }

    /// What the cache has done for the models of this path so far.
    pub(crate) async fn stats(&self, path: &'static str) -> Stats {
        self.freshness.stats(path).await
    }

    /// The time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }
}

/// A result that rolls its transaction back, whatever it is.
struct Rehearsed<T>(Result<T, ServiceError>);

impl<T> From<PgError> for Rehearsed<T> {
    fn from(error: PgError) -> Self {
        Self(Err(error.into()))
    }
}

fn internal(error: serde_json::Error) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error).into()
}
