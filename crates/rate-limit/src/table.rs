//! The counts of all keys, in memory that is fixed from the start.
//!
//! A key is its 64-bit hash under a random seed, so nobody outside can choose which keys meet. The hash names a set of
//! fifteen places, each with its own lock. A key that is not in its set takes the place whose arrival time is least,
//! and *starts from that time* (the Space-Saving rule of Metwally et al.): if it lies in the past, the place held
//! nothing worth keeping; if not, the newcomer starts with what the former owner had spent. Either way a forgotten key
//! finds, when it comes back, no arrival time in its set that is earlier than its own was. So no flood of keys can win
//! back a unit.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::key::Key;

/// Places in a set: with its lock a set fills four cache lines.
const WAYS: usize = 15;

pub(crate) struct Table {
    seed: RandomState,
    sets: Box<[Set]>,
    crowded: AtomicU64,
}

#[repr(align(64))]
#[derive(Default)]
struct Set(Mutex<Places>);

#[derive(Default)]
struct Places {
    hashes: [u64; WAYS],
    arrivals: [u64; WAYS],
}

impl Table {
    /// A table with room for at least `keys`.
    pub(crate) fn new(keys: usize) -> Self {
        let sets = keys.div_ceil(WAYS).max(1);
        Self {
            seed: RandomState::new(),
            sets: (0..sets).map(|_| Set::default()).collect(),
            crowded: AtomicU64::new(0),
        }
    }

    /// How many keys have a place at most.
    pub(crate) fn places(&self) -> usize {
        self.sets.len().saturating_mul(WAYS)
    }

    /// How often a newcomer had to start with the count of another key.
    pub(crate) fn crowded(&self) -> u64 {
        self.crowded.load(Ordering::Relaxed)
    }

    /// Shows `decide` the arrival time of `key` at `now`, and keeps the new one it returns, if any.
    pub(crate) fn update<R>(
        &self,
        key: Key<'_>,
        now: u64,
        decide: impl FnOnce(u64) -> (R, Option<u64>),
    ) -> Option<R> {
        let hash = self.seed.hash_one(key);
        let mut places = self.lock(hash)?;
        let known = places.find(hash);
        let at = known.unwrap_or_else(|| places.least());
        let arrival = places.arrivals.get(at).copied()?;
        let (decision, spent) = decide(arrival);
        if let Some(after) = spent {
            places.put(at, hash, after);
            if known.is_none() && arrival > now {
                self.crowded.fetch_add(1, Ordering::Relaxed);
            }
        }
        Some(decision)
    }

    /// Changes the arrival time of `key` if it still has a place.
    pub(crate) fn amend(&self, key: Key<'_>, change: impl FnOnce(u64) -> u64) {
        let hash = self.seed.hash_one(key);
        let Some(mut places) = self.lock(hash) else { return };
        if let Some(at) = places.find(hash)
            && let Some(arrival) = places.arrivals.get_mut(at)
        {
            *arrival = change(*arrival);
        }
    }

    /// The set of `hash`, locked. There is one for every hash; the option only spares an index that could panic.
    fn lock(&self, hash: u64) -> Option<MutexGuard<'_, Places>> {
        let scaled = (u128::from(hash) * u128::try_from(self.sets.len()).ok()?) >> 64;
        let set = self.sets.get(usize::try_from(scaled).ok()?)?;
        // Nothing between two writes of a place can panic, so a poisoned lock guards whole places.
        Some(set.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Places {
    /// A place never used has hash 0 and an arrival time in the past: the key with that hash may have it.
    fn find(&self, hash: u64) -> Option<usize> {
        self.hashes.iter().position(|of| *of == hash)
    }

    fn least(&self) -> usize {
        self.arrivals.iter().enumerate().min_by_key(|(_, arrival)| **arrival).map_or(0, |(at, _)| at)
    }

    fn put(&mut self, at: usize, hash: u64, arrival: u64) {
        if let (Some(of), Some(then)) = (self.hashes.get_mut(at), self.arrivals.get_mut(at)) {
            (*of, *then) = (hash, arrival);
        }
    }
}
