//! The level in this process: bounded in bytes, a quota for each family. What lies here is used only after Redis has said that
//! its stamp is current, so it needs no invalidation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use moka::future::Cache;
use moka::notification::RemovalCause;

use crate::codec::Entry;
use crate::registry::Stamp;

/// What an entry costs beside its key and bytes: its places in the table, the queues and the sketch.
const EXPENSES: usize = 320;

/// A value with the stamp it was loaded under.
#[derive(Debug)]
pub(crate) struct LocalCopy {
    pub(crate) stamp: Stamp,
    pub(crate) entry: Entry,
}

/// What one family holds.
#[derive(Clone, Debug)]
pub(crate) struct LocalFamily {
    copies: Cache<String, Arc<LocalCopy>>,
    evictions: Arc<AtomicU64>,
    max_bytes: u64,
}

#[derive(Debug)]
pub(crate) struct Local {
    family_bytes: u64,
    longest_ttl: Duration,
    /// A std mutex: held for a look-up, never across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    left: u64,
    families: HashMap<&'static str, LocalFamily>,
}

impl Local {
    pub(crate) fn new(bytes: u64, family_bytes: u64, longest_ttl: Duration) -> Self {
        let state = Mutex::new(State { left: bytes, families: HashMap::new() });
        Self { family_bytes, longest_ttl, state }
    }

    /// The family of this name; one that comes when everything is given out holds nothing.
    pub(crate) fn family(&self, name: &'static str) -> LocalFamily {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(family) = state.families.get(name) {
            return family.clone();
        }
        let max_bytes = self.family_bytes.min(state.left);
        if max_bytes < self.family_bytes {
            tracing::warn!(family = name, max_bytes, "a family has less than its share of the local level");
        }
        state.left -= max_bytes;
        let family = LocalFamily::new(max_bytes, self.longest_ttl);
        state.families.insert(name, family.clone());
        family
    }

    /// All that were asked for.
    pub(crate) fn families(&self) -> Vec<(&'static str, LocalFamily)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.families.iter().map(|(name, family)| (*name, family.clone())).collect()
    }
}

impl LocalFamily {
    fn new(max_bytes: u64, longest_ttl: Duration) -> Self {
        let evictions = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&evictions);
        let copies = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|key: &String, copy: &Arc<LocalCopy>| weight(key, copy))
            .time_to_live(longest_ttl)
            .eviction_listener(move |_, _, cause| {
                if matches!(cause, RemovalCause::Size | RemovalCause::Expired) {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            })
            .build();
        Self { copies, evictions, max_bytes }
    }

    pub(crate) async fn get(&self, key: &str, now: SystemTime) -> Option<Arc<LocalCopy>> {
        self.copies.get(key).await.filter(|copy| copy.entry.is_alive(now))
    }

    pub(crate) async fn put(&self, key: &str, stamp: Stamp, entry: Entry) {
        if u64::try_from(entry.bytes.len()).is_ok_and(|bytes| bytes < self.max_bytes) {
            self.copies.insert(key.to_owned(), Arc::new(LocalCopy { stamp, entry })).await;
        }
    }

    /// Brings the figures below up to date.
    pub(crate) async fn settle(&self) {
        self.copies.run_pending_tasks().await;
    }

    pub(crate) fn entries(&self) -> u64 {
        self.copies.entry_count()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.copies.weighted_size()
    }

    pub(crate) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.evictions.load(Ordering::Relaxed)
    }

    /// Age of the oldest copy. Looks at every one.
    pub(crate) fn oldest(&self, now: SystemTime) -> Option<Duration> {
        let stored = self.copies.iter().map(|(_, copy)| copy.entry.stored_at).min();
        stored.map(|stored| now.duration_since(stored).unwrap_or_default())
    }
}

fn weight(key: &str, copy: &LocalCopy) -> u32 {
    u32::try_from(key.len() + copy.entry.bytes.len() + EXPENSES).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(60);

    fn stamp() -> Stamp {
        Stamp::from_bytes(&[b'a'; Stamp::BYTES]).unwrap()
    }

    fn entry(size: usize, now: SystemTime) -> Entry {
        Entry::new(vec![0; size].into(), TTL, None, now).unwrap()
    }

    #[tokio::test]
    async fn a_flood_stays_within_the_quota_of_its_family_and_leaves_others_alone() {
        let local = Local::new(300_000, 100_000, TTL);
        let now = SystemTime::now();
        let (calm, flooded) = (local.family("calm"), local.family("flooded"));
        calm.put("one", stamp(), entry(10, now)).await;
        for n in 0..2000 {
            flooded.put(&format!("key-{n}"), stamp(), entry(1000, now)).await;
        }
        flooded.settle().await;
        calm.settle().await;
        assert!(flooded.bytes() <= 100_000, "{}", flooded.bytes());
        assert!(flooded.entries() <= 75, "{}", flooded.entries());
        assert!(flooded.evictions() >= 1900, "{}", flooded.evictions());
        assert!(calm.get("one", now).await.is_some());
        assert_eq!((calm.entries(), calm.evictions()), (1, 0));
    }

    #[tokio::test]
    async fn all_families_together_have_what_was_given() {
        let local = Local::new(250, 100, TTL);
        let quotas = ["a", "b", "c", "d", "a"].map(|name| local.family(name).max_bytes());
        assert_eq!(quotas, [100, 100, 50, 0, 100]);
    }

    #[tokio::test]
    async fn a_copy_is_not_given_out_after_its_time() {
        let family = Local::new(100_000, 100_000, TTL).family("a");
        let now = SystemTime::now();
        family.put("key", stamp(), entry(10, now)).await;
        assert!(family.get("key", now).await.is_some());
        assert_eq!(family.oldest(now + Duration::from_secs(5)).map(|age| age.as_secs()), Some(5));
        assert!(family.get("key", now + TTL).await.is_none());
    }
}
