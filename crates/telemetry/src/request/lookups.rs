//! What came of looking into the cache that a service's replicas share.

use std::sync::atomic::{AtomicU64, Ordering};

/// How one look-up ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// With an answer that is kept.
    Hit,
    /// With nothing: it was loaded.
    Miss,
    /// With another's load, which was waited for.
    Wait,
    /// With nothing that may be used, because a write is under way.
    Bypass,
    /// Without the store, which did not answer.
    Unreachable,
}

/// How many ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// [`Lookup::Hit`].
    pub hits: u64,
    /// [`Lookup::Miss`].
    pub misses: u64,
    /// [`Lookup::Wait`].
    pub waits: u64,
    /// [`Lookup::Bypass`].
    pub bypasses: u64,
    /// [`Lookup::Unreachable`].
    pub unreachable: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    waits: AtomicU64,
    bypasses: AtomicU64,
    unreachable: AtomicU64,
}

impl Counts {
    pub(super) fn add(&self, lookup: Lookup) {
        let count = match lookup {
            Lookup::Hit => &self.hits,
            Lookup::Miss => &self.misses,
            Lookup::Wait => &self.waits,
            Lookup::Bypass => &self.bypasses,
            Lookup::Unreachable => &self.unreachable,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Lookups {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Lookups {
            hits: read(&self.hits),
            misses: read(&self.misses),
            waits: read(&self.waits),
            bypasses: read(&self.bypasses),
            unreachable: read(&self.unreachable),
        }
    }
}
