//! Rate, errors and duration of requests.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

type Durations = Family<Labels, Histogram, fn() -> Histogram>;

/// The instruments every server of a process shares: `http_server_request_duration_seconds` by method, route and status, and
/// `http_server_active_requests`.
#[derive(Clone)]
pub struct RequestMetrics {
    durations: Durations,
    active: Gauge,
}

impl RequestMetrics {
    /// The instruments of this registry; every call gives the same ones.
    #[must_use]
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            durations: metrics.shared(
                "http_server_request_duration",
                "Time from a request's head to its answer's head",
                Some(Unit::Seconds),
                || Durations::new_with_constructor(seconds_histogram),
            ),
            active: metrics.shared("http_server_active_requests", "Requests in flight", None, Gauge::default),
        }
    }

    /// A request has come.
    pub fn begin(&self) {
        self.active.inc();
    }

    /// It has its answer's head, after so many seconds. `method` comes from [`method_label`]; `route` is one of few.
    pub fn end(&self, method: &'static str, route: &Arc<str>, status: u16, seconds: f64) {
        self.active.dec();
        let labels = Labels { method, route: Arc::clone(route), status };
        self.durations.get_or_create(&labels).observe(seconds);
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
