//! How long polls take: a histogram that costs a poll a few nanoseconds, since every thread writes into one of its own.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use telemetry::metrics::Metrics;

use crate::stall::Task;

/// Upper bounds in nanoseconds: from a poll that only looks to one that everybody feels.
const BOUNDS: [u64; 10] = [
    10_000,
    50_000,
    100_000,
    500_000,
    1_000_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    1_000_000_000,
];
const BUCKETS: usize = BOUNDS.len() + 1;

/// What is told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Class {
    Request,
    Job,
}

impl Class {
    const ALL: [(Self, &'static str); 2] = [(Self::Request, "request"), (Self::Job, "job")];

    #[inline]
    pub(crate) fn of(task: &Task) -> Self {
        match task {
            Task::Request { .. } => Self::Request,
            Task::Job(_) => Self::Job,
        }
    }
}

/// What one thread counted of one class.
#[derive(Debug, Default)]
struct Counts {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

/// What one thread counted.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    request: Counts,
    job: Counts,
}

/// A thread's shards, one for each histogram that it ever wrote to: most often one.
#[derive(Debug, Default)]
pub(crate) struct Shards(RefCell<Vec<(usize, Arc<Shard>)>>);

/// `runtime_poll_duration_seconds` by class.
#[derive(Clone)]
pub(crate) struct PollTimes(Arc<Mutex<Vec<Arc<Shard>>>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    task: &'static str,
}

/// Only the thread that owns a shard adds to it, so nothing is lost between the two steps.
#[inline]
fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

impl PollTimes {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        metrics.shared(
            "runtime_poll_duration",
            "Time that one poll of a watched task held its thread",
            Some(Unit::Seconds),
            || Self(Arc::default()),
        )
    }

    #[inline]
    pub(crate) fn observe(&self, shards: &Shards, class: Class, took: Duration) {
        let key = Arc::as_ptr(&self.0).addr();
        let known = shards.0.borrow();
        match known.iter().find(|(known, _)| *known == key) {
            Some((_, shard)) => shard.observe(class, took),
            None => {
                drop(known);
                let shard = self.enter(shards, key);
                shard.observe(class, took);
            }
        }
    }

    #[cold]
    fn enter(&self, shards: &Shards, key: usize) -> Arc<Shard> {
        let shard = Arc::new(Shard::default());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&shard));
        let mut known = shards.0.borrow_mut();
        // A histogram that is gone had no other owner; its address may come again.
        known.retain(|(_, shard)| Arc::strong_count(shard) > 1);
        known.push((key, Arc::clone(&shard)));
        shard
    }

    /// All shards together: the buckets, each without those below it, and the sum.
    fn sum(&self, class: Class) -> ([u64; BUCKETS], u64) {
        let mut sums = [0; BUCKETS];
        let mut nanos = 0_u64;
        for shard in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let counts = shard.of(class);
            for (sum, bucket) in sums.iter_mut().zip(&counts.buckets) {
                *sum += bucket.load(Ordering::Relaxed);
            }
            nanos = nanos.wrapping_add(counts.nanos.load(Ordering::Relaxed));
        }
        (sums, nanos)
    }
}

impl Shard {
    fn of(&self, class: Class) -> &Counts {
        match class {
            Class::Request => &self.request,
            Class::Job => &self.job,
        }
    }

    #[inline]
    fn observe(&self, class: Class, took: Duration) {
        let counts = self.of(class);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().take_while(|bound| nanos > **bound).count();
        if let Some(bucket) = counts.buckets.get(bucket) {
            add(bucket, 1);
        }
        add(&counts.nanos, nanos);
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds in metrics are floating point")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

impl EncodeMetric for PollTimes {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (class, name) in Class::ALL {
            let (sums, nanos) = self.sum(class);
            let bounds = BOUNDS.into_iter().map(seconds).chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(sums).collect();
            let labels = Labels { task: name };
            let mut family = encoder.encode_family(&labels)?;
            family.encode_histogram::<NoLabelSet>(seconds(nanos), sums.iter().sum(), &buckets, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl fmt::Debug for PollTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollTimes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_count_for_themselves_and_are_read_together() {
        let metrics = Metrics::new("test");
        let times = PollTimes::new(&metrics);
        let count = |times: PollTimes| {
            let shards = Shards::default();
            for micros in [9, 10, 11, 2_000_000] {
                times.observe(&shards, Class::Request, Duration::from_micros(micros));
            }
        };
        let other = times.clone();
        std::thread::spawn(move || count(other)).join().unwrap();
        count(times);
        let text = metrics.encode();
        for line in [
            r#"runtime_poll_duration_seconds_bucket{service="test",le="0.00001",task="request"} 4"#,
            r#"runtime_poll_duration_seconds_bucket{service="test",le="0.00005",task="request"} 6"#,
            r#"runtime_poll_duration_seconds_bucket{service="test",le="1.0",task="request"} 6"#,
            r#"runtime_poll_duration_seconds_bucket{service="test",le="+Inf",task="request"} 8"#,
            r#"runtime_poll_duration_seconds_count{service="test",task="job"} 0"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
