//! The lease of an edge: joined, renewed, given up, and every invalidation applied before it is confirmed.
//!
//! The order of a session, and why:
//!
//! 1. The edge listens for invalidations and hears a message of its own: what is published from now on reaches it.
//! 2. It joins. Writers stamped from now on wait for it; those stamped before are done with the origin, so what it fetches
//!    from now on shows them. It answers from memory only what was fetched after this.
//! 3. It renews, each time after hearing itself again. The lease holds until a time reckoned from *before* the command was
//!    sent, so it ends here before it ends in Redis.
//! 4. An invalidation is applied, then confirmed. Also while joining: a writer may already wait for it.
//!
//! Whatever goes wrong ends in silence, and silence ends the lease: at Redis by its expiry or by a writer who revokes it,
//! here by the clock.

mod listener;
pub(crate) mod message;
mod session;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broadcast::{Broadcast, Subscription};
use coherence::Tracker;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::edge::message::{invalidate_subject, purge_subject};
use crate::{Domain, Registry};

/// Between two attempts to join, and to listen. With what Redis and NATS may take it bounds how often an outage is probed.
const PAUSE: Duration = Duration::from_millis(100);

/// What an edge tells about its lease; for metrics. Called from the task that holds the lease: must not block.
pub trait EdgeObserver: Send + Sync + 'static {
    /// A session began: from now on answers may come from memory.
    fn lease_gained(&self) {}
    /// The session ended.
    fn lease_lost(&self, _reason: LeaseLost) {}
    /// The lease was renewed; the time from the message to itself to the answer of Redis.
    fn lease_renewed(&self, _took: Duration) {}
    /// A session could not begin.
    fn join_failed(&self, _reason: JoinFailed) {}
    /// A write was applied: the groups it named, how many of them something is stored under, and how long ago it was
    /// committed, by the clocks of two machines.
    fn invalidated(&self, _groups: &[&str], _known: usize, _lag: Duration) {}
    /// An operator's purge was applied: how many groups it named, `None` for everything.
    fn purged(&self, _groups: Option<usize>) {}
    /// A message made no sense: everything was forgotten, to be safe.
    fn unreadable(&self) {}
}

/// Watches nothing.
impl EdgeObserver for () {}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeaseLost {
    /// Redis does not know the session: a writer revoked it, it expired there, or Redis began a new life.
    Revoked,
    /// Nothing renewed it in time, because NATS did not bring the edge's message to itself.
    NatsSilent,
    /// Nothing renewed it in time, because Redis did not answer.
    RedisSilent,
    /// Messages may have been missed: the connection to NATS was lost or made anew, or the edge was too slow.
    Interrupted,
    /// The edge stops.
    Stopped,
}

impl LeaseLost {
    /// As a label: lower case, underscores.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::NatsSilent => "nats_silent",
            Self::RedisSilent => "redis_silent",
            Self::Interrupted => "interrupted",
            Self::Stopped => "stopped",
        }
    }
}

/// Why a session could not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinFailed {
    /// NATS does not bring the edge's message to itself.
    Nats,
    /// Redis did not answer.
    Redis,
    /// Messages may have been missed while joining.
    Interrupted,
}

impl JoinFailed {
    /// As a label: lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Redis => "redis",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Keeps a [`Tracker`] under a lease of a domain for as long as it lives. Dropped, the tracker is without a lease at once and
/// the lease is given back in the background; [`EdgeLease::stop`] waits for that.
pub struct EdgeLease {
    tracker: Arc<Tracker>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl fmt::Debug for EdgeLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeLease").field("tracker", &self.tracker).finish_non_exhaustive()
    }
}

impl EdgeLease {
    /// Begins to listen and to join, in a task of its own, and goes on for ever. Neither Redis nor NATS needs to be there: until
    /// they are, the tracker is without a lease. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(
        registry: Registry,
        broadcast: Broadcast,
        domain: Domain,
        tracker: Arc<Tracker>,
        observer: impl EdgeObserver,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let edge = Edge {
            registry,
            broadcast,
            domain,
            tracker: Arc::clone(&tracker),
            observer: Box::new(observer),
            session: Mutex::new(None),
            is_held: AtomicBool::new(false),
        };
        let task = tokio::spawn(edge.run(stopped));
        Self { tracker, stop, task }
    }

    /// Gives the lease back, so that no writer has to wait for this edge.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // A task that panicked has no lease to give back: it ends by the clock.
        let _ = (&mut self.task).await;
    }
}

impl Drop for EdgeLease {
    fn drop(&mut self) {
        self.tracker.lose();
        self.stop.send_replace(true);
    }
}

/// What the two halves of the task share: one listens, one holds the session. They take turns in one task.
struct Edge {
    registry: Registry,
    broadcast: Broadcast,
    domain: Domain,
    tracker: Arc<Tracker>,
    observer: Box<dyn EdgeObserver>,
    /// What invalidations are confirmed as, from before it joins until it is given up. A std mutex: held for a copy.
    session: Mutex<Option<String>>,
    /// Whether the observer was told of a lease and not yet of its end. Only this task touches it.
    is_held: AtomicBool,
}

impl Edge {
    async fn run(self, mut stopped: watch::Receiver<bool>) {
        tokio::select! {
            () = self.work() => {}
            // An error says that the lease was dropped.
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        self.give_up(LeaseLost::Stopped).await;
    }

    /// Never ends.
    async fn work(&self) {
        loop {
            if let Some((invalidations, purges)) = self.subscribe().await {
                tokio::select! {
                    () = self.listen(invalidations, purges) => {}
                    () = self.hold_sessions() => {}
                }
                // Deaf: whoever waits for this session's confirmation waits in vain.
                self.give_up(LeaseLost::Interrupted).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn subscribe(&self) -> Option<(Subscription, Subscription)> {
        let invalidations = self.broadcast.subscribe(&invalidate_subject(&self.domain)).await;
        let purges = self.broadcast.subscribe(&purge_subject(&self.domain)).await;
        match (invalidations, purges) {
            (Ok(invalidations), Ok(purges)) => Some((invalidations, purges)),
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "cannot listen for invalidations yet"
                );
                None
            }
        }
    }

    fn session(&self) -> Option<String> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_session(&self, session: Option<String>) -> Option<String> {
        std::mem::replace(&mut *self.session.lock().unwrap_or_else(PoisonError::into_inner), session)
    }

    fn gained(&self) {
        self.is_held.store(true, Ordering::Relaxed);
        self.observer.lease_gained();
        tracing::info!(domain = self.domain.as_str(), "lease gained");
    }

    /// Ends the session, here first. That Redis is told spares the next writer the wait; it need not succeed.
    async fn give_up(&self, reason: LeaseLost) {
        self.tracker.lose();
        if self.is_held.swap(false, Ordering::Relaxed) {
            self.observer.lease_lost(reason);
            tracing::warn!(domain = self.domain.as_str(), reason = reason.as_str(), "lease lost");
        }
        if let Some(session) = self.set_session(None)
            && let Err(error) = self.registry.leave(&session).await
        {
            tracing::debug!(error = &error as &dyn std::error::Error, "a lease is left to expire");
        }
    }
}
