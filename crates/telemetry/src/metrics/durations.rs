//! Durations that lead from a bucket to a trace.
//!
//! `prometheus_client` has a histogram with exemplars; it takes a lock more for every observation, with or without one. This
//! one takes none for what nobody records: counters are atomics, and only a recorded trace looks for its bucket's exemplar, which
//! it leaves alone when somebody else holds it.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::SECONDS;

/// Bounds, and whatever is above the last.
const BUCKETS: usize = SECONDS.len() + 1;

/// The labels of one series.
pub trait SeriesLabels: Clone + Eq + Hash + Send + Sync + fmt::Debug + 'static {
    /// Calls `write` with the name and value of each, in the order in which they are shown.
    fn each(&self, write: &mut dyn FnMut(&'static str, &dyn fmt::Display));
}

/// A histogram of seconds for each set of labels, with the bounds of [`seconds_histogram`](super::seconds_histogram); each bucket
/// has, as its exemplar, the last recorded trace that fell into it. Clones share it.
#[derive(Debug)]
pub struct TracedDurations<L> {
    series: Arc<RwLock<HashMap<L, Arc<Series>>>>,
}

impl<L> Clone for TracedDurations<L> {
    fn clone(&self) -> Self {
        Self { series: Arc::clone(&self.series) }
    }
}

impl<L> Default for TracedDurations<L> {
    fn default() -> Self {
        Self { series: Arc::default() }
    }
}

impl<L: SeriesLabels> TracedDurations<L> {
    /// Counts one that took so long. `trace_id`, 32 hex digits, is that of a trace that is recorded: an exemplar leads there.
    pub fn observe(&self, labels: &L, took: Duration, trace_id: Option<&str>) {
        let seconds = took.as_secs_f64();
        if let Some(known) = self.series.read().unwrap_or_else(PoisonError::into_inner).get(labels) {
            return known.observe(seconds, trace_id);
        }
        self.begin(labels).observe(seconds, trace_id);
    }

    /// The series of these labels, for who counts in it again and again.
    #[must_use]
    pub fn series(&self, labels: &L) -> DurationSeries {
        DurationSeries(self.begin(labels))
    }

    fn begin(&self, labels: &L) -> Arc<Series> {
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(series.entry(labels.clone()).or_default())
    }
}

/// One series of [`TracedDurations`].
#[derive(Clone, Debug)]
pub struct DurationSeries(Arc<Series>);

impl DurationSeries {
    /// Counts one that took so long, of which no trace is recorded.
    pub fn observe(&self, took: Duration) {
        self.0.observe(took.as_secs_f64(), None);
    }
}

/// Something that writes its series itself.
pub(super) trait Family: Send {
    /// Appends all series in the OpenMetrics text format.
    fn encode(&self, head: &Head, text: &mut String) -> fmt::Result;
}

/// What all series of a family have in common.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) service: &'static str,
    /// With its unit.
    pub(super) name: String,
    pub(super) help: &'static str,
}

impl<L: SeriesLabels> Family for TracedDurations<L> {
    fn encode(&self, head: &Head, text: &mut String) -> fmt::Result {
        let Head { name, help, service } = head;
        writeln!(text, "# HELP {name} {help}.\n# TYPE {name} histogram\n# UNIT {name} seconds")?;
        // Whoever observes for the first time waits for this copy, not for the writing.
        let series: Vec<(L, Arc<Series>)> = {
            let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
            series.iter().map(|(labels, series)| (labels.clone(), Arc::clone(series))).collect()
        };
        for (labels, series) in series {
            let mut pairs = String::new();
            labels.each(&mut |name, value| push_label(&mut pairs, name, value));
            series.encode(name, service, &pairs, text)?;
        }
        Ok(())
    }
}

fn push_label(pairs: &mut String, name: &str, value: &dyn fmt::Display) {
    let escaped = value.to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    pairs.push_str(&format!(",{name}=\"{escaped}\""));
}

/// One histogram.
#[derive(Debug, Default)]
struct Series {
    buckets: [AtomicU64; BUCKETS],
    /// The bits of a double.
    sum: AtomicU64,
    exemplars: [Mutex<Option<Exemplar>>; BUCKETS],
}

#[derive(Clone, Copy, Debug)]
struct Exemplar {
    trace_id: u128,
    seconds: f64,
    at: SystemTime,
}

impl Series {
    fn observe(&self, seconds: f64, trace_id: Option<&str>) {
        let bucket = SECONDS.partition_point(|bound| *bound < seconds);
        if let Some(count) = self.buckets.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let add = |sum| Some((f64::from_bits(sum) + seconds).to_bits());
        // The closure always gives a value.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        if let Some(trace_id) = trace_id.and_then(|id| u128::from_str_radix(id, 16).ok())
            && let Some(Ok(mut exemplar)) = self.exemplars.get(bucket).map(Mutex::try_lock)
        {
            *exemplar = Some(Exemplar { trace_id, seconds, at: SystemTime::now() });
        }
    }

    fn encode(&self, name: &str, service: &str, labels: &str, text: &mut String) -> fmt::Result {
        let counts: Vec<u64> = self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let sum = f64::from_bits(self.sum.load(Ordering::Relaxed));
        let total: u64 = counts.iter().sum();
        writeln!(text, "{name}_sum{{service=\"{service}\"{labels}}} {sum:?}")?;
        writeln!(text, "{name}_count{{service=\"{service}\"{labels}}} {total}")?;
        let bounds = SECONDS.iter().map(|bound| format!("{bound:?}")).chain(["+Inf".to_owned()]);
        let mut below = 0;
        for ((bound, count), exemplar) in bounds.zip(counts).zip(&self.exemplars) {
            below += count;
            write!(text, "{name}_bucket{{service=\"{service}\",le=\"{bound}\"{labels}}} {below}")?;
            let exemplar = *exemplar.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Exemplar { trace_id, seconds, at }) = exemplar {
                let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
                write!(text, " # {{trace_id=\"{trace_id:032x}\"}} {seconds:?} {at:.3}")?;
            }
            text.push('\n');
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metrics, seconds_histogram};
    use super::*;
    use prometheus_client::encoding::EncodeLabelSet;
    use prometheus_client::metrics::family::Family as PlainFamily;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::registry::Unit;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
    struct Labels {
        method: &'static str,
        route: String,
        status: u16,
    }

    impl SeriesLabels for Labels {
        fn each(&self, write: &mut dyn FnMut(&'static str, &dyn fmt::Display)) {
            write("method", &self.method);
            write("route", &self.route);
            write("status", &self.status);
        }
    }

    fn labels(route: &str) -> Labels {
        Labels { method: "GET", route: route.to_owned(), status: 200 }
    }

    #[test]
    fn without_exemplars_it_reads_as_the_librarys_own_histogram() {
        let (ours, theirs) = (Metrics::new("catalog"), Metrics::new("catalog"));
        let traced = ours.traced_durations("request_duration", "How long requests took");
        let plain = PlainFamily::<Labels, Histogram>::new_with_constructor(seconds_histogram);
        theirs.register("request_duration", "How long requests took", Some(Unit::Seconds), plain.clone());
        for micros in [0, 999, 1000, 1001, 250_000, 10_000_000, 10_000_001, 70_000_000] {
            let took = Duration::from_micros(micros);
            traced.observe(&labels("/v1/\"quoted\"\\{id}"), took, None);
            plain.get_or_create(&labels("/v1/\"quoted\"\\{id}")).observe(took.as_secs_f64());
        }
        assert_eq!(ours.encode(), theirs.encode());
    }

    #[test]
    fn a_recorded_trace_is_the_exemplar_of_its_bucket_and_of_no_other() {
        let metrics = Metrics::new("catalog");
        let durations = metrics.traced_durations("request_duration", "How long requests took");
        durations.observe(&labels("/a"), Duration::from_millis(3), None);
        durations.observe(&labels("/a"), Duration::from_millis(30), Some("not a trace"));
        durations.observe(&labels("/a"), Duration::from_millis(700), Some(&"1".repeat(32)));
        durations.observe(&labels("/a"), Duration::from_millis(900), Some(TRACE));
        let text = metrics.encode();
        let with: Vec<&str> = text.lines().filter(|line| line.contains(" # {")).collect();
        let [line] = with.as_slice() else { panic!("{text}") };
        let start = format!(
            "request_duration_seconds_bucket{{service=\"catalog\",le=\"1.0\",method=\"GET\",route=\"/a\",status=\"200\"}} 4 \
             # {{trace_id=\"{TRACE}\"}} 0.9 "
        );
        assert!(line.starts_with(&start), "{line}");
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    }

    #[test]
    fn two_servers_of_one_process_count_into_one_family() {
        let metrics = Metrics::new("gateway");
        for _ in 0..2 {
            let durations = metrics.traced_durations("request_duration", "How long requests took");
            durations.observe(&labels("/a"), Duration::from_millis(3), None);
        }
        let text = metrics.encode();
        assert_eq!(text.matches("# TYPE request_duration_seconds histogram").count(), 1, "{text}");
        assert!(text.contains("request_duration_seconds_count{service=\"gateway\",method=\"GET\",route=\"/a\",status=\"200\"} 2"), "{text}");
    }
}
