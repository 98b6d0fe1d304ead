//! What has been acknowledged: for every record and every model the newest version a writer was told of.
//!
//! A reader takes the figure before its request leaves, a writer raises it after its answer has come. Both are one atomic
//! operation, so that looking does not slow what is looked at.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::chronicle::WriteNote;

/// Writes remembered of each record and model, to tell what happened around a stale answer.
const REMEMBERED: usize = 12;

#[derive(Default)]
struct Slot {
    acknowledged: AtomicU64,
    /// Newest version that any answer showed: what a writer may build upon.
    seen: AtomicU64,
    writes: Mutex<VecDeque<WriteNote>>,
}

/// Everything that is known, by slot: models first, then records.
pub(crate) struct Ledger {
    slots: Vec<Slot>,
}

impl Ledger {
    pub(crate) fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| Slot::default()).collect() }
    }

    /// The newest version acknowledged up to now.
    pub(crate) fn floor(&self, slot: usize) -> u64 {
        self.slots.get(slot).map_or(0, |slot| slot.acknowledged.load(Ordering::SeqCst))
    }

    /// A writer has been told of this version.
    pub(crate) fn acknowledge(&self, slot: usize, version: u64) {
        if let Some(known) = self.slots.get(slot) {
            known.acknowledged.fetch_max(version, Ordering::SeqCst);
            known.seen.fetch_max(version, Ordering::Relaxed);
        }
    }

    /// An answer has shown this version.
    pub(crate) fn saw(&self, slot: usize, version: u64) {
        if let Some(known) = self.slots.get(slot) {
            known.seen.fetch_max(version, Ordering::Relaxed);
        }
    }

    pub(crate) fn newest(&self, slot: usize) -> u64 {
        self.slots.get(slot).map_or(0, |slot| slot.seen.load(Ordering::Relaxed))
    }

    pub(crate) fn note(&self, slot: usize, write: WriteNote) {
        if let Some(slot) = self.slots.get(slot) {
            let mut writes = slot.writes.lock().unwrap_or_else(PoisonError::into_inner);
            if writes.len() == REMEMBERED {
                writes.pop_front();
            }
            writes.push_back(write);
        }
    }

    /// The last writes of a record or model.
    pub(crate) fn writes(&self, slot: usize) -> Vec<WriteNote> {
        let writes = |slot: &Slot| {
            slot.writes.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
        };
        self.slots.get(slot).map(writes).unwrap_or_default()
    }
}
