//! What the domains of a run share: whether it goes on, what kind of time it is, and what happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::chronicle::Chronicle;
use super::parts::Domain;
use super::tally::Tally;

pub(crate) struct Stage {
    pub(crate) chronicle: Chronicle,
    /// By domain, in the order in which they are reported.
    tallies: Vec<(Domain, Arc<Tally>)>,
    now: Arc<AtomicUsize>,
    stopping: AtomicBool,
    pub(crate) stopped: Notify,
}

impl Stage {
    /// For these domains, and faults with these labels.
    pub(crate) fn new(domains: &[Domain], labels: &[String]) -> Self {
        let now = Arc::new(AtomicUsize::new(super::tally::RECOVERY));
        let tally = |domain: &Domain| (*domain, Arc::new(Tally::new(labels.to_vec(), Arc::clone(&now))));
        Self {
            chronicle: Chronicle::new(),
            tallies: domains.iter().map(tally).collect(),
            now,
            stopping: AtomicBool::new(false),
            stopped: Notify::new(),
        }
    }

    pub(crate) fn tallies(&self) -> &[(Domain, Arc<Tally>)] {
        &self.tallies
    }

    /// Where a domain counts; none when it is not checked.
    pub(crate) fn tally(&self, domain: Domain) -> Option<Arc<Tally>> {
        self.tallies.iter().find(|(one, _)| *one == domain).map(|(_, tally)| Arc::clone(tally))
    }

    pub(crate) fn enter(&self, phase: usize) {
        self.now.store(phase, Ordering::Relaxed);
    }

    /// The phase with this label.
    pub(crate) fn labelled(&self, label: &str) -> usize {
        self.tallies.first().map_or(super::tally::RECOVERY, |(_, tally)| tally.labelled(label))
    }

    /// A spell of this phase has lasted so long.
    pub(crate) fn lasted(&self, phase: usize, time: Duration) {
        for (_, tally) in &self.tallies {
            tally.phase(phase).lasted(time);
        }
    }

    /// Whether something stale was found in each domain.
    pub(crate) fn is_found_everywhere(&self) -> bool {
        self.tallies.iter().all(|(_, tally)| tally.stale() > 0)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stopped.notify_waiters();
    }

    pub(crate) fn seconds(&self, at: Instant) -> f64 {
        self.chronicle.seconds(at)
    }
}
