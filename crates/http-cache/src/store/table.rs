//! How the table is divided, what its entries weigh, and what becomes of those that have to go.

use std::sync::Arc;
use std::thread::available_parallelism;

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Lifecycle, OptionsBuilder, Weighter};

use super::{Limits, Resource};
use crate::key::{Key, KeyHasher, KeyRef};

/// Parts of the table: enough that threads seldom meet, few enough that a part holds several of the largest answers with
/// their codings. A power of two.
pub(super) fn shards(limits: &Limits) -> u64 {
    let threads = u64::try_from(available_parallelism().map_or(1, usize::from)).unwrap_or(1);
    let roomy = limits.max_bytes / limits.max_object_bytes.saturating_mul(8).max(1);
    let filled = limits.max_entries / 64;
    let most = roomy.min(filled).clamp(1, 1 << 10);
    (threads * 4).next_power_of_two().min(1 << most.ilog2())
}

/// The table. Options that cannot be: then one of a single part.
pub(super) fn build(
    options: &OptionsBuilder,
    capacity: u64,
) -> Cache<Key, Arc<Resource>, Weigh, KeyHasher, Eviction> {
    match options.build() {
        Ok(options) => Cache::with_options(options, Weigh, KeyHasher::default(), Eviction),
        Err(_) => Cache::with(32, capacity, Weigh, KeyHasher::default(), Eviction),
    }
}

/// The weight that the resource was given.
#[derive(Clone, Debug)]
pub(super) struct Weigh;

impl Weighter<Key, Arc<Resource>> for Weigh {
    fn weight(&self, _key: &Key, resource: &Arc<Resource>) -> u64 {
        resource.bytes()
    }
}

/// Collects what leaves the table, so that it is dropped after the lock.
#[derive(Clone, Debug)]
pub(super) struct Eviction;

/// What left the table in the course of one change.
#[derive(Debug, Default)]
pub(super) struct Displaced(Vec<(Key, Arc<Resource>)>);

impl Displaced {
    /// How many other keys had to go, and whether the new resource itself was refused for its size.
    pub(super) fn judge(&self, key: &KeyRef<'_>, new: &Arc<Resource>) -> (u64, bool) {
        let others = self.0.iter().filter(|(other, _)| !key.equivalent(other)).count();
        let refused = self.0.iter().any(|(_, resource)| Arc::ptr_eq(resource, new));
        (u64::try_from(others).unwrap_or(u64::MAX), refused)
    }
}

impl Lifecycle<Key, Arc<Resource>> for Eviction {
    type RequestState = Displaced;

    fn on_evict(&self, displaced: &mut Displaced, key: Key, resource: Arc<Resource>) {
        displaced.0.push((key, resource));
    }
}
