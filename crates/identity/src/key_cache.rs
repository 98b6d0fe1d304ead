//! The keys of one issuer as last seen, and the rules for looking again.
//!
//! There is no background task: a key set is fetched by the request that needs it. One fetch runs at a time and ends
//! even when that request goes away (it runs in a task of its own), fetches start at least [`RETRY_AFTER`] apart, and only a
//! request that knows no key for its `kid` waits for one. An old but known key is used while the fetch runs beside.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Duration, Utc};
use tracing::Instrument;

use crate::clock::Clock;
use crate::error::IdentityError;
use crate::key_set::{KeySet, VerifyingKey};
use crate::key_source::{KeySource, KeySourceError};

/// Between the starts of two fetches: what bounds a flood of invented `kid`s.
const RETRY_AFTER: Duration = Duration::seconds(5);
/// Keys older than this are fetched again, which is how long a withdrawn key may still be taken.
const FRESH_FOR: Duration = Duration::minutes(5);
/// Keys older than this are not used even when their issuer stays away.
const USABLE_FOR: Duration = Duration::hours(24);

/// The cached keys of one issuer. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KeyCache {
    inner: Arc<Inner>,
}

struct Inner {
    issuer: String,
    source: Box<dyn KeySource>,
    clock: Clock,
    seen: RwLock<Seen>,
    /// Held by the one task that fetches. Behind an `Arc` because the guard moves into that task.
    fetching: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone, Default)]
struct Seen {
    keys: Arc<KeySet>,
    fetched_at: Option<DateTime<Utc>>,
    /// When the last fetch started, and whether it failed.
    tried_at: Option<DateTime<Utc>>,
    failed: bool,
}

impl Seen {
    fn age_is_below(&self, limit: Duration, now: DateTime<Utc>) -> bool {
        // A clock that was set back makes an age negative: such keys count as old, so that the mistake heals by a fetch.
        self.fetched_at.is_some_and(|at| (Duration::zero()..limit).contains(&(now - at)))
    }

    fn may_fetch(&self, now: DateTime<Utc>) -> bool {
        self.tried_at.is_none_or(|at| !(Duration::zero()..RETRY_AFTER).contains(&(now - at)))
    }

    fn usable(&self, kid: &str, now: DateTime<Utc>) -> Option<VerifyingKey> {
        // Set-back clocks again: `now` before `fetched_at` is no reason to refuse everybody.
        let alive = self.fetched_at.is_some_and(|at| now - at < USABLE_FOR);
        self.keys.get(kid).filter(|_| alive).cloned()
    }
}

impl KeyCache {
    pub(crate) fn new(issuer: &str, source: Box<dyn KeySource>, clock: Clock) -> Self {
        let inner = Inner {
            issuer: issuer.to_owned(),
            source,
            clock,
            seen: RwLock::default(),
            fetching: Arc::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The key with this id.
    ///
    /// # Errors
    /// [`IdentityError::UnknownKey`] when the issuer has none, [`IdentityError::IssuerUnavailable`] when that cannot be told.
    pub(crate) async fn key(&self, kid: &str) -> Result<VerifyingKey, IdentityError> {
        let now = (self.inner.clock)();
        let seen = self.seen();
        if let Some(key) = seen.usable(kid, now) {
            if !seen.age_is_below(FRESH_FOR, now) && seen.may_fetch(now) {
                self.refresh_beside();
            }
            return Ok(key);
        }
        if seen.may_fetch(now) || self.inner.fetching.try_lock().is_err() {
            self.refresh_now().await;
        }
        let seen = self.seen();
        match seen.usable(kid, now) {
            Some(key) => Ok(key),
            None if seen.failed => Err(IdentityError::IssuerUnavailable),
            None => Err(IdentityError::UnknownKey),
        }
    }

    /// Waits for the running fetch, or starts one. In a task of its own, so that a client that hangs up does not cut it off
    /// and leave the others waiting for the next slot.
    async fn refresh_now(&self) {
        let guard = self.inner.fetching.clone().lock_owned().await;
        if !self.seen().may_fetch((self.inner.clock)()) {
            return;
        }
        let task = tokio::spawn(self.clone().fetch(guard).in_current_span());
        if let Err(error) = task.await {
            tracing::error!(issuer = %self.inner.issuer, %error, "the fetch of a key set did not end");
        }
    }

    /// Starts a fetch nobody waits for, unless one runs. Its handle is dropped on purpose: it records its outcome itself, is
    /// bounded by the client's timeout, and shutting down may cut it off.
    fn refresh_beside(&self) {
        if let Ok(guard) = self.inner.fetching.clone().try_lock_owned() {
            tokio::spawn(self.clone().fetch(guard));
        }
    }

    async fn fetch(self, _one_at_a_time: tokio::sync::OwnedMutexGuard<()>) {
        let started = (self.inner.clock)();
        self.note(|seen| seen.tried_at = Some(started));
        let outcome = self.inner.source.fetch().await.and_then(|document| {
            KeySet::read(&document).ok_or(KeySourceError::Answer("the document is no key set"))
        });
        match outcome {
            Ok(keys) => self.note(|seen| {
                seen.keys = Arc::new(keys);
                seen.fetched_at = Some(started);
                seen.failed = false;
            }),
            Err(error) => {
                self.note(|seen| seen.failed = true);
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(issuer = %self.inner.issuer, %error, cause, "the keys of an issuer cannot be had");
            }
        }
    }

    fn seen(&self) -> Seen {
        self.inner.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.inner.seen.write().unwrap_or_else(PoisonError::into_inner));
    }
}
