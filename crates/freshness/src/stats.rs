//! Figures of one family, for people.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::{Bypass, Source};

/// What an answer is taken to need while there is none to measure: a thousand of them fill a family's share.
const EXPECTED_BYTES: u64 = 7 * 1024;

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

impl Stats {
    /// As people read them (C-A10).
    #[must_use]
    pub fn to_json(&self) -> Json {
        // The bound is in bytes; as a number of answers it depends on how large they are.
        let mean = self.bytes.checked_div(self.entries).filter(|mean| *mean > 0).unwrap_or(EXPECTED_BYTES);
        json!({
            "size": self.entries,
            "max_size": self.max_bytes / mean,
            "hits": self.hits,
            "misses": self.misses,
            "hit_rate": hit_rate(self.hits, self.misses),
            "bytes": self.bytes,
            "max_bytes": self.max_bytes,
            "evictions": self.evictions,
            "oldest_age_seconds": self.oldest.unwrap_or_default().as_secs(),
            "lease_waits": self.lease_waits,
        })
    }
}

/// As people read it: `83.5%`.
fn hit_rate(hits: u64, misses: u64) -> String {
    let asked = hits.saturating_add(misses).max(1);
    let permille = u128::from(hits) * 1000 / u128::from(asked);
    format!("{}.{}%", permille / 10, permille % 10)
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

#[cfg(test)]
mod tests {
    use super::hit_rate;

    #[test]
    fn a_rate_has_one_digit_behind_its_point() {
        assert_eq!(hit_rate(835, 165), "83.5%");
        assert_eq!(hit_rate(0, 0), "0.0%");
        assert_eq!(hit_rate(7, 0), "100.0%");
        assert_eq!(hit_rate(u64::MAX, 1), "100.0%");
    }
}
