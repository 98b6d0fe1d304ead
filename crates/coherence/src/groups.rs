//! The groups a tracker knows: interned by name, forgotten when no seal refers to them.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::sync::{Arc, AtomicU64, Mutex};

/// Enough that writers and fillers rarely meet. A power of two.
const SHARDS: usize = if cfg!(loom) { 1 } else { 64 };

/// A shard this small is not worth looking through.
const SMALL: usize = if cfg!(loom) { 1 } else { 256 };

/// What changes together, and the sequence number of its last invalidation.
///
/// `invalidated` is written only under the lock of the group's shard and read by seals without it.
pub(crate) struct Group {
    name: Box<str>,
    invalidated: AtomicU64,
}

impl Group {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The sequence number of the last invalidation that is visible here.
    ///
    /// Relaxed: only the number is read, nothing behind it. Whoever must see an invalidation learnt of it by a message that
    /// was sent after the store, and a load that happens after a store cannot return what was there before it.
    pub(crate) fn invalidated(&self) -> u64 {
        self.invalidated.load(Ordering::Relaxed)
    }

    /// Memory a group takes, with its place in the map.
    pub(crate) fn bytes(&self) -> usize {
        /// Counts of the `Arc`, the slot of the set at its usual load, and what the allocator adds to two allocations.
        const OVERHEAD: usize = 2 * size_of::<usize>() + 2 * size_of::<usize>() + 16;
        size_of::<Self>() + OVERHEAD + self.name.len()
    }
}

/// A group found by its name.
struct ByName(Arc<Group>);

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        &self.0.name
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName {}

struct Shard {
    known: HashSet<ByName>,
    /// No group of this shard that is not in `known` was invalidated later than this.
    forgotten: u64,
    /// Look for groups to forget when there are this many.
    sweep_at: usize,
}

impl Shard {
    fn new() -> Self {
        Self { known: HashSet::new(), forgotten: 0, sweep_at: SMALL }
    }

    /// When the group was last invalidated, or no later than when.
    fn invalidated(&self, name: &str) -> u64 {
        self.known.get(name).map_or(self.forgotten, |group| group.0.invalidated())
    }

    /// To be called before a group is interned: it may raise `forgotten`.
    fn make_room(&mut self) {
        if self.known.len() >= self.sweep_at {
            self.forget();
        }
    }

    fn intern(&mut self, name: &str, invalidated: u64) -> Arc<Group> {
        let group = Arc::new(Group { name: name.into(), invalidated: AtomicU64::new(invalidated) });
        self.known.insert(ByName(Arc::clone(&group)));
        group
    }

    /// Forgets groups that only the map refers to. Their number cannot change meanwhile: a new reference comes from the map,
    /// whose lock is held, or from a seal, which would be a reference itself.
    fn forget(&mut self) -> usize {
        let before = self.known.len();
        let forgotten = &mut self.forgotten;
        self.known.retain(|group| {
            let referred_to = Arc::strong_count(&group.0) > 1;
            if !referred_to {
                *forgotten = (*forgotten).max(group.0.invalidated());
            }
            referred_to
        });
        let left = self.known.len();
        // Twice what is left: the work of looking through is paid for by as many groups that came since.
        self.sweep_at = SMALL.max(left.saturating_mul(2));
        if self.known.capacity() > self.sweep_at.saturating_mul(2) {
            self.known.shrink_to(self.sweep_at);
        }
        before - left
    }
}

/// All groups of a tracker.
pub(crate) struct Groups {
    /// All shards but one, so that a look-up that finds none still has a shard to go to.
    shards: Box<[Mutex<Shard>]>,
    last: Mutex<Shard>,
    hasher: RandomState,
}

impl Groups {
    pub(crate) fn new() -> Self {
        let shards = (1..SHARDS).map(|_| Mutex::new(Shard::new())).collect();
        Self { shards, last: Mutex::new(Shard::new()), hasher: RandomState::new() }
    }

    /// The group, if it is certain that nothing invalidated it after `moment`.
    pub(crate) fn unchanged_since(&self, name: &str, moment: u64) -> Option<Arc<Group>> {
        self.with_shard(name, |shard| {
            if let Some(group) = shard.known.get(name) {
                return (group.0.invalidated() <= moment).then(|| Arc::clone(&group.0));
            }
            shard.make_room();
            (shard.forgotten <= moment).then(|| shard.intern(name, shard.forgotten))
        })
    }

    /// When the group was last invalidated, or no later than when.
    pub(crate) fn invalidated(&self, name: &str) -> u64 {
        self.with_shard(name, |shard| shard.invalidated(name))
    }

    /// Notes that the group was invalidated at `sequence`; whether anything refers to it.
    pub(crate) fn invalidate(&self, name: &str, sequence: u64) -> bool {
        self.with_shard(name, |shard| {
            if let Some(group) = shard.known.get(name) {
                group.0.invalidated.fetch_max(sequence, Ordering::Relaxed);
                return Arc::strong_count(&group.0) > 1;
            }
            // A fetch may be under way whose answer will name it: it is remembered until it is swept.
            shard.make_room();
            shard.intern(name, sequence);
            false
        })
    }

    pub(crate) fn sweep(&self) -> usize {
        self.shards().map(|shard| locked(shard, Shard::forget)).sum()
    }

    pub(crate) fn len(&self) -> usize {
        self.shards().map(|shard| locked(shard, |shard| shard.known.len())).sum()
    }

    fn shards(&self) -> impl Iterator<Item = &Mutex<Shard>> {
        self.shards.iter().chain([&self.last])
    }

    fn with_shard<T>(&self, name: &str, job: impl FnOnce(&mut Shard) -> T) -> T {
        let index = usize::try_from(self.hasher.hash_one(name) % SHARDS as u64).unwrap_or_default();
        locked(self.shards.get(index).unwrap_or(&self.last), job)
    }
}

fn locked<T>(shard: &Mutex<Shard>, job: impl FnOnce(&mut Shard) -> T) -> T {
    // No job leaves a shard half done: one that a panic passed through is as good as any.
    job(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    impl Groups {
        /// Does `job` while nobody can take a lock.
        pub(crate) fn while_locked<T>(&self, job: impl FnOnce() -> T) -> T {
            let locks: Vec<_> =
                self.shards().map(|s| s.lock().unwrap_or_else(PoisonError::into_inner)).collect();
            let done = job();
            drop(locks);
            done
        }

        /// The groups that were invalidated after `sequence`.
        pub(crate) fn written_since(&self, sequence: u64) -> usize {
            let count =
                |shard: &mut Shard| shard.known.iter().filter(|g| g.0.invalidated() > sequence).count();
            self.shards().map(|shard| locked(shard, count)).sum()
        }

        /// How many groups there is room for without another allocation.
        pub(crate) fn capacity(&self) -> usize {
            self.shards().map(|shard| locked(shard, |shard| shard.known.capacity())).sum()
        }
    }

    #[test]
    fn a_forgotten_group_comes_back_as_old_as_the_last_of_its_shard() {
        let groups = Groups::new();
        assert!(!groups.invalidate("animals/1", 7));
        assert_eq!((groups.sweep(), groups.len()), (1, 0));
        assert_eq!(groups.invalidated("animals/1"), 7);
        assert!(groups.unchanged_since("animals/1", 6).is_none());
        assert_eq!(groups.unchanged_since("animals/1", 7).unwrap().invalidated(), 7);
    }

    #[test]
    fn a_group_that_is_referred_to_is_not_forgotten() {
        let groups = Groups::new();
        let held = groups.unchanged_since("animals", 0).unwrap();
        assert_eq!((groups.sweep(), groups.len()), (0, 1));
        assert!(groups.invalidate("animals", 1));
        assert_eq!(held.invalidated(), 1);
        drop(held);
        assert_eq!((groups.sweep(), groups.len()), (1, 0));
    }

    #[test]
    fn an_invalidation_that_comes_late_does_not_go_back() {
        let groups = Groups::new();
        groups.invalidate("animals", 9);
        groups.invalidate("animals", 8);
        assert_eq!(groups.invalidated("animals"), 9);
    }

    #[test]
    fn room_is_made_and_given_back() {
        let groups = Groups::new();
        let bound = SHARDS * SMALL;
        for n in 0..4 * bound {
            groups.invalidate(&format!("animals/{n}"), 1);
            assert!(n % 1024 != 0 || groups.len() <= bound);
        }
        let held: Vec<_> =
            (0..4 * bound).map(|n| groups.unchanged_since(&format!("animals/{n}"), 1).unwrap()).collect();
        assert!(groups.len() >= held.len());
        drop(held);
        groups.sweep();
        assert_eq!(groups.len(), 0);
        assert!(groups.capacity() <= 4 * bound, "{}", groups.capacity());
    }
}
