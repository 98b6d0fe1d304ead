//! Instruments of the cache and of the leases it answers under.
//!
//! What is counted for every request is handed out once and kept: counting a hit then looks nothing up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use freshness::{EdgeObserver, JoinFailed, LeaseLost};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};

use super::Reason;

/// Families of groups that are counted by name, for each domain; the rest is `other`. Names come from services, and a label
/// must not grow with what they make up.
const MOST_FAMILIES: usize = 32;
const OTHER: &str = "other";
const LONGEST_FAMILY: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteResult {
    route: Arc<str>,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDomain {
    domain: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DomainEvent {
    domain: Arc<str>,
    event: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DomainReason {
    domain: Arc<str>,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DomainFamily {
    domain: Arc<str>,
    family: String,
}

/// What became of a request where answers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheResult {
    /// Answered from memory, fresh.
    Hit,
    /// Answered from memory, stale, because the answer allows it.
    HitStale,
    /// Answered from memory after the service said that nothing has changed.
    Revalidated,
    /// Forwarded, and the answer kept.
    Miss,
    /// Waited for the same request of somebody else, and shared its answer.
    Collapsed,
    /// Forwarded without looking, for a reason that `gateway_cache_bypass_total` names.
    Bypass,
    /// Forwarded, and the answer not kept.
    Uncacheable,
}

impl CacheResult {
    const ALL: [Self; 7] = [
        Self::Hit,
        Self::HitStale,
        Self::Revalidated,
        Self::Miss,
        Self::Collapsed,
        Self::Bypass,
        Self::Uncacheable,
    ];

    /// The label's value.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::HitStale => "hit_stale",
            Self::Revalidated => "revalidated",
            Self::Miss => "miss",
            Self::Collapsed => "collapsed",
            Self::Bypass => "bypass",
            Self::Uncacheable => "uncacheable",
        }
    }
}

/// Handles to all instruments of the cache; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct CacheMetrics {
    requests: Family<RouteResult, Counter>,
    bypass: Family<Reason, Counter>,
    at_once: Counter,
    entries: Gauge,
    bytes: Gauge,
    evictions: Counter,
    body_files: Gauge,
    variants_capped: Counter,
    lease: Family<OfDomain, Gauge>,
    lease_changes: Family<DomainEvent, Counter>,
    join_failures: Family<DomainReason, Counter>,
    renewal: Family<OfDomain, Histogram, fn() -> Histogram>,
    invalidations: Family<DomainFamily, Counter>,
    purges: Family<OfDomain, Counter>,
    unreadable: Family<OfDomain, Counter>,
    lag: Family<OfDomain, Histogram, fn() -> Histogram>,
}

impl CacheMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let family = |name, help| metrics.shared(name, help, None, Family::<Reason, Counter>::default);
        let of_domain = |name, help| metrics.shared(name, help, None, Family::<OfDomain, Counter>::default);
        let gauge = |name, help| metrics.shared(name, help, None, Gauge::<i64>::default);
        let counter = |name, help| metrics.shared(name, help, None, Counter::<u64>::default);
        Self {
            requests: metrics.shared(
                "gateway_cache_requests",
                "Requests of routes whose answers may be kept, by what became of them",
                None,
                Family::default,
            ),
            bypass: family(
                "gateway_cache_bypass",
                "Requests forwarded without looking into the cache, by reason",
            ),
            at_once: counter(
                "gateway_cache_answers_at_once",
                "Answers from memory that went out past the HTTP library; among the hits",
            ),
            entries: gauge("gateway_cache_entries", "Answers kept"),
            bytes: gauge("gateway_cache_bytes", "Memory of the answers kept, in bytes"),
            evictions: counter("gateway_cache_evictions", "Answers driven out for want of room"),
            body_files: gauge(
                "gateway_cache_body_files",
                "Bodies that lie in a file, too, and are sent from there",
            ),
            variants_capped: counter(
                "gateway_cache_variants_capped",
                "Variants of an address driven out by others of the same address",
            ),
            lease: metrics.shared(
                "gateway_freshness_lease",
                "1 while this gateway may answer for the domain, else 0",
                None,
                Family::default,
            ),
            lease_changes: metrics.shared(
                "gateway_freshness_lease_changes",
                "Leases gained, and lost, by why",
                None,
                Family::default,
            ),
            join_failures: metrics.shared(
                "gateway_freshness_join_failures",
                "Attempts to get a lease that failed, by what was away",
                None,
                Family::default,
            ),
            renewal: metrics.shared(
                "gateway_freshness_renewal",
                "Time to renew a lease, through NATS and Redis",
                Some(Unit::Seconds),
                || Family::new_with_constructor(seconds_histogram as fn() -> Histogram),
            ),
            invalidations: metrics.shared(
                "gateway_freshness_invalidations",
                "Groups that a service said were written, by the first part of their names",
                None,
                Family::default,
            ),
            purges: of_domain("gateway_freshness_purges", "Purges by an operator that were applied"),
            unreadable: of_domain(
                "gateway_freshness_unreadable_messages",
                "Messages that made no sense, so that everything was forgotten",
            ),
            lag: metrics.shared(
                "gateway_freshness_invalidation_lag",
                "Time from a write's commit until this gateway had heard of it",
                Some(Unit::Seconds),
                || Family::new_with_constructor(seconds_histogram as fn() -> Histogram),
            ),
        }
    }

    /// An answer took the short way.
    pub(crate) fn answered_at_once(&self) {
        self.at_once.inc();
    }

    /// The counters of one route; kept by whoever serves it.
    pub(crate) fn of_route(&self, route: &Arc<str>) -> RouteCacheMetrics {
        let of = |result: CacheResult| {
            let labels = RouteResult { route: Arc::clone(route), result: result.as_str() };
            self.requests.get_or_create_owned(&labels)
        };
        RouteCacheMetrics { results: CacheResult::ALL.map(of) }
    }

    /// The instruments of one domain.
    pub(crate) fn of_domain(&self, domain: &str) -> DomainMetrics {
        let domain: Arc<str> = Arc::from(domain);
        let labels = OfDomain { domain: Arc::clone(&domain) };
        DomainMetrics {
            lease: self.lease.get_or_create_owned(&labels),
            lease_changes: self.lease_changes.clone(),
            join_failures: self.join_failures.clone(),
            renewal: self.renewal.get_or_create_owned(&labels),
            invalidations: self.invalidations.clone(),
            families: Arc::default(),
            purges: self.purges.get_or_create_owned(&labels),
            unreadable: self.unreadable.get_or_create_owned(&labels),
            lag: self.lag.get_or_create_owned(&labels),
            domain,
        }
    }

    /// A request was not looked up; `reason` is a word of the program, never of a client.
    pub(crate) fn bypassed(&self, reason: &'static str) {
        self.bypass.get_or_create(&Reason { reason }).inc();
    }

    /// An address has more variants than may be kept of one.
    pub(crate) fn variant_capped(&self) {
        self.variants_capped.inc();
    }

    /// What is kept now, in how many files besides, and how many answers have been driven out since the cache was made.
    pub(crate) fn observe_store(&self, entries: u64, bytes: u64, evictions: u64, files: usize) {
        self.body_files.set(i64::try_from(files).unwrap_or(i64::MAX));
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.evictions.inner().store(evictions, std::sync::atomic::Ordering::Relaxed);
    }
}

/// The counters of one route, one for each result.
#[derive(Clone, Debug)]
pub(crate) struct RouteCacheMetrics {
    results: [Counter; CacheResult::ALL.len()],
}

impl RouteCacheMetrics {
    pub(crate) fn count(&self, result: CacheResult) {
        let place = CacheResult::ALL.iter().position(|known| *known == result);
        if let Some(counter) = place.and_then(|place| self.results.get(place)) {
            counter.inc();
        }
    }
}

/// The instruments of one domain.
#[derive(Clone, Debug)]
pub(crate) struct DomainMetrics {
    domain: Arc<str>,
    lease: Gauge,
    lease_changes: Family<DomainEvent, Counter>,
    join_failures: Family<DomainReason, Counter>,
    renewal: Histogram,
    invalidations: Family<DomainFamily, Counter>,
    families: Arc<Mutex<BTreeMap<String, Counter>>>,
    purges: Counter,
    unreadable: Counter,
    lag: Histogram,
}

impl DomainMetrics {
    fn lease_changed(&self, event: &'static str) {
        let labels = DomainEvent { domain: Arc::clone(&self.domain), event };
        self.lease_changes.get_or_create(&labels).inc();
    }

    fn count_family(&self, family: &str) {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = families.get(family) {
            known.inc();
            return;
        }
        let is_one_more = families.len() < MOST_FAMILIES && (1..=LONGEST_FAMILY).contains(&family.len());
        let family = if is_one_more { family } else { OTHER };
        let labels = DomainFamily { domain: Arc::clone(&self.domain), family: family.to_owned() };
        let counter = self.invalidations.get_or_create_owned(&labels);
        counter.inc();
        if is_one_more {
            families.insert(family.to_owned(), counter);
        }
    }
}

impl EdgeObserver for DomainMetrics {
    fn lease_gained(&self) {
        self.lease.set(1);
        self.lease_changed("gained");
    }

    fn lease_lost(&self, reason: LeaseLost) {
        self.lease.set(0);
        self.lease_changed(reason.as_str());
    }

    fn lease_renewed(&self, took: Duration) {
        self.renewal.observe(took.as_secs_f64());
    }

    fn join_failed(&self, reason: JoinFailed) {
        let labels = DomainReason { domain: Arc::clone(&self.domain), reason: reason.as_str() };
        self.join_failures.get_or_create(&labels).inc();
    }

    fn invalidated(&self, groups: &[&str], _known: usize, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
        for group in groups {
            self.count_family(group.split('/').next().unwrap_or(OTHER));
        }
    }

    fn purged(&self, _groups: Option<usize>) {
        self.purges.inc();
    }

    fn unreadable(&self) {
        self.unreadable.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_of_each_route_has_its_own_count() {
        let metrics = Metrics::new("gateway");
        let route = CacheMetrics::new(&metrics).of_route(&Arc::from("animals"));
        for (times, result) in CacheResult::ALL.into_iter().enumerate() {
            for _ in 0..times {
                route.count(result);
            }
        }
        let text = metrics.encode();
        for (times, result) in CacheResult::ALL.into_iter().enumerate() {
            let result = result.as_str();
            let line = format!(
                "gateway_cache_requests_total{{service=\"gateway\",route=\"animals\",result=\"{result}\"}} {times}"
            );
            assert!(text.contains(&line), "{line} is not in {text}");
        }
    }

    #[test]
    fn a_lease_is_a_gauge_and_its_changes_are_counted_by_why() {
        let metrics = Metrics::new("gateway");
        let domain = CacheMetrics::new(&metrics).of_domain("catalog");
        let labels = "service=\"gateway\",domain=\"catalog\"";
        let has = |line: &str| {
            let text = metrics.encode();
            assert!(text.contains(line), "{line} is not in {text}");
        };
        // Before anything has happened it is there: an alert must not wait for the first change.
        has(&format!("gateway_freshness_lease{{{labels}}} 0\n"));
        domain.lease_gained();
        has(&format!("gateway_freshness_lease{{{labels}}} 1\n"));
        domain.lease_lost(LeaseLost::Revoked);
        domain.join_failed(JoinFailed::Nats);
        has(&format!("gateway_freshness_lease{{{labels}}} 0\n"));
        has(&format!("gateway_freshness_lease_changes_total{{{labels},event=\"gained\"}} 1\n"));
        has(&format!("gateway_freshness_lease_changes_total{{{labels},event=\"revoked\"}} 1\n"));
        has(&format!("gateway_freshness_join_failures_total{{{labels},reason=\"nats\"}} 1\n"));
        domain.invalidated(&["animals"], 1, Duration::from_millis(3));
        has(&format!("gateway_freshness_invalidation_lag_seconds_count{{{labels}}} 1\n"));
    }

    #[test]
    fn families_beyond_the_bound_are_counted_together() {
        let metrics = Metrics::new("gateway");
        let domain = CacheMetrics::new(&metrics).of_domain("catalog");
        domain.invalidated(&["animals", "animals/42", "animals/43"], 1, Duration::ZERO);
        let made_up: Vec<String> = (0..1_000).map(|number| format!("made-up-{number}/1")).collect();
        let made_up: Vec<&str> = made_up.iter().map(String::as_str).collect();
        domain.invalidated(&made_up, 0, Duration::ZERO);
        let text = metrics.encode();
        let name = "gateway_freshness_invalidations_total{";
        let family =
            |family: &str| format!("{name}service=\"gateway\",domain=\"catalog\",family=\"{family}\"}}");
        assert!(text.contains(&format!("{} 3\n", family("animals"))), "{text}");
        assert!(text.contains(&format!("{} {}\n", family("other"), 1_001 - MOST_FAMILIES)), "{text}");
        assert_eq!(text.matches(name).count(), MOST_FAMILIES + 1, "{text}");
    }
}
