//! What has been acknowledged: for every record and every model the newest version a writer was told of, and the reads that
//! fell short of it.
//!
//! A reader takes the figure before its request leaves, a writer raises it after its answer has come. Both are one atomic
//! operation, so that looking does not slow what is looked at.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Writes remembered of each record and model, to tell what happened around a stale answer.
const REMEMBERED: usize = 12;
/// Violations that are told in full; further ones are counted.
const TOLD: usize = 20;
/// Faults this long before and after a stale answer belong to its story.
const AROUND: Duration = Duration::from_secs(8);

/// One write, as its client saw it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WriteNote {
    pub(crate) what: String,
    pub(crate) through: String,
    /// Seconds since the start of the run.
    pub(crate) sent_at: f64,
    pub(crate) answered_at: f64,
    /// `acknowledged as 17`, or why not.
    pub(crate) outcome: String,
}

/// A stretch of time with a name: a fault, from when it was made to when it was undone.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Spell {
    pub(crate) what: String,
    pub(crate) from: f64,
    /// None while it lasts.
    pub(crate) to: Option<f64>,
}

/// A read that was answered with something older than what had been acknowledged before it began.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Violation {
    pub(crate) question: String,
    pub(crate) asked_by: &'static str,
    pub(crate) through: String,
    pub(crate) status: u16,
    pub(crate) acknowledged: u64,
    pub(crate) answered: u64,
    pub(crate) began_at: f64,
    pub(crate) ended_at: f64,
    pub(crate) cache_status: String,
    pub(crate) age: String,
    pub(crate) tag: String,
    pub(crate) presented: String,
    pub(crate) phase: String,
    pub(crate) writes: Vec<WriteNote>,
    pub(crate) faults: Vec<Spell>,
}

#[derive(Default)]
struct Slot {
    acknowledged: AtomicU64,
    /// Newest version that any answer showed: what a writer may build upon.
    seen: AtomicU64,
    writes: Mutex<VecDeque<WriteNote>>,
}

/// Everything that is known, by slot: models first, then records.
pub(crate) struct Ledger {
    start: Instant,
    slots: Vec<Slot>,
    stale: AtomicU64,
    violations: Mutex<Vec<Violation>>,
    spells: Mutex<Vec<Spell>>,
}

impl Ledger {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            start: Instant::now(),
            slots: (0..slots).map(|_| Slot::default()).collect(),
            stale: AtomicU64::new(0),
            violations: Mutex::default(),
            spells: Mutex::default(),
        }
    }

    /// Seconds since the start of the run.
    pub(crate) fn seconds(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.start).as_secs_f64()
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

    /// Begins a spell; its number is for [`Ledger::end`].
    pub(crate) fn begin(&self, what: impl Into<String>) -> usize {
        let mut spells = self.spells.lock().unwrap_or_else(PoisonError::into_inner);
        spells.push(Spell { what: what.into(), from: self.seconds(Instant::now()), to: None });
        spells.len() - 1
    }

    pub(crate) fn end(&self, spell: usize) {
        let now = self.seconds(Instant::now());
        if let Some(spell) = self.spells.lock().unwrap_or_else(PoisonError::into_inner).get_mut(spell) {
            spell.to = Some(now);
        }
    }

    /// Counts a stale answer, and keeps its story while there is room.
    pub(crate) fn accuse(&self, slot: usize, told: impl FnOnce() -> Violation) {
        self.stale.fetch_add(1, Ordering::SeqCst);
        let mut violations = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        if violations.len() >= TOLD {
            return;
        }
        let mut violation = told();
        if let Some(slot) = self.slots.get(slot) {
            let writes = slot.writes.lock().unwrap_or_else(PoisonError::into_inner);
            violation.writes = writes.iter().cloned().collect();
        }
        violation.faults = self.spells_around(violation.began_at, violation.ended_at);
        violations.push(violation);
    }

    fn spells_around(&self, from: f64, to: f64) -> Vec<Spell> {
        let around = AROUND.as_secs_f64();
        let spells = self.spells.lock().unwrap_or_else(PoisonError::into_inner);
        let near =
            |spell: &&Spell| spell.from <= to + around && spell.to.is_none_or(|ended| ended >= from - around);
        spells.iter().filter(near).cloned().collect()
    }

    pub(crate) fn stale(&self) -> u64 {
        self.stale.load(Ordering::SeqCst)
    }

    pub(crate) fn violations(&self) -> Vec<Violation> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn spells(&self) -> Vec<Spell> {
        self.spells.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Violation {
    /// The story of it, for people.
    pub(crate) fn story(&self) -> String {
        let mut text = format!(
            "{} by {} through {}: {} with version {} although {} had been acknowledged\n\
             \x20 asked at {:.3} s, answered at {:.3} s, during: {}\n\
             \x20 Cache-Status: {}   Age: {}   ETag: {}   If-None-Match: {}\n",
            self.question,
            self.asked_by,
            self.through,
            self.status,
            self.answered,
            self.acknowledged,
            self.began_at,
            self.ended_at,
            self.phase,
            or_dash(&self.cache_status),
            or_dash(&self.age),
            or_dash(&self.tag),
            or_dash(&self.presented),
        );
        for write in &self.writes {
            text.push_str(&format!(
                "  write  {:>9.3} – {:>9.3} s  {} through {}: {}\n",
                write.sent_at, write.answered_at, write.what, write.through, write.outcome
            ));
        }
        for fault in &self.faults {
            let to = fault.to.map_or_else(|| "…".to_owned(), |to| format!("{to:.3}"));
            text.push_str(&format!("  fault  {:>9.3} – {to:>9} s  {}\n", fault.from, fault.what));
        }
        text
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}
