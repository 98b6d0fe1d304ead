//! Every instrument of the gateway itself; the server's own come from `http-server`.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamAnswer {
    upstream: Arc<str>,
    /// `2xx` … `5xx`, or `failed` when there was no answer.
    status_class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamState {
    upstream: Arc<str>,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

type Durations = Family<UpstreamAnswer, Histogram, fn() -> Histogram>;

/// Handles to all instruments; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct GatewayMetrics {
    duration: Durations,
    connections: Family<UpstreamState, Gauge>,
    rejections: Family<Reason, Counter>,
    retries: Family<Reason, Counter>,
}

/// The connections to one upstream, over all workers.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionGauge {
    pub(crate) active: Gauge,
    pub(crate) idle: Gauge,
}

impl GatewayMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            duration: metrics.shared(
                "gateway_upstream_duration",
                "Time from sending a request to the head of its answer",
                Some(Unit::Seconds),
                || Durations::new_with_constructor(seconds_histogram),
            ),
            connections: metrics.shared(
                "gateway_upstream_connections",
                "Open connections to upstreams, carrying an exchange (active) or waiting for one (idle)",
                None,
                Family::default,
            ),
            rejections: metrics.shared(
                "gateway_rejections",
                "Requests the gateway answered itself with a problem, by its code",
                None,
                Family::default,
            ),
            retries: metrics.shared(
                "gateway_upstream_retries",
                "Requests sent once more on a fresh connection, by what happened to the first",
                None,
                Family::default,
            ),
        }
    }

    pub(crate) fn connections_of(&self, upstream: &str) -> ConnectionGauge {
        let of = |state| {
            self.connections.get_or_create_owned(&UpstreamState { upstream: Arc::from(upstream), state })
        };
        ConnectionGauge { active: of("active"), idle: of("idle") }
    }

    /// An answer's head came; `None`: none came.
    pub(crate) fn upstream_answered(&self, upstream: &Arc<str>, status: Option<u16>, took: Duration) {
        let status_class = match status.map(|status| status / 100) {
            Some(1) => "1xx",
            Some(2) => "2xx",
            Some(3) => "3xx",
            Some(4) => "4xx",
            Some(_) => "5xx",
            None => "failed",
        };
        let labels = UpstreamAnswer { upstream: Arc::clone(upstream), status_class };
        self.duration.get_or_create(&labels).observe(took.as_secs_f64());
    }

    pub(crate) fn rejected(&self, reason: &'static str) {
        self.rejections.get_or_create(&Reason { reason }).inc();
    }

    pub(crate) fn retried(&self, reason: &'static str) {
        self.retries.get_or_create(&Reason { reason }).inc();
    }
}
