//! What is told of services whose metrics are made by the crates that make them.
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Metric;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{CONTENT_TYPE, Metrics, seconds_histogram};

use super::{Place, Service};
use crate::condition::Source;
use crate::exposition::{Format, parse};
use crate::rules;
use crate::snapshot::{History, Snapshot};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRead {
    family: &'static str,
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfResult {
    route: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFlow {
    about: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEvent {
    about: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

type Durations = Metric<OfRequest, Histogram, fn() -> Histogram>;

/// A service's registry with what the monitor reads of it.
struct Instruments {
    metrics: Metrics,
    durations: Durations,
    reads: Metric<OfRead, Counter>,
    results: Metric<OfResult, Counter>,
    connections: Metric<OfState, Gauge>,
    wait: Histogram,
    history: History,
}

impl Instruments {
    fn of(service: &'static str) -> Self {
        let made = Self {
            metrics: Metrics::new(service),
            durations: Durations::new_with_constructor(seconds_histogram),
            reads: Metric::default(),
            results: Metric::default(),
            connections: Metric::default(),
            wait: seconds_histogram(),
            history: History::default(),
        };
        let seconds = || Some(Unit::Seconds);
        let active = Gauge::<i64>::default();
        made.metrics.register(
            "http_server_request_duration",
            "Time, \"head\" to head",
            seconds(),
            made.durations.clone(),
        );
        made.metrics.register("http_server_active_requests", "In flight", None, active);
        made.metrics.register("freshness_reads", "Reads", None, made.reads.clone());
        made.metrics.register("gateway_cache_requests", "Requests", None, made.results.clone());
        made.metrics.register("pool_connections", "Connections", None, made.connections.clone());
        made.metrics.register("pool_wait", "Waits", seconds(), made.wait.clone());
        made
    }

    fn request(&self, route: &str, status: u16, seconds: f64) {
        let labels = OfRequest { method: "GET", route: route.into(), status };
        self.durations.get_or_create(&labels).observe(seconds);
    }

    fn scrape(&mut self, secs: u64) {
        assert!(CONTENT_TYPE.starts_with("application/openmetrics-text"));
        let samples = parse(&self.metrics.encode(), Format::OpenMetrics).unwrap();
        self.history.push(Snapshot::new(Duration::from_secs(secs), samples));
    }

    fn told(&self) -> Service {
        let place = Place { name: "s".to_owned(), url: "http://h/metrics".to_owned() };
        Service::of(&place, &self.history, None, None)
    }

    fn problems(&self) -> Vec<(&'static str, Option<&'static str>, Option<String>)> {
        let found = rules::problems(&[Source { target: "s", history: &self.history }]);
        found.into_iter().map(|problem| (problem.code, problem.alert, problem.subject)).collect()
    }
}

#[test]
fn an_endpoint_has_rates_errors_and_quantiles_of_the_interval_alone() {
    let mut ledger = Instruments::of("package-ledger");
    for _ in 0..1000 {
        ledger.request("/v1/packages/{package}", 200, 9.0);
    }
    ledger.scrape(0);
    for _ in 0..98 {
        ledger.request("/v1/packages/{package}", 200, 0.002);
    }
    ledger.request("/v1/packages/{package}", 503, 0.4);
    ledger.request("/v1/packages/{package}", 500, 60.0);
    ledger.scrape(10);
    let told = ledger.told();
    assert_eq!((told.requests_per_second, told.errors_per_second), (Some(10.0), Some(0.2)));
    let endpoint = &told.endpoints[0];
    assert_eq!((endpoint.method.as_str(), endpoint.route.as_str()), ("GET", "/v1/packages/{package}"));
    assert!(endpoint.p95.unwrap().seconds <= 0.0025);
    let p99 = endpoint.p99.unwrap();
    assert!((0.25..=0.5).contains(&p99.seconds) && !p99.beyond, "{p99:?}");
}

#[test]
fn before_the_second_scrape_and_without_requests_nothing_is_made_up() {
    let mut ledger = Instruments::of("package-ledger");
    ledger.scrape(0);
    let told = ledger.told();
    assert_eq!((told.requests_per_second, told.interval_seconds), (None, None));
    ledger.scrape(10);
    let told = ledger.told();
    assert_eq!((told.requests_per_second, told.errors_per_second), (Some(0.0), Some(0.0)));
    assert_eq!(told.statements_per_request, None);
    assert!(told.endpoints.is_empty() && told.pool.is_none());
    assert_eq!((told.backlog.outbox_lag_seconds, told.backlog.dead_jobs), (None, None));
}

#[test]
fn a_quantile_beyond_the_last_bound_says_that_it_is() {
    let mut ledger = Instruments::of("package-ledger");
    ledger.scrape(0);
    ledger.request("/v1/stats", 200, 60.0);
    ledger.scrape(10);
    let p95 = ledger.told().endpoints[0].p95.unwrap();
    assert_eq!((p95.seconds, p95.beyond), (10.0, true));
}

#[test]
fn warm_and_cold_are_told_apart_and_own_caches_by_rate() {
    let mut gateway = Instruments::of("gateway");
    let count = |gateway: &Instruments, result, number| {
        gateway.results.get_or_create(&OfResult { route: "packages", result }).inc_by(number)
    };
    let read = |gateway: &Instruments, source, number| {
        gateway.reads.get_or_create(&OfRead { family: "package_list", source }).inc_by(number)
    };
    count(&gateway, "hit", 1_000_000);
    read(&gateway, "local", 1_000_000);
    gateway.scrape(0);
    for (result, number) in [("hit", 10), ("revalidated", 10), ("miss", 15), ("bypass", 5)] {
        count(&gateway, result, number);
    }
    for (source, number) in [("local", 20), ("joined", 10), ("loaded", 60), ("bypassed_redis", 10)] {
        read(&gateway, source, number);
    }
    gateway.scrape(10);
    let told = gateway.told();
    let route = &told.edge_cache[0];
    assert_eq!((route.warm_per_second, route.cold_per_second, route.warm_share), (2.0, 2.0, Some(0.5)));
    let family = &told.own_caches[0];
    assert_eq!((family.reads_per_second, family.hit_rate), (10.0, Some(0.3)));
}

#[test]
fn what_is_found_by_an_alert_and_by_a_rule_for_all_is_told_once() {
    let mut ledger = Instruments::of("package-ledger");
    ledger.scrape(0);
    for _ in 0..10 {
        ledger.request("/v1/packages", 200, 2.0);
        ledger.request("/v1/stats", 200, 2.0);
    }
    for (source, number) in [("local", 10), ("loaded", 90)] {
        ledger.reads.get_or_create(&OfRead { family: "package_list", source }).inc_by(number);
    }
    ledger.connections.get_or_create(&OfState { state: "waiting" }).set(3);
    ledger.wait.observe(0.2);
    ledger.scrape(10);
    let subject = |text: &str| Some(text.to_owned());
    let expected = [
        ("slow_endpoint", Some("PackagesListSlow"), subject("GET /v1/packages")),
        ("low_hit_rate", Some("PackagesListHitRateLow"), subject("package_list")),
        ("pool_waiting", Some("PoolExhausted"), subject("s")),
        ("slow_endpoint", None, subject("GET /v1/stats")),
        ("pool_wait_slow", None, subject("s")),
    ];
    assert_eq!(ledger.problems(), expected);
}

#[test]
fn a_restart_of_a_service_is_no_gap_and_no_flood() {
    let mut ledger = Instruments::of("package-ledger");
    for _ in 0..1000 {
        ledger.request("/v1/stats", 200, 0.002);
    }
    ledger.scrape(0);
    let mut reborn = Instruments::of("package-ledger");
    reborn.history = ledger.history;
    for _ in 0..20 {
        reborn.request("/v1/stats", 200, 0.002);
    }
    reborn.scrape(10);
    let told = reborn.told();
    assert_eq!((told.requests_per_second, told.endpoints[0].requests_per_second), (Some(2.0), 2.0));
}

#[test]
fn before_the_first_event_nobody_knows_how_far_behind_a_consumer_is() {
    let mut feed = Instruments::of("stories-feed");
    let behind = Metric::<OfFlow, Gauge>::default();
    let heard = Metric::<OfEvent, Counter>::default();
    feed.metrics.register("events_behind", "Behind", Some(Unit::Seconds), behind.clone());
    feed.metrics.register("events_heard", "Heard", None, heard.clone());
    for about in ["people", "assets"] {
        behind.get_or_create(&OfFlow { about }).set(0);
    }
    heard.get_or_create(&OfEvent { about: "assets", outcome: "applied" }).inc();
    feed.scrape(0);
    let told = feed.told().backlog.events_behind_seconds;
    assert_eq!((told["people"], told["assets"]), (None, Some(0.0)));
}
