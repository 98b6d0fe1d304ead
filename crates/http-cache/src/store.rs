//! Where answers are kept: a table bounded in bytes and in entries, that keeps what is asked for again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use coherence::clock::Instant;
use conditional::Coding;
use quick_cache::OptionsBuilder;
use quick_cache::sync::Cache;

use crate::key::{Key, KeyHasher, KeyRef};
use crate::policy::NotStored;
use crate::stored::{Encoded, Stored, allocated};

mod resource;
mod table;

pub use resource::Resource;
use table::{Displaced, Eviction, Weigh};

/// What an entry costs in the table: its slot, the place of the slot's number, free places that growth leaves, and its
/// share of what is remembered of evicted keys.
const TABLE_BYTES: usize = 128;
/// A lock for each so many changes at once.
const LOCKS: usize = 64;

/// The bounds of a [`Store`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory that all entries together may take.
    pub max_bytes: u64,
    /// Keys, at least 16.
    pub max_entries: u64,
    /// The largest body that is kept.
    pub max_object_bytes: u64,
    /// Variants of one key.
    pub max_variants: usize,
}

/// Counts of a [`Store`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStats {
    /// Keys.
    pub entries: u64,
    /// Memory they take.
    pub bytes: u64,
    /// Memory they may take.
    pub max_bytes: u64,
    /// Keys there may be.
    pub max_entries: u64,
    /// Answers stored since the start.
    pub inserts: u64,
    /// Keys that had to go for others since the start.
    pub evictions: u64,
}

/// A state of an address, read before its answer is asked for: what was asked for before an invalidation is not stored
/// after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

/// Answers by key. A look-up takes a shared lock of one part of the table for the time of the look-up.
#[derive(Debug)]
pub struct Store {
    table: Cache<Key, Arc<Resource>, Weigh, KeyHasher, Eviction>,
    /// Invalidations by hash of the address, whatever the class: more than one address may share a count, and then has to be
    /// fetched once more than needed.
    epochs: Box<[AtomicU64]>,
    /// A change reads, builds and writes; two of one key must not cross.
    locks: Box<[Mutex<()>]>,
    limits: Limits,
    least_weight: u64,
    inserts: AtomicU64,
    evictions: AtomicU64,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let limits = Limits {
            max_entries: limits.max_entries.max(16),
            max_variants: limits.max_variants.max(1),
            ..limits
        };
        let shards = table::shards(&limits);
        let capacity = limits.max_bytes.next_multiple_of(shards);
        let usual = usize::try_from((capacity / 2048).min(limits.max_entries)).unwrap_or(usize::MAX);
        let mut options = OptionsBuilder::new();
        options.shards(usize::try_from(shards).unwrap_or(1)).weight_capacity(capacity);
        // No shard may have more entries than its part of the bound, so `usual` must not make them fewer than asked.
        options.estimated_items_capacity(usual.max(32 * usize::try_from(shards).unwrap_or(1)));
        let table = table::build(&options, capacity);
        let epochs = (capacity / 1024).next_power_of_two().clamp(64, 32 * 1024);
        Self {
            table,
            epochs: (0..epochs).map(|_| AtomicU64::new(0)).collect(),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            least_weight: capacity.div_ceil(limits.max_entries),
            limits,
            inserts: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// What is kept under `key`. Whether an answer of it may be used is for the caller to judge, by its terms and its seal.
    #[must_use]
    pub fn get(&self, key: &KeyRef<'_>) -> Option<Arc<Resource>> {
        let resource = self.table.get(key)?;
        (resource.epoch() == self.epoch(key).0).then_some(resource)
    }

    /// The same without taking it for a use: for explanations.
    #[must_use]
    pub fn peek(&self, key: &KeyRef<'_>) -> Option<Arc<Resource>> {
        let resource = self.table.peek(key)?;
        (resource.epoch() == self.epoch(key).0).then_some(resource)
    }

    /// The state of the address, to be read before its answer is asked for.
    #[must_use]
    pub fn epoch(&self, key: &KeyRef<'_>) -> Epoch {
        Epoch(self.count(key).map_or(0, |count| count.load(Ordering::SeqCst)))
    }

    /// Keeps an answer that was asked for at `epoch`, in the place of the same variant if there is one. Variants that are not
    /// `live` any more make room; where there is none all the same, the oldest does. Returns how many live ones had to go.
    ///
    /// # Errors
    /// [`NotStored::Invalidated`] or [`NotStored::TooLarge`].
    pub fn put(
        &self,
        key: &KeyRef<'_>,
        epoch: Epoch,
        stored: Arc<Stored>,
        live: impl Fn(&Stored) -> bool,
    ) -> Result<usize, NotStored> {
        if u64::try_from(stored.body().len()).unwrap_or(u64::MAX) > self.limits.max_object_bytes {
            return Err(NotStored::TooLarge);
        }
        let _changing = self.lock(key);
        if self.epoch(key) != epoch {
            return Err(NotStored::Invalidated);
        }
        let before = self.peek(key).unwrap_or_default();
        let stays = |other: &&Arc<Stored>| {
            let same = other.variant() == stored.variant() && other.terms().vary == stored.terms().vary;
            !same && live(other)
        };
        let mut others: Vec<_> = before.variants().filter(stays).cloned().collect();
        let room = self.limits.max_variants.saturating_sub(1);
        let displaced = others.len().saturating_sub(room);
        others.truncate(room);
        let resource = Resource::new(std::iter::once(stored).chain(others), epoch.0);
        if !self.insert(key, resource) {
            return Err(NotStored::TooLarge);
        }
        self.inserts.fetch_add(1, Ordering::Relaxed);
        Ok(displaced)
    }

    /// Remembers until then that the answer of `key` cannot be stored, so that requests for it need not wait for one another.
    pub fn mark_uncacheable(&self, key: &KeyRef<'_>, until: Instant) {
        let _changing = self.lock(key);
        // The state first: an invalidation in between must not find the old answers under the new state.
        let epoch = self.epoch(key);
        let before = self.peek(key).unwrap_or_default();
        let marked = Resource::new(before.variants().cloned(), epoch.0).uncacheable(Some(until));
        self.insert(key, marked);
    }

    /// Keeps a coding of an answer that was found under `key`, and counts its memory. The first one made stays.
    pub fn set_coding<'s>(
        &self,
        key: &KeyRef<'_>,
        stored: &'s Arc<Stored>,
        coding: Coding,
        body: &Bytes,
    ) -> Option<&'s Encoded> {
        let kept = stored.set_coding(coding, body)?;
        let _changing = self.lock(key);
        if let Some(before) = self.peek(key).filter(|before| before.holds(stored)) {
            self.insert(key, Resource::clone(&before));
        }
        Some(kept)
    }

    /// Takes one variant away, if it is still there.
    pub fn remove_variant(&self, key: &KeyRef<'_>, stored: &Arc<Stored>) {
        let _changing = self.lock(key);
        let Some(before) = self.peek(key).filter(|before| before.holds(stored)) else { return };
        let others = before.variants().filter(|other| !Arc::ptr_eq(other, stored)).cloned();
        let after = Resource::new(others, before.epoch()).uncacheable(before.uncacheable_until());
        if after.is_empty() {
            self.table.remove(key);
        } else {
            self.insert(key, after);
        }
    }

    /// Takes away what is kept under this key alone. Whether there was something.
    pub fn remove(&self, key: &KeyRef<'_>) -> bool {
        let _changing = self.lock(key);
        self.table.remove(key).is_some()
    }

    /// Invalidates an address for all classes (RFC 9111 §4.4), in the same short time however many entries there are. An
    /// answer asked for before is not found afterwards, and not stored.
    pub fn invalidate(&self, key: &KeyRef<'_>) {
        if let Some(count) = self.count(key) {
            count.fetch_add(1, Ordering::SeqCst);
        }
        self.remove(key);
    }

    /// Makes the answers under this key stale. How many there are.
    pub fn expire(&self, key: &KeyRef<'_>) -> usize {
        let Some(resource) = self.peek(key) else { return 0 };
        resource.variants().map(|stored| stored.expire()).count()
    }

    /// Takes everything away, and what is being fetched will not be stored. How many keys there were.
    pub fn clear(&self) -> u64 {
        for count in &self.epochs {
            count.fetch_add(1, Ordering::SeqCst);
        }
        let entries = self.table.len();
        self.table.clear();
        u64::try_from(entries).unwrap_or(u64::MAX)
    }

    /// At most `limit` of the entries, in no order, for people to look at.
    #[must_use]
    pub fn sample(&self, limit: usize) -> Vec<(Key, Arc<Resource>)> {
        let current =
            |(key, resource): &(Key, Arc<Resource>)| resource.epoch() == self.epoch(&key.as_key_ref()).0;
        self.table.iter().filter(current).take(limit).collect()
    }

    /// The counts.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        StoreStats {
            entries: u64::try_from(self.table.len()).unwrap_or(u64::MAX),
            bytes: self.table.weight(),
            max_bytes: self.limits.max_bytes,
            max_entries: self.limits.max_entries,
            inserts: self.inserts.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }

    /// The bounds it was made with.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Puts a resource in its place and drops what had to go, after the table's lock. Whether it stayed.
    fn insert(&self, key: &KeyRef<'_>, resource: Resource) -> bool {
        let owned = key.to_key();
        let overhead = TABLE_BYTES + allocated(owned.heap_bytes());
        let resource = resource.weighed(overhead, self.least_weight);
        let mut displaced = Displaced::default();
        self.table.insert_with_lifecycle(owned, Arc::clone(&resource), &mut displaced);
        let (evicted, refused) = displaced.judge(key, &resource);
        self.evictions.fetch_add(evicted, Ordering::Relaxed);
        !refused
    }

    fn count(&self, key: &KeyRef<'_>) -> Option<&AtomicU64> {
        self.epochs.get(place(key, self.epochs.len()))
    }

    fn lock(&self, key: &KeyRef<'_>) -> Option<MutexGuard<'_, ()>> {
        // Nothing is guarded but the order of changes, so a panic elsewhere broke nothing.
        let lock = self.locks.get(place(key, self.locks.len()))?;
        Some(lock.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A place among `places`, a power of two, for an address.
fn place(key: &KeyRef<'_>, places: usize) -> usize {
    usize::try_from(key.address_hash() >> 32).unwrap_or_default() & (places - 1)
}

#[cfg(test)]
#[path = "store/tests.rs"]
mod tests;
