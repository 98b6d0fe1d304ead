//! What was counted, apart for calm, for recovery, and for every kind of fault.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;

use super::pool::Reply;
use super::scan;

/// Nothing is broken and nothing was a moment ago.
pub(crate) const CALM: usize = 0;
/// Nothing is broken any more; parts are still finding each other again.
pub(crate) const RECOVERY: usize = 1;

/// Steps of a histogram to one doubling: a figure is right to 9 %.
const STEPS: f64 = 8.0;
/// From 1 µs to an hour.
const BUCKETS: usize = 256;

/// Durations by size, counted without a lock.
pub(crate) struct Histogram(Vec<AtomicU64>);

impl Default for Histogram {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Histogram {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small number that is not negative"
    )]
    pub(crate) fn add(&self, duration: Duration) {
        let micros = (duration.as_secs_f64() * 1e6).max(1.0);
        let bucket = ((micros.log2() * STEPS) as usize).min(BUCKETS - 1);
        if let Some(count) = self.0.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn merge(&self, other: &Self) {
        for (mine, theirs) in self.0.iter().zip(&other.0) {
            mine.fetch_add(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The upper end of the step that `percent` of the values do not exceed; none when there are none.
    pub(crate) fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut below = 0;
        for (bucket, count) in self.0.iter().enumerate() {
            below += count.load(Ordering::Relaxed);
            if below >= rank {
                return Some(Duration::from_secs_f64(((bucket + 1) as f64 / STEPS).exp2() / 1e6));
            }
        }
        None
    }
}

/// One kind of time.
#[derive(Default)]
pub(crate) struct Phase {
    pub(crate) label: String,
    pub(crate) spells: AtomicU64,
    micros: AtomicU64,
    /// Answers that could be checked, through gateways and straight from the service.
    pub(crate) through_gateways: AtomicU64,
    pub(crate) direct: AtomicU64,
    /// Of those through gateways: answered from its memory, and how many 304 there were.
    pub(crate) hits: AtomicU64,
    pub(crate) not_modified: AtomicU64,
    pub(crate) hits_not_modified: AtomicU64,
    pub(crate) stale: AtomicU64,
    /// Reads that were answered with something else, or not at all.
    failed: Mutex<BTreeMap<String, u64>>,
    pub(crate) acknowledged: AtomicU64,
    /// Surely without effect.
    refused: Mutex<BTreeMap<String, u64>>,
    /// Perhaps with one.
    unknown: Mutex<BTreeMap<String, u64>>,
    pub(crate) write_latency: Histogram,
    pub(crate) read_latency: Histogram,
}

impl Phase {
    /// Counts an answer that could be checked.
    pub(crate) fn read(&self, through_gateway: bool, began: Instant, reply: &Reply) {
        if !through_gateway {
            self.direct.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.through_gateways.fetch_add(1, Ordering::Relaxed);
        self.read_latency.add(began.elapsed());
        let hit = scan::is_hit(reply.header("cache-status"));
        if hit {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        if reply.status == StatusCode::NOT_MODIFIED {
            self.not_modified.fetch_add(1, Ordering::Relaxed);
            if hit {
                self.hits_not_modified.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn read_failed(&self, how: impl Into<String>) {
        count(&self.failed, how.into());
    }

    pub(crate) fn write_refused(&self, how: impl Into<String>) {
        count(&self.refused, how.into());
    }

    pub(crate) fn write_unknown(&self, how: impl Into<String>) {
        count(&self.unknown, how.into());
    }

    pub(crate) fn failed(&self) -> BTreeMap<String, u64> {
        copy(&self.failed)
    }

    pub(crate) fn refused(&self) -> BTreeMap<String, u64> {
        copy(&self.refused)
    }

    pub(crate) fn unknown(&self) -> BTreeMap<String, u64> {
        copy(&self.unknown)
    }

    pub(crate) fn lasted(&self, duration: Duration) {
        self.spells.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.micros.load(Ordering::Relaxed) as f64 / 1e6
    }

    pub(crate) fn checked(&self) -> u64 {
        self.through_gateways.load(Ordering::Relaxed) + self.direct.load(Ordering::Relaxed)
    }

    /// Share of the answers through gateways that came from their memory, in percent.
    pub(crate) fn hit_rate(&self) -> Option<f64> {
        let all = self.through_gateways.load(Ordering::Relaxed);
        (all > 0).then(|| 100.0 * self.hits.load(Ordering::Relaxed) as f64 / all as f64)
    }

    fn merge(&self, other: &Self) {
        for (mine, theirs) in [
            (&self.spells, &other.spells),
            (&self.micros, &other.micros),
            (&self.through_gateways, &other.through_gateways),
            (&self.direct, &other.direct),
            (&self.hits, &other.hits),
            (&self.not_modified, &other.not_modified),
            (&self.hits_not_modified, &other.hits_not_modified),
            (&self.stale, &other.stale),
            (&self.acknowledged, &other.acknowledged),
        ] {
            mine.fetch_add(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        for (mine, theirs) in
            [(&self.failed, &other.failed), (&self.refused, &other.refused), (&self.unknown, &other.unknown)]
        {
            let mut mine = mine.lock().unwrap_or_else(PoisonError::into_inner);
            for (what, times) in copy(theirs) {
                *mine.entry(what).or_default() += times;
            }
        }
        self.write_latency.merge(&other.write_latency);
        self.read_latency.merge(&other.read_latency);
    }
}

fn count(counts: &Mutex<BTreeMap<String, u64>>, what: String) {
    *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
}

fn copy(counts: &Mutex<BTreeMap<String, u64>>) -> BTreeMap<String, u64> {
    counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// All kinds of time, and which of them it is now.
pub(crate) struct Tally {
    phases: Vec<Phase>,
    /// The same for all domains.
    now: Arc<AtomicUsize>,
    nothing: Phase,
}

impl Tally {
    /// Calm and recovery, and one for each of the labels.
    pub(crate) fn new(labels: impl IntoIterator<Item = String>, now: Arc<AtomicUsize>) -> Self {
        let labels = ["calm".to_owned(), "recovery".to_owned()].into_iter().chain(labels);
        let phases = labels.map(|label| Phase { label, ..Phase::default() }).collect();
        Self { phases, now, nothing: Phase::default() }
    }

    pub(crate) fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn phase(&self, number: usize) -> &Phase {
        self.phases.get(number).unwrap_or(&self.nothing)
    }

    /// Where something that took from one phase into another is counted: only what was calm from end to end is calm.
    pub(crate) fn over(&self, began: usize) -> &Phase {
        let ended = self.now();
        self.phase(if began == CALM { ended } else { began })
    }

    pub(crate) fn labelled(&self, label: &str) -> usize {
        self.phases.iter().position(|phase| phase.label == label).unwrap_or(RECOVERY)
    }

    /// Stale answers up to now.
    pub(crate) fn stale(&self) -> u64 {
        self.phases.iter().map(|phase| phase.stale.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// All phases together, or those that `belong`.
    pub(crate) fn total(&self, label: &str, belong: impl Fn(usize) -> bool) -> Phase {
        let total = Phase { label: label.to_owned(), ..Phase::default() };
        for (_, phase) in self.phases.iter().enumerate().filter(|(number, _)| belong(*number)) {
            total.merge(phase);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_right_to_a_tenth() {
        let histogram = Histogram::default();
        assert_eq!(histogram.percentile(50), None);
        for millis in 1..=100 {
            histogram.add(Duration::from_millis(millis));
        }
        let p50 = histogram.percentile(50).unwrap().as_secs_f64();
        let p99 = histogram.percentile(99).unwrap().as_secs_f64();
        assert!((0.050..0.056).contains(&p50), "{p50}");
        assert!((0.099..0.109).contains(&p99), "{p99}");
    }

    #[test]
    fn what_began_calm_and_ended_in_a_fault_counts_with_the_fault() {
        let now = Arc::new(AtomicUsize::new(CALM));
        let tally = Tally::new(["kill".to_owned()], Arc::clone(&now));
        let began = tally.now();
        now.store(tally.labelled("kill"), Ordering::Relaxed);
        assert_eq!(tally.over(began).label, "kill");
        let began = tally.now();
        now.store(CALM, Ordering::Relaxed);
        assert_eq!(tally.over(began).label, "kill");
    }
}
