//! One configuration in working order: what all workers share. Nothing in it changes while it is in use; another
//! configuration is another [`Gateway`].

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http_client::{Client, ClientConfig};
use http_server::RequestMetrics;
use identity::Verifier;
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;

use coherence::Tracker;

use crate::app::StartError;
use crate::cache::Cache;
use crate::config::{Config, ConfigError, Faults, UpstreamConfig, written};
use crate::cors::Cors;
use crate::docs::{Docs, DocumentSource};
use crate::forward::Network;
use crate::limits::{Concurrency, RateLimits};
use crate::metrics::GatewayMetrics;
use crate::route::{Route, build_router};
use crate::routing::{Matched, Router};
use crate::upstream::Upstream;

/// What all workers share.
pub struct Gateway {
    pub(crate) router: Router<Arc<Route>>,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) metrics: GatewayMetrics,
    pub(crate) requests: RequestMetrics,
    pub(crate) slow_request: Duration,
    pub(crate) sample_ratio: f64,
    pub(crate) stalls: StallDetector,
    pub(crate) docs: Docs,
    pub(crate) docs_enabled: bool,
    pub(crate) concurrency: Concurrency,
    pub(crate) rate_limits: RateLimits,
    pub(crate) cors: Option<Cors>,
    /// Handed on from one configuration to the next, unless its bounds change.
    pub(crate) cache: Option<Arc<Cache>>,
    /// Who knows of writes, of each upstream.
    trackers: Vec<Arc<Tracker>>,
    trusted: Vec<Network>,
}

impl Gateway {
    /// Checks that the parts of a configuration fit together and builds what runs.
    ///
    /// # Errors
    /// [`StartError::Config`] with every fault; [`StartError::Client`] when TLS cannot be set up.
    pub fn build(config: &Config, metrics: &Metrics) -> Result<Arc<Self>, StartError> {
        Self::succeed(config, metrics, None)
    }

    /// As [`Gateway::build`], for a configuration that takes over from `previous`: upstreams that have not changed stay,
    /// what is known of instances and clients is kept.
    ///
    /// # Errors
    /// As [`Gateway::build`].
    pub(crate) fn succeed(
        config: &Config,
        metrics: &Metrics,
        previous: Option<&Self>,
    ) -> Result<Arc<Self>, StartError> {
        let mut faults = Faults::default();
        let upstreams: Vec<Arc<Upstream>> = config
            .upstreams
            .iter()
            .map(|(name, upstream)| keep_or_build(name, upstream, previous, &mut faults))
            .collect();
        let router = build_router(config, &mut faults);
        let trusted = read_trusted(config, &mut faults);
        let rate_limits =
            RateLimits::build(config, &mut faults, previous.map(|previous| &previous.rate_limits));
        check_listeners(config, &mut faults);
        note(&mut faults, "http", config.http.faults());
        note(&mut faults, "cors", config.cors.iter().flat_map(|cors| cors.faults()));
        note(&mut faults, "identity", config.identity.iter().flat_map(identity::IdentityConfig::faults));
        let previous_cache = previous.and_then(|previous| previous.cache.as_ref());
        let cache = Cache::succeed(config, previous_cache, &mut faults);
        let found = faults.into_vec();
        if !found.is_empty() {
            return Err(ConfigError::Faults(found).into());
        }
        let verifier = match &config.identity {
            Some(identity) => Some(Verifier::new(identity, Client::new(ClientConfig::default())?)),
            None => None,
        };
        let docs = build_docs(config, &upstreams);
        let trackers = match &cache {
            Some(cache) => {
                upstreams.iter().map(|upstream| cache.tracker(upstream.config.freshness.as_deref())).collect()
            }
            None => Vec::new(),
        };
        Ok(Arc::new(Self {
            router,
            upstreams,
            verifier,
            metrics: GatewayMetrics::new(metrics),
            requests: RequestMetrics::new(metrics),
            slow_request: Duration::from_millis(config.telemetry.slow_request_ms),
            stalls: StallDetector::new(&config.telemetry, metrics),
            // Without a collector nothing would become of a recorded trace.
            sample_ratio: if config.telemetry.otlp_endpoint.is_some() {
                config.telemetry.sample_ratio
            } else {
                0.0
            },
            docs,
            docs_enabled: config.docs.enabled,
            concurrency: Concurrency::new(&config.limits, previous.map(|previous| &previous.concurrency)),
            rate_limits,
            cors: config.cors.as_ref().map(Cors::new),
            cache,
            trackers,
            trusted,
        }))
    }

    /// Who knows of the writes behind a route; `None` where nothing is cached.
    pub(crate) fn tracker(&self, route: &Route) -> Option<&Arc<Tracker>> {
        self.trackers.get(route.upstream)
    }

    /// Whether what a route answers is kept under a lease.
    pub(crate) fn is_governed(&self, route: &Route) -> bool {
        self.upstreams.get(route.upstream).is_some_and(|upstream| upstream.config.freshness.is_some())
    }

    /// Whether this peer may speak for a client behind it.
    pub(crate) fn is_trusted(&self, peer: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(peer))
    }
}

fn keep_or_build(
    name: &str,
    config: &UpstreamConfig,
    previous: Option<&Gateway>,
    faults: &mut Faults,
) -> Arc<Upstream> {
    let before =
        previous.and_then(|previous| previous.upstreams.iter().find(|upstream| *upstream.name == *name));
    match before {
        Some(before) if before.config == *config => Arc::clone(before),
        before => Arc::new(Upstream::build(name, config, before.map(Arc::as_ref), faults)),
    }
}

/// Notes the faults a section has found in itself.
fn note(faults: &mut Faults, section: &str, found: impl IntoIterator<Item = String>) {
    for fault in found {
        let (path, message) = fault.split_once(": ").unwrap_or(("", &fault));
        faults.add(written(section, path.split('.')), message);
    }
}

fn read_trusted(config: &Config, faults: &mut Faults) -> Vec<Network> {
    let mut trusted = Vec::new();
    for (index, text) in config.forwarded.trusted.iter().enumerate() {
        match Network::parse(text) {
            Ok(network) => trusted.push(network),
            Err(error) => faults.add(format!("forwarded.trusted[{index}]"), error.to_string()),
        }
    }
    trusted
}

fn check_listeners(config: &Config, faults: &mut Faults) {
    let bind = &config.admin.bind;
    if bind.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok()).is_none() {
        faults.add("admin.bind", format!("`{bind}` must be an address and a port, such as 127.0.0.1:8090"));
    }
    if config.http.bind == config.admin.bind && !config.http.bind.ends_with(":0") {
        faults.add("admin.bind", format!("`{}` is also http.bind", config.admin.bind));
    }
    if config.telemetry.sample_ratio.is_nan() || !(0.0..=1.0).contains(&config.telemetry.sample_ratio) {
        faults.add("telemetry.sample_ratio", "must be between 0 and 1");
    }
}

fn build_docs(config: &Config, upstreams: &[Arc<Upstream>]) -> Docs {
    let sources = upstreams
        .iter()
        .filter_map(|upstream| {
            let path = upstream.openapi.as_deref()?;
            let instances = upstream.instances.iter();
            let urls = instances.map(|instance| format!("http://{}{path}", instance.authority)).collect();
            Some(DocumentSource { upstream: upstream.name.to_string(), urls })
        })
        .collect();
    // The routes again, as a router of upstreams: what is not forwarded to a service is not part of the API.
    let mut router = Router::default();
    for route in &config.routes {
        let methods: Vec<Method> = route.methods.iter().filter_map(|method| method.parse().ok()).collect();
        for pattern in route.path.as_slice() {
            // Faults were reported when the real router was built from the same patterns.
            let _ = router.add(pattern, &methods, &route.name, &route.upstream);
        }
    }
    let is_reachable = move |upstream: &str, method: &str, path: &str| {
        // A template's variable stands for any one segment.
        let sample: String =
            path.split('/').map(|s| if s.contains('{') { "x" } else { s }).collect::<Vec<_>>().join("/");
        let method = method.parse().unwrap_or(Method::GET);
        matches!(router.find(&method, &sample), Matched::Route(target) if target == upstream)
    };
    Docs::new(&config.docs, sources, Box::new(is_reachable))
}
