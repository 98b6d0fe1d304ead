//! What one service does, as far as its metrics tell.
//!
//! `None` (in JSON `null`) always means: not known. Nought is only ever something that was measured.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::condition::{Expr, Group, Is, Scope, Select, Source, Values, label};
use crate::host::Process;
use crate::quantile::{Quantile, quantile, sum};
use crate::snapshot::{History, Window};

mod caches;
mod work;

pub use caches::{EdgeRoute, Family};
pub use work::{Backlog, Pool, Replica, Stages};

const REQUESTS: Select = Select { metric: "http_server_request_duration_seconds_count", labels: &[] };
const FAILED: Select = Select { metric: REQUESTS.metric, labels: &[("status", Is::Like("5"))] };
const DURATION: &str = "http_server_request_duration_seconds";

/// Everything about one target.
#[derive(Clone, Debug, Serialize)]
pub struct Service {
    /// The name it was given.
    pub name: String,
    /// Where its metrics are.
    pub url: String,
    /// Whether it answered with metrics now.
    pub reachable: bool,
    /// Why it did not.
    pub error: Option<String>,
    /// Seconds between the two scrapes that rates are of; `None` before the second.
    pub interval_seconds: Option<f64>,
    /// Requests answered.
    pub requests_per_second: Option<f64>,
    /// Those answered with 5xx.
    pub errors_per_second: Option<f64>,
    /// Requests in flight, this scrape not counted.
    pub active_requests: Option<f64>,
    /// Statements for each request, those of jobs included.
    pub statements_per_request: Option<f64>,
    /// By route and method, the busiest first; those that were asked within the interval.
    pub endpoints: Vec<Endpoint>,
    /// The gateway's memory, by route: warm and cold apart.
    pub edge_cache: Vec<EdgeRoute>,
    /// By upstream: the time to the head of the service's answer, which is what a cold request costs.
    pub cold: Vec<Upstream>,
    /// The service's own caches.
    pub own_caches: Vec<Family>,
    /// Its connections to its database.
    pub pool: Option<Pool>,
    /// Those to replicas.
    pub replicas: Vec<Replica>,
    /// What waits.
    pub backlog: Backlog,
    /// Its process; `None` when no local run says which it is.
    pub process: Option<Process>,
}

/// One route with one method.
#[derive(Clone, Debug, Serialize)]
pub struct Endpoint {
    /// Method.
    pub method: String,
    /// The pattern of its path; at the gateway the route's name.
    pub route: String,
    /// Requests answered.
    pub requests_per_second: f64,
    /// Those answered with 5xx.
    pub errors_per_second: f64,
    /// What half of them did not exceed.
    pub p50: Option<Quantile>,
    /// What 95 of 100 did not exceed.
    pub p95: Option<Quantile>,
    /// What 99 of 100 did not exceed.
    pub p99: Option<Quantile>,
}

/// What an upstream takes.
#[derive(Clone, Debug, Serialize)]
pub struct Upstream {
    /// Its name.
    pub upstream: String,
    /// Requests that went there.
    pub requests_per_second: f64,
    /// What 95 of 100 did not exceed.
    pub p95: Option<Quantile>,
}

/// Where a target is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Where its metrics are.
    pub url: String,
}

impl Service {
    /// What is known of a target.
    #[must_use]
    pub fn of(place: &Place, history: &History, error: Option<String>, process: Option<Process>) -> Self {
        let tells = Tells::new(&place.name, history);
        let window = history.last();
        let requests = requests(&tells, window.is_some());
        // A service without a 5xx has no such series: where requests are counted, that is nought and known.
        let failed = requests.map(|_| tells.rate(FAILED).unwrap_or(0.0));
        Self {
            name: place.name.clone(),
            url: place.url.clone(),
            reachable: error.is_none(),
            error,
            interval_seconds: window.map(|window| window.seconds()),
            requests_per_second: requests,
            errors_per_second: failed,
            active_requests: tells.gauge("http_server_active_requests", &[]),
            statements_per_request: statements_per_request(&tells),
            endpoints: window.map(|window| endpoints(&window)).unwrap_or_default(),
            edge_cache: caches::edge(&tells),
            cold: window.map(|window| upstreams(&window)).unwrap_or_default(),
            own_caches: caches::own(&tells),
            pool: work::pool(&tells),
            replicas: work::replicas(&tells),
            backlog: work::backlog(&tells),
            process,
        }
    }
}

/// Durations appear with the first request. A server that nobody has asked is known by its other gauge.
fn requests(tells: &Tells<'_>, scraped_twice: bool) -> Option<f64> {
    let serves = || tells.gauge("http_server_active_requests", &[]).filter(|_| scraped_twice);
    tells.rate(REQUESTS).or_else(|| serves().map(|_| 0.0))
}

fn statements_per_request(tells: &Tells<'_>) -> Option<f64> {
    let statements = Select { metric: "db_client_operation_duration_seconds_count", labels: &[] };
    let requests = tells.rate(REQUESTS).filter(|rate| *rate > 0.0)?;
    Some(tells.rate(statements)? / requests)
}

type Buckets = Vec<(f64, f64)>;

fn endpoints(window: &Window<'_>) -> Vec<Endpoint> {
    let mut found: BTreeMap<(String, String), (Vec<Buckets>, f64)> = BTreeMap::new();
    for (labels, buckets) in window.histograms(DURATION) {
        let name = |name| label(&labels, name).unwrap_or("?").to_owned();
        let entry = found.entry((name("method"), name("route"))).or_default();
        if label(&labels, "status").is_some_and(|status| status.starts_with('5')) {
            entry.1 += count(&buckets);
        }
        entry.0.push(buckets);
    }
    let mut endpoints: Vec<Endpoint> = found
        .into_iter()
        .map(|((method, route), (histograms, failed))| {
            let (total, _) = sum(histograms.iter().map(Vec::as_slice));
            let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|q| quantile(q, &total));
            let (requests_per_second, errors_per_second) =
                (count(&total) / window.seconds(), failed / window.seconds());
            Endpoint { method, route, requests_per_second, errors_per_second, p50, p95, p99 }
        })
        .filter(|endpoint| endpoint.requests_per_second > 0.0)
        .collect();
    endpoints.sort_by(|one, other| other.requests_per_second.total_cmp(&one.requests_per_second));
    endpoints
}

fn upstreams(window: &Window<'_>) -> Vec<Upstream> {
    let mut found: BTreeMap<String, Vec<Buckets>> = BTreeMap::new();
    for (labels, buckets) in window.histograms("gateway_upstream_duration_seconds") {
        found.entry(label(&labels, "upstream").unwrap_or("?").to_owned()).or_default().push(buckets);
    }
    let told = found.into_iter().map(|(upstream, histograms)| {
        let (total, _) = sum(histograms.iter().map(Vec::as_slice));
        Upstream {
            upstream,
            requests_per_second: count(&total) / window.seconds(),
            p95: quantile(0.95, &total),
        }
    });
    told.collect()
}

fn count(buckets: &[(f64, f64)]) -> f64 {
    buckets.last().map_or(0.0, |(_, count)| *count)
}

/// What one target's metrics tell, value by value.
pub(crate) struct Tells<'a> {
    sources: [Source<'a>; 1],
}

impl<'a> Tells<'a> {
    fn new(target: &'a str, history: &'a History) -> Self {
        Self { sources: [Source { target, history }] }
    }

    fn values(&self, expr: &Expr, by: &'static [&'static str]) -> Values {
        Scope { sources: &self.sources, by, window: std::time::Duration::ZERO }.values(expr)
    }

    /// The rate of all such series together; `None` when there is none, or no second scrape.
    fn rate(&self, select: Select) -> Option<f64> {
        let values = self.values(&Expr::Rate(select), &[]);
        (!values.is_empty()).then(|| values.values().sum())
    }

    /// The largest of such gauges.
    fn gauge(&self, metric: &'static str, labels: &'static [(&'static str, Is)]) -> Option<f64> {
        self.values(&Expr::Max(Select { metric, labels }), &[]).into_values().reduce(f64::max)
    }

    /// Gauges by one label.
    fn gauges(&self, metric: &'static str, by: &'static [&'static str]) -> BTreeMap<String, f64> {
        by_label(self.values(&Expr::Max(Select { metric, labels: &[] }), by))
    }

    /// Rates by labels.
    fn rates(&self, metric: &'static str, by: &'static [&'static str]) -> Values {
        self.values(&Expr::Rate(Select { metric, labels: &[] }), by)
    }

    /// A quantile of a histogram within the interval.
    fn quantile(&self, q: f64, metric: &str) -> Option<Quantile> {
        let window = self.sources.first()?.history.last()?;
        let histograms = window.histograms(metric);
        let (total, _) = sum(histograms.iter().map(|(_, buckets)| buckets.as_slice()));
        quantile(q, &total)
    }
}

/// Values by the first label behind the service.
fn by_label(values: Values) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for (group, value) in values {
        found.insert(nth(&group, 1), value);
    }
    found
}

fn nth(group: &Group, index: usize) -> String {
    group.get(index).map(|(_, value)| value.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
