//! Rate, errors and duration of requests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use telemetry::metrics::{DurationSeries, Metrics, SeriesLabels, TracedDurations};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Labels {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

impl SeriesLabels for Labels {
    fn each(&self, write: &mut dyn FnMut(&'static str, &dyn fmt::Display)) {
        write("method", &self.method);
        write("route", &self.route);
        write("status", &self.status);
    }
}

/// The instruments every server of a process shares: `http_server_request_duration_seconds` by method, route and status, with
/// recorded traces as exemplars, and `http_server_active_requests`.
#[derive(Clone)]
pub struct RequestMetrics {
    durations: TracedDurations<Labels>,
    active: Gauge,
}

impl RequestMetrics {
    /// The instruments of this registry; every call gives the same ones.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            durations: metrics.traced_durations(
                "http_server_request_duration",
                "Time from a request's head to its answer's head",
            ),
            active: metrics.shared("http_server_active_requests", "Requests in flight", None, Gauge::default),
        }
    }

    /// A request has come.
    pub fn begin(&self) {
        self.active.inc();
    }

    /// It has its answer's head, after so long. `method` comes from [`method_label`]; `route` is one of few; `trace_id` is that
    /// of a trace that is recorded.
    pub fn end(
        &self,
        method: &'static str,
        route: &Arc<str>,
        status: u16,
        took: Duration,
        trace_id: Option<&str>,
    ) {
        self.active.dec();
        let labels = Labels { method, route: Arc::clone(route), status };
        self.durations.observe(&labels, took, trace_id);
    }

    /// What [`end`](Self::end) counts with these labels, for who counts with the same again and again.
    #[must_use]
    pub fn series(&self, method: &'static str, route: &Arc<str>, status: u16) -> RequestSeries {
        RequestSeries(self.durations.series(&Labels { method, route: Arc::clone(route), status }))
    }
}

/// Requests of one method, route and status.
#[derive(Clone, Debug)]
pub struct RequestSeries(DurationSeries);

impl RequestSeries {
    /// Counts a request that took so long and was never seen as one in flight; its trace is not recorded.
    pub fn observe(&self, took: Duration) {
        self.0.observe(took);
    }
}

impl fmt::Debug for RequestMetrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RequestMetrics").finish_non_exhaustive()
    }
}

/// The method as a label: the ones in use, and one name for whatever else a client sends.
#[must_use]
pub fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("_OTHER")
}
