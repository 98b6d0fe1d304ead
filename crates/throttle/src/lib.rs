#![doc = include_str!("../README.md")]

mod local;
mod shared;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::local::LocalCounts;
use crate::shared::SharedCounts;

/// The longest a check may take; Redis has less than this, the rest is ours.
pub const LONGEST_CHECK: Duration = Duration::from_millis(200);

/// What a check decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The try is counted and may go on.
    Allowed {
        /// How many more tries the key has in the window that ends now.
        remaining: u32,
    },
    /// The key has used up its window; the try is not counted.
    Refused {
        /// After this long the next try is allowed, if none happens in between.
        retry_after: Duration,
    },
}

/// A throttle that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ThrottleError {
    /// The Redis address does not parse.
    #[error("the redis address of a throttle is not valid")]
    Address(#[source] deadpool_redis::redis::RedisError),
    /// A limit of zero would refuse everything, a window of zero would allow everything.
    #[error("a throttle needs a limit and a window above zero")]
    Empty,
}

/// Allows `limit` tries per key in any `window`. Cheap to clone; clones share their counts.
#[derive(Clone)]
pub struct Throttle {
    inner: Arc<Inner>,
}

struct Inner {
    prefix: &'static str,
    shared: SharedCounts,
    local: LocalCounts,
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("prefix", &self.inner.prefix).finish_non_exhaustive()
    }
}

impl Throttle {
    /// A throttle whose keys live under `prefix`; throttles with the same prefix share their counts, so they must agree on
    /// the limit and the window. Connects when first used. Must be called inside a tokio runtime, which the connection
    /// then belongs to.
    ///
    /// # Errors
    /// When the address does not parse, or `limit` or `window` is zero.
    pub fn new(
        redis_url: &str,
        prefix: &'static str,
        limit: u32,
        window: Duration,
    ) -> Result<Self, ThrottleError> {
        if limit == 0 || window.is_zero() {
            return Err(ThrottleError::Empty);
        }
        let shared = SharedCounts::new(redis_url, limit, window)?;
        let local = LocalCounts::new(limit, window);
        Ok(Self { inner: Arc::new(Inner { prefix, shared, local }) })
    }

    /// Counts one try of `key` and says whether it may go on. Takes at most [`LONGEST_CHECK`]; never fails: without Redis
    /// the count is this process's own.
    pub async fn check(&self, key: &str) -> Verdict {
        let key = self.storage_key(key);
        match self.inner.shared.check(&key, Instant::now()).await {
            Some(verdict) => verdict,
            None => self.inner.local.check(&key, Instant::now()),
        }
    }

    /// Forgets the tries of `key`, for instance after a success. When Redis is away the shared count stays until its
    /// window has passed.
    pub async fn forgive(&self, key: &str) {
        let key = self.storage_key(key);
        self.inner.local.forgive(&key);
        self.inner.shared.forgive(&key, Instant::now()).await;
    }

    /// The hash keeps names and addresses out of Redis and bounds the key's length whatever the caller passes.
    fn storage_key(&self, key: &str) -> String {
        let digest = blake3::hash(key.as_bytes());
        format!("throttle:{}:{}", self.inner.prefix, digest.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_throttle_without_a_limit_is_refused() {
        let built = Throttle::new("redis://127.0.0.1:1", "t", 0, Duration::from_secs(1));
        assert!(matches!(built, Err(ThrottleError::Empty)));
    }

    #[tokio::test]
    async fn an_address_that_does_not_parse_is_refused() {
        let built = Throttle::new("not a url", "t", 1, Duration::from_secs(1));
        assert!(matches!(built, Err(ThrottleError::Address(_))));
    }

    #[tokio::test]
    async fn names_do_not_stand_in_the_key() {
        let throttle = Throttle::new("redis://127.0.0.1:1", "t", 1, Duration::from_secs(1)).unwrap();
        assert!(!throttle.storage_key("mara@example.org").contains("mara"));
    }
}
