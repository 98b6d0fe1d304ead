//! What happened and when: the faults of a run, and the reads that fell short of what had been acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

/// Violations of each domain that are told in full; further ones are counted.
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
    pub(crate) domain: &'static str,
    pub(crate) question: String,
    pub(crate) asked_by: String,
    pub(crate) through: String,
    pub(crate) status: u16,
    /// What it showed, and what it should have shown.
    pub(crate) finding: String,
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

/// All of it, of every domain that is checked.
pub(crate) struct Chronicle {
    start: Instant,
    stale: AtomicU64,
    violations: Mutex<Vec<Violation>>,
    spells: Mutex<Vec<Spell>>,
}

impl Chronicle {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            stale: AtomicU64::new(0),
            violations: Mutex::default(),
            spells: Mutex::default(),
        }
    }

    /// Seconds since the start of the run.
    pub(crate) fn seconds(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.start).as_secs_f64()
    }

    /// Begins a spell; its number is for [`Chronicle::end`].
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
    pub(crate) fn accuse(&self, domain: &'static str, told: impl FnOnce() -> Violation) {
        self.stale.fetch_add(1, Ordering::SeqCst);
        let mut violations = self.violations.lock().unwrap_or_else(PoisonError::into_inner);
        if violations.iter().filter(|violation| violation.domain == domain).count() >= TOLD {
            return;
        }
        let mut violation = told();
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
            "{} by {} through {}: {} {}\n\
             \x20 asked at {:.3} s, answered at {:.3} s, during: {}\n\
             \x20 Cache-Status: {}   Age: {}   ETag: {}   If-None-Match: {}\n",
            self.question,
            self.asked_by,
            self.through,
            self.status,
            self.finding,
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
