//! Figures of one family, for people.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{Bypass, Source};

/// What this process knows of one family of answers. Counts are since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Entries in the local level.
    pub entries: u64,
    /// What they take, with expenses.
    pub bytes: u64,
    /// What they may take.
    pub max_bytes: u64,
    /// Reads answered by either level.
    pub hits: u64,
    /// Those of them answered by Redis.
    pub shared_hits: u64,
    /// Reads that loaded because nothing was kept.
    pub misses: u64,
    /// Reads that waited for the load of another.
    pub lease_waits: u64,
    /// Reads that loaded because nothing kept may be used: a write under way, no Redis, switched off.
    pub bypasses: u64,
    /// Entries that the local level gave up for room or age.
    pub evictions: u64,
    /// Age of the oldest entry in the local level.
    pub oldest: Option<Duration>,
}

/// Counts reads of a family.
#[derive(Debug, Default)]
pub(crate) struct ReadCounts {
    local: AtomicU64,
    shared: AtomicU64,
    loaded: AtomicU64,
    joined: AtomicU64,
    bypassed: AtomicU64,
}

impl ReadCounts {
    pub(crate) fn count(&self, source: Source) {
        let counter = match source {
            Source::Local => &self.local,
            Source::Shared => &self.shared,
            Source::Loaded => &self.loaded,
            Source::Joined => &self.joined,
            Source::Bypassed(Bypass::WriterInFlight | Bypass::Redis | Bypass::Disabled) => &self.bypassed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn write_to(&self, stats: &mut Stats) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        stats.shared_hits = read(&self.shared);
        stats.hits = read(&self.local) + stats.shared_hits;
        stats.misses = read(&self.loaded);
        stats.lease_waits = read(&self.joined);
        stats.bypasses = read(&self.bypassed);
    }
}
