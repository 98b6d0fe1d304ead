//! A request's place at an instance.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::balancer::Inner;
use crate::clock::Tick;
use crate::instance::Instance;
use crate::outlier;
use crate::snapshot::Transition;

/// Why no instance was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInstance {
    /// `max_requests` are under way.
    #[error("the upstream has as many requests under way as it may have")]
    Overloaded,
    /// There is no instance, or none is healthy or starting and panic routing is off.
    #[error("no instance of the upstream is healthy")]
    NoneHealthy,
}

/// How a request ended, seen from the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The instance answered, whatever the client did wrong: 2xx, 3xx, 4xx, and 5xx that speak of the request.
    Answered,
    /// No connection, a reset, a timeout, an answer that is no HTTP, or 502, 503, 504.
    Failed,
}

/// One request at one instance: counted as in flight until it is dropped, so keep it until the last byte of the answer.
#[must_use = "a pick that is dropped at once counts nothing"]
pub struct Pick {
    inner: Arc<Inner>,
    index: usize,
    unfit: bool,
    /// The instance's last ejection when it was picked: what was sent before an ejection says nothing about the time after.
    ejected_until: Tick,
}

impl Pick {
    /// The caller has entered the counters of the upstream.
    pub(crate) fn new(inner: Arc<Inner>, index: usize, unfit: bool) -> Self {
        let instance = inner.instances.get(index);
        if let Some(instance) = instance {
            instance.in_flight.0.fetch_add(1, Ordering::Relaxed);
        }
        let ejected_until = instance.map_or(0, Instance::ejected_until);
        Self { inner, index, unfit, ejected_until }
    }

    /// Which instance, as numbered by the balancer that made the pick.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Panic routing: the instance is unhealthy or ejected, and no other was better.
    #[must_use]
    pub fn is_unfit(&self) -> bool {
        self.unfit
    }

    /// Tells how the request ended; call it once, when that is known. A pick dropped without a report (the client went
    /// away) says nothing about its instance. Reports of requests picked before the instance's last ejection are ignored.
    pub fn report(&self, now: Instant, outcome: Outcome) -> Option<Transition> {
        let instance = self.inner.instances.get(self.index)?;
        if instance.ejected_until() != self.ejected_until {
            return None;
        }
        match outcome {
            Outcome::Answered => {
                // Nearly always zero already: a read leaves the cache line where it is.
                if instance.failures.load(Ordering::Relaxed) != 0 {
                    instance.failures.store(0, Ordering::Relaxed);
                }
                None
            }
            Outcome::Failed => outlier::failed(&self.inner, self.index, self.inner.clock.tick(now)),
        }
    }
}

impl Drop for Pick {
    fn drop(&mut self) {
        if let Some(instance) = self.inner.instances.get(self.index) {
            instance.in_flight.0.fetch_sub(1, Ordering::Relaxed);
        }
        self.inner.counters.leave();
    }
}

impl fmt::Debug for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pick").field("index", &self.index).field("unfit", &self.unfit).finish_non_exhaustive()
    }
}
