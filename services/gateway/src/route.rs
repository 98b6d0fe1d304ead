//! The checked form of `[[route]]`, and the router over all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http_cache::AgreedStale;

use crate::config::{AuthPolicy, Buffering, Config, Faults, RouteConfig, UpstreamConfig};
use crate::formats::{self, Formats};
use crate::routing::Router;
use rate_limit::PolicyConfig;

/// What happens to a request that matched.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) name: Arc<str>,
    /// Which of the configuration's routes.
    pub(crate) index: usize,
    /// Which of the gateway's upstreams.
    pub(crate) upstream: usize,
    pub(crate) auth: AuthPolicy,
    pub(crate) timeout: Duration,
    pub(crate) longest_pause: Option<Duration>,
    pub(crate) body_limit: Option<u64>,
    /// Longest wait of one try; `None`: all of `timeout`.
    pub(crate) try_timeout: Option<Duration>,
    /// Bytes a second, over the time spent waiting for the client.
    pub(crate) min_body_rate: Option<u64>,
    pub(crate) buffering: Buffering,
    /// In lower case.
    pub(crate) upgrades: Vec<String>,
    /// Which of the gateway's quotas.
    pub(crate) rate_limits: Vec<usize>,
    pub(crate) cost: u32,
    pub(crate) compress: bool,
    pub(crate) preserve_host: bool,
    /// What the service is asked for in place of what clients write in `Accept`.
    pub(crate) formats: Option<Formats>,
    /// Whether its answers may be kept.
    pub(crate) cache: bool,
    /// For how long they may be answered stale where they do not say.
    pub(crate) agreed: AgreedStale,
}

/// First segments that the gateway answers itself.
const PAGES: [&str; 3] = ["openapi.json", "docs", "problems"];

/// Checks all routes against each other and against the upstreams, noting every fault.
pub(crate) fn build_router(config: &Config, faults: &mut Faults) -> Router<Arc<Route>> {
    let mut router = Router::default();
    let mut names = BTreeMap::new();
    if config.routes.is_empty() {
        faults.add("route", "there is none: nothing would be forwarded");
    }
    for (index, route) in config.routes.iter().enumerate() {
        let key = format!("route[{index}]");
        if route.name.is_empty() {
            faults.add(format!("{key}.name"), "is missing");
        } else if let Some(first) = names.insert(route.name.clone(), index) {
            faults.add(
                format!("{key}.name"),
                format!("`{}` is already the name of route[{first}]", route.name),
            );
        }
        let checked = Arc::new(build(config, route, index, &key, faults));
        let methods = read_methods(route, &key, faults);
        add_patterns(config, route, &key, &methods, &checked, &mut router, faults);
    }
    router
}

fn build(config: &Config, route: &RouteConfig, index: usize, key: &str, faults: &mut Faults) -> Route {
    let upstream = config.upstreams.keys().position(|name| *name == route.upstream);
    if route.upstream.is_empty() {
        faults.add(format!("{key}.upstream"), "is missing");
    } else if upstream.is_none() {
        let known = config.upstreams.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        faults.add(
            format!("{key}.upstream"),
            format!("`{}` is no upstream; there is: {known}", route.upstream),
        );
    }
    if route.auth != AuthPolicy::None && config.identity.is_none() {
        faults.add(
            format!("{key}.auth"),
            format!("is `{}`, but there is no [identity] to check tokens with", route.auth.as_str()),
        );
    }
    if route.timeout_ms == 0 {
        faults.add(format!("{key}.timeout_ms"), "must be more than 0");
    }
    if route.try_timeout_ms > route.timeout_ms {
        faults.add(format!("{key}.try_timeout_ms"), "must not be more than timeout_ms");
    }
    if route.cost == 0 {
        faults.add(format!("{key}.cost"), "must be more than 0");
    }
    for (at, protocol) in route.upgrades.iter().enumerate() {
        if protocol.is_empty() || protocol.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii_graphic()) {
            faults.add(
                format!("{key}.upgrades[{at}]"),
                format!("`{protocol}` must be a protocol's name in lower case, such as `websocket`"),
            );
        }
    }
    for (index, name) in route.formats.iter().enumerate() {
        let twice = route.formats.iter().take(index).any(|other| other == name);
        if let Some(fault) = formats::fault(name).or(twice.then_some("is there twice")) {
            faults.add(format!("{key}.formats[{index}]"), format!("`{name}` {fault}"));
        }
    }
    let rate_limits = find_rate_limits(config, route, key, faults);
    let bound = |value: u64| (value > 0).then_some(value);
    Route {
        name: Arc::from(route.name.as_str()),
        index,
        upstream: upstream.unwrap_or(usize::MAX),
        auth: route.auth,
        timeout: Duration::from_millis(route.timeout_ms),
        longest_pause: bound(route.stream_idle_ms).map(Duration::from_millis),
        body_limit: bound(route.body_limit_bytes),
        try_timeout: bound(route.try_timeout_ms).map(Duration::from_millis),
        min_body_rate: bound(route.min_body_rate),
        buffering: route.buffering,
        upgrades: route.upgrades.clone(),
        rate_limits,
        cost: route.cost,
        compress: route.compress,
        preserve_host: route.preserve_host,
        formats: Formats::new(&route.formats),
        cache: route.is_cached(config),
        agreed: config.upstreams.get(&route.upstream).map(agreed_stale).unwrap_or_default(),
    }
}

fn agreed_stale(upstream: &UpstreamConfig) -> AgreedStale {
    let seconds = |value: u32| Duration::from_secs(u64::from(value));
    AgreedStale {
        while_revalidate: seconds(upstream.stale_while_revalidate_secs),
        if_error: seconds(upstream.stale_if_error_secs),
    }
}

fn find_rate_limits(config: &Config, route: &RouteConfig, key: &str, faults: &mut Faults) -> Vec<usize> {
    let mut found = Vec::new();
    for (index, name) in route.rate_limits.iter().enumerate() {
        match config.rate_limits.iter().position(|policy| policy.name == *name) {
            Some(policy) => {
                let burst = config.rate_limits.get(policy).map_or(0, PolicyConfig::burst);
                if route.cost > burst {
                    faults.add(format!("{key}.cost"), format!("is more than `{name}` ever has ({burst})"));
                }
                found.push(policy);
            }
            None => {
                faults.add(format!("{key}.rate_limits[{index}]"), format!("`{name}` is no [[rate_limit]]"))
            }
        }
    }
    found
}

fn read_methods(route: &RouteConfig, key: &str, faults: &mut Faults) -> Vec<Method> {
    let mut methods = Vec::new();
    for (index, text) in route.methods.iter().enumerate() {
        let at = format!("{key}.methods[{index}]");
        match Method::from_bytes(text.as_bytes()) {
            Ok(Method::CONNECT | Method::TRACE) => {
                faults.add(at, format!("`{text}` is never forwarded"));
            }
            Ok(_) if text.bytes().any(|b| b.is_ascii_lowercase()) => {
                faults.add(at, format!("`{text}`: methods are written in capitals"));
            }
            Ok(method) if methods.contains(&method) => faults.add(at, format!("`{text}` is there twice")),
            Ok(method) => methods.push(method),
            Err(_) => faults.add(at, format!("`{text}` is no method")),
        }
    }
    methods
}

fn add_patterns(
    config: &Config,
    route: &RouteConfig,
    key: &str,
    methods: &[Method],
    checked: &Arc<Route>,
    router: &mut Router<Arc<Route>>,
    faults: &mut Faults,
) {
    let patterns = route.path.as_slice();
    if patterns.is_empty() {
        faults.add(format!("{key}.path"), "is missing");
    }
    for (index, pattern) in patterns.iter().enumerate() {
        let at = if patterns.len() == 1 { format!("{key}.path") } else { format!("{key}.path[{index}]") };
        let first = pattern.trim_start_matches('/').split('/').next().unwrap_or_default();
        if config.docs.enabled && PAGES.contains(&first) {
            faults.add(&at, format!("can never be reached: the gateway answers /{first} itself"));
            continue;
        }
        if let Err(found) = router.add(pattern, methods, &route.name, checked) {
            for fault in found {
                faults.add(&at, format!("`{pattern}` {fault}"));
            }
        }
    }
}
