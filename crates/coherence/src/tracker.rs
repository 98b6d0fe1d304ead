//! What an edge knows of one domain: the sequence of invalidations, the lease, and the groups.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::{self, Instant};
use crate::groups::Groups;
use crate::seal::Seal;
use crate::sync::AtomicU64;

/// `until` of a tracker that holds no lease: no instant is before it.
const NO_LEASE: u64 = 0;
/// `until` of a tracker that needs none: every instant is before it.
const FOR_EVER: u64 = u64::MAX;

/// A place in the sequence of invalidations: all with a number up to it were known when it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub(crate) u64);

/// Whether answers may be given from memory, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    /// There is none, or it ran out.
    None,
    /// There is one.
    Held {
        /// What is left of it.
        remaining: Duration,
    },
    /// The tracker answers without one.
    NotNeeded,
}

/// Keeps the counters of hot and of cold words on lines of their own.
#[repr(align(128))]
struct Line<T>(T);

/// The sequence of invalidations of one domain, its groups, and the lease it is answered under.
///
/// [`grant`](Self::grant), [`extend`](Self::extend) and [`lose`](Self::lose) are called by the one task that holds the
/// lease; everything else by anybody.
pub struct Tracker {
    /// Written by every invalidation, read once by every fetch.
    sequence: Line<AtomicU64>,
    hot: Line<Hot>,
    groups: Groups,
    leased: bool,
}

/// What every answer from memory reads.
struct Hot {
    /// The lease holds before this instant.
    until: AtomicU64,
    /// What was fetched before this is not current.
    floor: AtomicU64,
    /// The floor that the present lease began with; only to tell why.
    granted: AtomicU64,
}

impl Tracker {
    /// A tracker that may always answer: for a cache that no service governs.
    #[must_use]
    pub fn unleased() -> Arc<Self> {
        Arc::new(Self::new(false))
    }

    /// A tracker that may answer only while it holds a lease. It begins without.
    #[must_use]
    pub fn leased() -> Arc<Self> {
        Arc::new(Self::new(true))
    }

    pub(crate) fn new(leased: bool) -> Self {
        let until = AtomicU64::new(if leased { NO_LEASE } else { FOR_EVER });
        let hot = Hot { until, floor: AtomicU64::new(0), granted: AtomicU64::new(0) };
        Self { sequence: Line(AtomicU64::new(0)), hot: Line(hot), groups: Groups::new(), leased }
    }

    /// Whether a lease holds at `now`, which must not have been read before the request came that is to be answered.
    #[must_use]
    pub fn may_answer(&self, now: Instant) -> bool {
        // Acquire: whoever sees a lease must see the floor that was raised for it.
        now.as_nanos() < self.hot.0.until.load(Ordering::Acquire)
    }

    /// The moment of a fetch, to be taken before its request is sent; of a waiter, when it arrives. `None` without a lease.
    #[must_use]
    pub fn begin(&self, now: Instant) -> Option<Moment> {
        // Acquire: the request is sent after the invalidations that the number stands for.
        self.may_answer(now).then(|| Moment(self.sequence.0.load(Ordering::Acquire)))
    }

    /// The seal for an answer that was fetched at `fetched` and names `groups`. `None`: one of them was invalidated since, or
    /// may have been, or the lease was lost or changed hands; the answer may be passed on but not stored.
    #[must_use]
    pub fn admit(&self, fetched: Moment, groups: &[&str]) -> Option<Seal> {
        if !self.has_kept_lease_since(fetched) {
            return None;
        }
        let groups = groups.iter().map(|name| self.groups.unchanged_since(name, fetched.0));
        Some(Seal::new(fetched, groups.collect::<Option<_>>()?))
    }

    /// Whether a waiter that arrived at `joined` may have the answer of a fetch begun at `fetched`: no group of it was
    /// invalidated in between, and the lease held. May say no where yes were right (an invalidation after both).
    #[must_use]
    pub fn may_share(&self, fetched: Moment, joined: Moment, groups: &[&str]) -> bool {
        self.has_kept_lease_since(fetched.min(joined))
            && (fetched >= joined || groups.iter().all(|name| self.groups.invalidated(name) <= fetched.0))
    }

    /// Invalidates groups: once this returned, no seal of an earlier moment under one of them is current. Takes time by the
    /// number of groups named, whatever refers to them. Returns how many of them something is sealed under.
    pub fn invalidate(&self, groups: &[&str]) -> usize {
        let sequence = self.advance();
        groups.iter().filter(|name| self.groups.invalidate(name, sequence)).count()
    }

    /// Invalidates everything sealed or begun so far.
    pub fn invalidate_all(&self) {
        let sequence = self.advance();
        self.hot.0.floor.fetch_max(sequence, Ordering::Relaxed);
    }

    /// A lease of a new session holds until then. What was fetched before is not current any more: nothing is known of
    /// the invalidations that came between the sessions.
    pub fn grant(&self, until: Instant) {
        if !self.leased {
            return;
        }
        let sequence = self.advance();
        self.hot.0.granted.store(sequence, Ordering::Relaxed);
        self.hot.0.floor.fetch_max(sequence, Ordering::Relaxed);
        // After the floor, and releasing it: see `may_answer`.
        self.hot.0.until.swap(until.as_nanos(), Ordering::Release);
    }

    /// The lease of the same session holds until then, if that is later than known. One that was lost stays lost; one that
    /// only ran out goes on, since the registry says by renewing it that the session never ended.
    pub fn extend(&self, until: Instant) {
        if self.leased {
            let later = |held: u64| (held != NO_LEASE).then(|| held.max(until.as_nanos()));
            // A read-modify-write goes on with the release of `grant` and cannot undo a loss. An error: none to extend.
            let _lost = self.hot.0.until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
        }
    }

    /// The lease is gone: nothing is answered until the next [`grant`](Self::grant).
    pub fn lose(&self) {
        if self.leased {
            self.hot.0.until.swap(NO_LEASE, Ordering::Relaxed);
        }
    }

    /// Forgets groups that no seal refers to; returns how many. What was fetched before the last invalidation of one of
    /// them can then no longer be stored under any group that is new to its part of the map.
    ///
    /// Memory stays bounded without it (a part of the map that has doubled looks through itself); this gives back what a
    /// quiet cache no longer needs. Takes time by the number of groups known (some 20 ns for one that stays, a microsecond
    /// for one that goes), locking a part of them at a time.
    pub fn sweep(&self) -> usize {
        self.groups.sweep()
    }

    /// How many groups are known.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The lease, now.
    #[must_use]
    pub fn lease(&self) -> LeaseState {
        if !self.leased {
            return LeaseState::NotNeeded;
        }
        let until = Instant::from_nanos(self.hot.0.until.load(Ordering::Relaxed));
        match until.saturating_sub(clock::now()) {
            Duration::ZERO => LeaseState::None,
            remaining => LeaseState::Held { remaining },
        }
    }

    /// The number of the last invalidation or grant.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.sequence.0.load(Ordering::Relaxed)
    }

    /// What was fetched before this is not current. To be read after the lease.
    pub(crate) fn floor(&self) -> u64 {
        self.hot.0.floor.load(Ordering::Relaxed)
    }

    pub(crate) fn granted(&self) -> u64 {
        self.hot.0.granted.load(Ordering::Relaxed)
    }

    fn has_kept_lease_since(&self, moment: Moment) -> bool {
        // Relaxed: `begin` acquired the lease of a waiter's moment, and a seal is looked at again whenever it answers.
        self.hot.0.until.load(Ordering::Relaxed) != NO_LEASE && self.floor() <= moment.0
    }

    /// Begins an invalidation: a number above every moment taken so far. Release: who reads it reads on from after the write.
    fn advance(&self) -> u64 {
        self.sequence.0.fetch_add(1, Ordering::Release).saturating_add(1)
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("generation", &self.generation())
            .field("lease", &self.lease())
            .field("groups", &self.groups())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_nanos(1);

    #[test]
    fn an_answer_from_memory_takes_no_lock() {
        let tracker = Tracker::unleased();
        let fetched = tracker.begin(NOW).unwrap();
        let seal = tracker.admit(fetched, &["animals", "animals/42"]).unwrap();
        tracker.groups.while_locked(|| {
            assert!(tracker.may_answer(NOW));
            assert!(tracker.begin(NOW).is_some());
            assert!(seal.is_current(&tracker, NOW));
            assert_eq!(seal.why_not(&tracker, NOW), None);
        });
    }

    #[test]
    fn a_purge_writes_one_number_whatever_is_sealed_under_it() {
        let tracker = Tracker::unleased();
        let fetched = tracker.begin(NOW).unwrap();
        let seals: Vec<_> = (0..1_000_000)
            .map(|n| {
                let other = format!("foods/{}", n % 1000);
                tracker.admit(fetched, &[if n % 2 == 0 { "animals" } else { "foods" }, &other]).unwrap()
            })
            .collect();
        let before = tracker.generation();
        assert_eq!(tracker.invalidate(&["animals"]), 1);
        assert_eq!(tracker.groups.written_since(before), 1);
        assert_eq!(tracker.groups(), 1002);
        let stale = seals.iter().filter(|seal| !seal.is_current(&tracker, NOW)).count();
        assert_eq!(stale, 500_000);
    }

    #[test]
    fn what_every_answer_reads_is_not_beside_what_every_invalidation_writes() {
        let tracker = Tracker::new(true);
        let (sequence, hot) = (&raw const tracker.sequence, &raw const tracker.hot);
        assert!(sequence.addr().abs_diff(hot.addr()) >= 128);
    }
}
