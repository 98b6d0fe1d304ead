//! Every instrument of the gateway itself; the server's own come from `http-server`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use http_edge::EdgeObserver;
use load_balance::State;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};

use crate::upstream::Upstream;

mod caching;

pub(crate) use caching::{CacheMetrics, CacheResult, DomainMetrics, RouteCacheMetrics};

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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamFailure {
    upstream: Arc<str>,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InstanceState {
    upstream: Arc<str>,
    instance: Arc<str>,
    state: &'static str,
}

impl InstanceState {
    /// The labels of every state an instance can be in.
    fn all((upstream, instance): &(Arc<str>, Arc<str>)) -> impl Iterator<Item = (&'static str, Self)> {
        State::NAMES.into_iter().map(move |state| {
            (state, Self { upstream: Arc::clone(upstream), instance: Arc::clone(instance), state })
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLoad {
    upstream: Arc<str>,
    kind: &'static str,
}

type Durations = Family<UpstreamAnswer, Histogram, fn() -> Histogram>;

/// Handles to all instruments; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct GatewayMetrics {
    duration: Durations,
    connections: Family<UpstreamState, Gauge>,
    rejections: Family<Reason, Counter>,
    retries: Family<Reason, Counter>,
    failures: Family<UpstreamFailure, Counter>,
    refused: Family<Reason, Counter>,
    connections_open: Gauge,
    connections_rejected: Family<Reason, Counter>,
    instances: Family<InstanceState, Gauge>,
    reloads: Family<Reason, Counter>,
    loads: Family<UpstreamLoad, Gauge>,
    /// What the cache does.
    pub(crate) cache: CacheMetrics,
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
                "Requests sent once more, by what happened to the try before",
                None,
                Family::default,
            ),
            failures: metrics.shared(
                "gateway_upstream_failures",
                "Tries that got no answer from an instance, by what went wrong",
                None,
                Family::default,
            ),
            refused: metrics.shared(
                "gateway_refused_messages",
                "Bytes that never became a request, by the rule of HTTP they broke",
                None,
                Family::default,
            ),
            connections_open: metrics.shared(
                "gateway_client_connections",
                "Open connections of clients",
                None,
                Gauge::default,
            ),
            connections_rejected: metrics.shared(
                "gateway_client_connections_rejected",
                "Connections of clients that were closed at once, by reason",
                None,
                Family::default,
            ),
            instances: metrics.shared(
                "gateway_upstream_instance_state",
                "1 for the state an instance is in",
                None,
                Family::default,
            ),
            reloads: metrics.shared(
                "gateway_configuration_reloads",
                "How often the configuration was read again, by outcome",
                None,
                Family::default,
            ),
            loads: metrics.shared(
                "gateway_upstream_load",
                "Requests under way at an upstream: all (request), those sent once more (retry), and how many of these may be",
                None,
                Family::default,
            ),
            cache: CacheMetrics::new(metrics),
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

    /// A try got no answer.
    pub(crate) fn upstream_failed(&self, upstream: &Arc<str>, reason: &'static str) {
        self.failures.get_or_create(&UpstreamFailure { upstream: Arc::clone(upstream), reason }).inc();
    }

    /// A message broke a rule of HTTP.
    pub(crate) fn refused(&self, rule: &'static str) {
        self.refused.get_or_create(&Reason { reason: rule }).inc();
    }

    pub(crate) fn reloaded(&self, outcome: &'static str) {
        self.reloads.get_or_create(&Reason { reason: outcome }).inc();
    }

    /// Says which state each instance is in, and nothing any more of those that are gone; called now and then with what
    /// it knew the last time.
    pub(crate) fn observe_instances(
        &self,
        upstreams: &[Arc<Upstream>],
        known: &mut BTreeSet<(Arc<str>, Arc<str>)>,
    ) {
        let now = std::time::Instant::now();
        let mut seen = BTreeSet::new();
        for upstream in upstreams {
            self.observe_load(upstream);
            for (instance, snapshot) in upstream.instances.iter().zip(upstream.balancer.snapshot(now)) {
                let key = (Arc::clone(&upstream.name), Arc::from(instance.authority.as_str()));
                for (state, labels) in InstanceState::all(&key) {
                    let is_it = snapshot.state.name() == state;
                    self.instances.get_or_create(&labels).set(i64::from(is_it));
                }
                seen.insert(key);
            }
        }
        for gone in known.difference(&seen) {
            for (_, labels) in InstanceState::all(gone) {
                self.instances.remove(&labels);
            }
        }
        *known = seen;
    }

    fn observe_load(&self, upstream: &Upstream) {
        let load = upstream.balancer.load();
        for (kind, number) in
            [("request", load.active), ("retry", load.retries), ("retry_limit", load.retry_limit)]
        {
            let labels = UpstreamLoad { upstream: Arc::clone(&upstream.name), kind };
            self.loads.get_or_create(&labels).set(i64::from(number));
        }
    }

    pub(crate) fn retried(&self, reason: &'static str) {
        self.retries.get_or_create(&Reason { reason }).inc();
    }
}

impl EdgeObserver for GatewayMetrics {
    fn connection_opened(&self, _tls: bool) {
        self.connections_open.inc();
    }

    fn connection_closed(&self) {
        self.connections_open.dec();
    }

    fn connection_rejected(&self, reason: &'static str) {
        self.connections_rejected.get_or_create(&Reason { reason }).inc();
    }
}
