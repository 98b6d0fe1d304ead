//! What can go wrong, sorted by what the caller may do.

use std::time::Duration;

use broadcast::BroadcastError;
use deadpool_redis::redis::RedisError;
use problem::{Problem, registry};

/// A read, a write or a lease that could not be had as promised.
#[derive(Debug, thiserror::Error)]
pub enum FreshnessError {
    /// A setting cannot be used. Fix the configuration.
    #[error("the settings of freshness cannot be used: {0}")]
    Settings(String),
    /// The address of Redis does not parse. Fix the configuration.
    #[error("the redis address of freshness is not valid")]
    Address(#[source] RedisError),
    /// Redis did not answer. Of a write it means that nothing was written: 503 with `Retry-After`.
    #[error("redis is not available")]
    Unavailable(#[source] RedisError),
    /// The write is committed, but not everybody is known to have heard of it, so it must not be confirmed: 503 with
    /// `Retry-After`. A retry with the same idempotency key, through [`write`](crate::Freshness::write) again, finds out the outcome.
    #[error("the write is not announced everywhere")]
    Unfinished(#[source] Option<Box<FreshnessError>>),
    /// NATS took nothing. Only of what needs NATS and nothing else, as a purge does.
    #[error("nats is not available")]
    Broadcast(#[from] BroadcastError),
    /// A message could not be written as JSON. A fault of this crate.
    #[error("a message cannot be encoded")]
    Encoding(#[from] serde_json::Error),
}

impl FreshnessError {
    /// What to say in `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// 503: a write is refused before it begins, or cannot be confirmed.
impl From<FreshnessError> for Problem {
    fn from(error: FreshnessError) -> Self {
        Self::new(&registry::UNAVAILABLE).cause(error)
    }
}

/// Why the transaction of a write under the guard failed, and what the guard has to know about it.
///
/// Said to be rolled back of a write that did commit, old answers come back. Said to be in doubt of one that did not, its
/// groups are answered from the database until the mark of the write has run out.
#[derive(Debug)]
pub enum WriteError<E> {
    /// It is certain that nothing was committed: the transaction was never begun, or the database confirmed the rollback, or
    /// refused the commit.
    RolledBack(E),
    /// Everything that broke on the way, the answer to a commit above all.
    InDoubt(E),
}
