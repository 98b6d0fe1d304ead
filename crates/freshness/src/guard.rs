//! The guard of writes: mark, commit, stamp, tell the edges; only then is a write confirmed.

use std::time::{Duration, Instant, SystemTime};

use telemetry::request::Part;
use tokio::time::sleep;
use tracing::Instrument as _;

use crate::announce::{Announcement, Told};
use crate::redis::DEADLINE;
use crate::registry::{Stamped, nonce};
use crate::{Freshness, FreshnessError, Groups, WriteError, sabotage};

/// Between two attempts to reach Redis.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two such attempts when nobody waits.
const LONG_PAUSE: Duration = Duration::from_millis(500);

/// A write that no level contradicts any more: it may be confirmed.
#[derive(Clone, Debug)]
pub struct Written<T> {
    /// What the commit gave.
    pub value: T,
    /// Live entries of the shared level that it ended.
    pub entries_invalidated: u64,
    /// Edges that confirmed the invalidation.
    pub edges_told: usize,
    /// Edges that did not and lost their lease.
    pub edges_revoked: usize,
    /// Time from the commit until here.
    pub lag: Duration,
}

/// What finishing a write amounted to.
#[derive(Clone, Copy, Debug, Default)]
struct Finished {
    entries: u64,
    told: Told,
    lag: Duration,
}

/// One write on its way through the guard.
#[derive(Clone)]
struct Passage {
    groups: Groups,
    family: &'static str,
    /// Names it in Redis.
    token: String,
    since: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Redis is asked for the mark; it may stand already. Nothing is committed.
    Marking,
    /// The transaction may or may not have committed.
    Committing,
    /// What is left to do is in the hands of a task, or there is nothing.
    Settled,
}

/// Knows what is owed when a write ends at any point, be it by being dropped.
struct Guard<'a> {
    freshness: &'a Freshness,
    passage: Passage,
    phase: Phase,
}

impl<'a> Guard<'a> {
    fn new(freshness: &'a Freshness, groups: Groups, family: &'static str) -> Self {
        freshness.inner.instruments.in_flight.inc();
        let passage = Passage { groups, family, token: nonce(), since: Instant::now() };
        Self { freshness, passage, phase: Phase::Marking }
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let instruments = &self.freshness.inner.instruments;
        instruments.in_flight.dec();
        // Without a runtime, at the end of the process, the sweep of another replica does it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (freshness, passage) = (self.freshness.clone(), self.passage.clone());
        match self.phase {
            Phase::Marking => {
                instruments.write("refused");
                runtime.spawn(freshness.unmark_later(passage));
            }
            Phase::Committing => {
                instruments.write("unknown");
                runtime.spawn(freshness.finish_at_expiry(passage));
            }
            Phase::Settled => {}
        }
    }
}

impl Freshness {
    /// Runs `commit`, which changes what the groups name, under the guard. When this returns `Ok`, no read that starts later
    /// finds an older state in any level: confirm the write then, and only then. Everything `commit` changes must be named.
    /// A replay of a write that an idempotency key recognises has to come through here as well.
    ///
    /// What is committed is announced to its end even if this future is dropped. Dropped *during* `commit`, or when the
    /// error is [in doubt](WriteError::InDoubt), the outcome is unknown: the groups are answered from the database until the
    /// mark runs out, and then stamped. Run it in a task of its own if clients may hang up.
    ///
    /// # Errors
    /// Those of `commit`; [`FreshnessError::Unavailable`] when nothing was begun because Redis does not answer;
    /// [`FreshnessError::Unfinished`] when it is committed but not known to be announced everywhere.
    pub async fn write<T, E: From<FreshnessError>>(
        &self,
        groups: Groups,
        family: &'static str,
        commit: impl AsyncFnOnce() -> Result<T, WriteError<E>>,
    ) -> Result<Written<T>, E> {
        if !self.inner.config.enabled {
            return match commit().await {
                Ok(value) => Ok(written(value, Finished::default())),
                Err(WriteError::RolledBack(error) | WriteError::InDoubt(error)) => Err(error),
            };
        }
        let mut guard = Guard::new(self, groups, family);
        self.inner.registry.mark(&guard.passage.groups, &guard.passage.token).await?;
        let mark_took = guard.passage.since.elapsed();
        guard.phase = Phase::Committing;
        let value = match commit().await {
            Ok(value) => value,
            Err(WriteError::RolledBack(error)) => {
                guard.phase = Phase::Settled;
                self.inner.instruments.write("rolled_back");
                self.unmark(guard.passage.clone()).await;
                return Err(error);
            }
            Err(WriteError::InDoubt(error)) => return Err(error),
        };
        guard.phase = Phase::Settled;
        if sabotage::no_stamp() {
            return Ok(written(value, Finished::default()));
        }
        let committed = Instant::now();
        // A task, because this future may be dropped and the commit stands.
        let finish = telemetry::request::inherit(self.clone().finish(guard.passage.clone()));
        let finishing = tokio::spawn(finish.in_current_span());
        let announcing = telemetry::request::enter(Part::Announce);
        let finished = finishing.await;
        drop(announcing);
        let finished = finished.unwrap_or(Err(FreshnessError::Unfinished(None)))?;
        self.inner.instruments.write("confirmed");
        self.inner.instruments.guarded(mark_took + committed.elapsed());
        Ok(written(value, finished))
    }

    /// Takes the mark of a write that changed nothing off again; in the background if Redis does not answer.
    async fn unmark(&self, passage: Passage) {
        // Spawned before it is tried, so that being dropped here is no way out.
        let trying = tokio::spawn(self.clone().unmark_later(passage));
        // Too late is as good: the groups are answered from the database meanwhile.
        let _ = tokio::time::timeout(DEADLINE, trying).await;
    }

    async fn unmark_later(self, passage: Passage) {
        let registry = &self.inner.registry;
        while passage.since.elapsed() < self.inner.config.mark() {
            // One of all that wait looks whether Redis is back.
            if !registry.is_resting() && registry.unmark(&passage.groups, &passage.token).await.is_ok() {
                return;
            }
            sleep(LONG_PAUSE).await;
        }
    }

    /// Stamps a committed write and tells the edges.
    async fn finish(self, passage: Passage) -> Result<Finished, FreshnessError> {
        let (committed, committed_at) = (Instant::now(), SystemTime::now());
        let finished = async {
            let stamped = self.stamp(&passage, committed).await?;
            self.inner.instruments.invalidated(passage.family, stamped.entries);
            let entries = stamped.entries;
            let told = self.announce(&passage.groups, &passage.token, stamped, committed_at).await?;
            Ok(Finished { entries, told, lag: committed.elapsed() })
        };
        match finished.await {
            Ok(finished) => {
                self.inner.instruments.announced(finished.lag);
                Ok(finished)
            }
            Err(error) => {
                self.inner.instruments.write("unfinished");
                let reason = &error as &dyn std::error::Error;
                tracing::warn!(
                    family = passage.family,
                    error = reason,
                    "a committed write is not announced yet"
                );
                tokio::spawn(self.finish_later(passage));
                Err(FreshnessError::Unfinished(Some(Box::new(error))))
            }
        }
    }

    async fn stamp(&self, passage: &Passage, committed: Instant) -> Result<Stamped, FreshnessError> {
        let patience = Duration::from_millis(self.inner.config.stamp_patience_ms);
        loop {
            match self.inner.registry.stamp(&passage.groups, &passage.token).await {
                Err(_) if committed.elapsed() < patience => sleep(PAUSE).await,
                outcome => return outcome,
            }
        }
    }

    /// Returns when no edge can answer with what was before. Until then the sweep has the write on its list, should this
    /// process die.
    async fn announce(
        &self,
        groups: &Groups,
        token: &str,
        stamped: Stamped,
        committed_at: SystemTime,
    ) -> Result<Told, FreshnessError> {
        let Stamped { holders, quarantine, .. } = stamped;
        if holders.is_empty() && quarantine.is_zero() {
            return Ok(Told::default());
        }
        self.inner.instruments.quarantined(quarantine);
        let announcement = Announcement { groups, holders, quarantine, committed_at };
        if sabotage::no_ack_wait() {
            // Broken on purpose: the edges are told, and nobody waits for what they say.
            let waiting = self.inner.announcer.announce(&self.inner.registry, announcement);
            return tokio::time::timeout(Duration::ZERO, waiting).await.unwrap_or(Ok(Told::default()));
        }
        let told = self.inner.announcer.announce(&self.inner.registry, announcement).await?;
        self.inner.instruments.told(told.acked, told.revoked);
        let (registry, token) = (self.inner.registry.clone(), token.to_owned());
        // Nobody need wait for it, and if it fails the write is announced once more.
        tokio::spawn(async move { registry.done(&token).await });
        Ok(told)
    }

    /// Goes on with a committed write that could not be finished in time; the sweep does when this process dies.
    async fn finish_later(self, passage: Passage) {
        while passage.since.elapsed() < self.inner.config.mark() {
            sleep(LONG_PAUSE).await;
            if self.finish_once(&passage.groups, passage.family, &passage.token).await.is_ok() {
                return;
            }
        }
    }

    /// Finishes a write of unknown outcome once its transaction cannot be alive any more.
    async fn finish_at_expiry(self, passage: Passage) {
        sleep(self.inner.config.mark().saturating_sub(passage.since.elapsed())).await;
        // If Redis is away for all of these, the sweep has it on its list.
        for _ in 0..10 {
            if self.finish_once(&passage.groups, passage.family, &passage.token).await.is_ok() {
                return;
            }
            sleep(LONG_PAUSE).await;
        }
    }

    /// Stamps and announces a write that nobody waits for.
    pub(crate) async fn finish_once(
        &self,
        groups: &Groups,
        family: &'static str,
        token: &str,
    ) -> Result<(), FreshnessError> {
        let stamped = self.inner.registry.stamp(groups, token).await?;
        self.inner.instruments.invalidated(family, stamped.entries);
        self.announce(groups, token, stamped, SystemTime::now()).await?;
        self.inner.instruments.swept.inc();
        Ok(())
    }
}

fn written<T>(value: T, finished: Finished) -> Written<T> {
    Written {
        value,
        entries_invalidated: finished.entries,
        edges_told: finished.told.acked,
        edges_revoked: finished.told.revoked,
        lag: finished.lag,
    }
}
