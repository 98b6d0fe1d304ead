//! Rate, errors and duration of requests.

use std::fmt;

use actix_web::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    method: &'static str,
    route: String,
    status: u16,
}

type Durations = Family<Labels, Histogram, fn() -> Histogram>;

/// The instruments every server of a process shares.
#[derive(Clone)]
pub(crate) struct RequestMetrics {
    durations: Durations,
    active: Gauge,
}

impl RequestMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
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

    pub(crate) fn begin(&self) {
        self.active.inc();
    }

    pub(crate) fn end(&self, method: &'static str, route: &str, status: u16, seconds: f64) {
        self.active.dec();
        let labels = Labels { method, route: route.to_owned(), status };
        self.durations.get_or_create(&labels).observe(seconds);
    }
}

impl fmt::Debug for RequestMetrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RequestMetrics").finish_non_exhaustive()
    }
}

/// The method as a label: the ones in use, and one name for whatever else a client sends.
pub(crate) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}
