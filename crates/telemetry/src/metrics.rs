//! Prometheus metrics of one process, in the OpenMetrics text format.

use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use prometheus_client;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

mod durations;

pub use durations::{DurationSeries, SeriesLabels, TracedDurations};
use durations::{Family, Head};

/// Content type of what [`Metrics::encode`] returns.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds: fine where an endpoint should be, up to where a client has given up.
const SECONDS: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The process's registry. Clones share it. Every metric carries the label `service`.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    service: &'static str,
    registry: Registry,
    families: Vec<(Head, Box<dyn Family>)>,
    shared: HashMap<&'static str, Box<dyn Any + Send>>,
}

impl Metrics {
    /// An empty registry for the named service.
    #[must_use]
    pub fn new(service: &'static str) -> Self {
        let labels = [(Cow::Borrowed("service"), Cow::Borrowed(service))];
        let registry = Registry::with_labels(labels.into_iter());
        let inner = Inner { service, registry, families: Vec::new(), shared: HashMap::new() };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Adds a metric. The unit's name is appended to `name`, and `_total` to a counter's: pass
    /// `http_server_request_duration` with [`Unit::Seconds`]. Help texts need no final stop. Metrics are shared
    /// values: keep a clone to write to. Registering a name twice prints it twice, so register once per process.
    pub fn register(
        &self,
        name: impl Into<String>,
        help: impl Into<String>,
        unit: Option<Unit>,
        metric: impl Metric,
    ) {
        register(&mut self.inner().registry, name.into(), help.into(), unit, metric);
    }

    /// As [`Metrics::register`], but a second call with the same name and type gives the metric of the first, so
    /// that two servers or two pools of one process count into one.
    pub fn shared<M: Metric + Clone>(
        &self,
        name: &'static str,
        help: &'static str,
        unit: Option<Unit>,
        make: impl FnOnce() -> M,
    ) -> M {
        let mut inner = self.inner();
        if let Some(known) = inner.shared.get(name).and_then(|known| known.downcast_ref::<M>()) {
            return known.clone();
        }
        let metric = make();
        inner.shared.insert(name, Box::new(metric.clone()));
        register(&mut inner.registry, name.to_owned(), help.to_owned(), unit, metric.clone());
        metric
    }

    /// Durations by labels, whose buckets lead to traces. A second call with the same name and labels gives those of the first.
    /// `_seconds` is appended to the name.
    pub fn traced_durations<L: SeriesLabels>(
        &self,
        name: &'static str,
        help: &'static str,
    ) -> TracedDurations<L> {
        let mut inner = self.inner();
        let known = inner.shared.get(name).and_then(|known| known.downcast_ref::<TracedDurations<L>>());
        if let Some(known) = known {
            return known.clone();
        }
        let durations = TracedDurations::default();
        let head = Head { service: inner.service, name: format!("{name}_seconds"), help };
        inner.shared.insert(name, Box::new(durations.clone()));
        inner.families.push((head, Box::new(durations.clone())));
        durations
    }

    /// All metrics as OpenMetrics text ([`CONTENT_TYPE`]), ending in `# EOF`.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        let inner = self.inner();
        let encoded = encode_registry(&mut text, &inner.registry)
            .and_then(|()| {
                inner.families.iter().try_for_each(|(head, family)| family.encode(head, &mut text))
            })
            .and_then(|()| encode_eof(&mut text));
        if let Err(error) = encoded {
            // Writing to a string cannot fail; a metric's own encoder can, and half an answer must not pass for one.
            tracing::error!(%error, "metrics could not be encoded");
            return String::new();
        }
        text
    }

    /// Registering and reading leave the registry whole at every step, so poison is ignored.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn register(registry: &mut Registry, name: String, help: String, unit: Option<Unit>, metric: impl Metric) {
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, metric),
        None => registry.register(name, help, metric),
    }
}

/// A histogram for durations in seconds, with bounds from 1 ms to 10 s.
#[must_use]
pub fn seconds_histogram() -> Histogram {
    Histogram::new(SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::counter::Counter;

    #[test]
    fn a_shared_metric_is_registered_once() {
        let metrics = Metrics::new("gateway");
        for _ in 0..2 {
            metrics.shared("calls", "Calls", None, Counter::<u64>::default).inc();
        }
        let text = metrics.encode();
        assert_eq!(text.matches("calls_total").count(), 1, "{text}");
        assert!(text.contains("calls_total{service=\"gateway\"} 2"), "{text}");
    }

    #[test]
    fn a_metric_carries_its_unit_and_the_service() {
        let metrics = Metrics::new("catalog");
        let taken = seconds_histogram();
        let seen: Counter = Counter::default();
        metrics.register("job_duration", "Time a job took", Some(Unit::Seconds), taken.clone());
        metrics.register("job_runs", "Jobs run", None, seen.clone());
        taken.observe(0.004);
        seen.inc();
        let text = metrics.clone().encode();
        assert!(text.contains("# UNIT job_duration_seconds seconds"), "{text}");
        assert!(text.contains(r#"job_duration_seconds_bucket{service="catalog",le="0.005"} 1"#), "{text}");
        assert!(text.contains(r#"job_runs_total{service="catalog"} 1"#), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
