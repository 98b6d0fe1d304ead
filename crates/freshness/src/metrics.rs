//! Every instrument of a service's side.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::Metrics;

/// Upper bounds in seconds: from what a neighbouring Redis and NATS need up to where a lease has run out twice.
const SECONDS: [f64; 14] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFamily {
    family: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRead {
    family: &'static str,
    source: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFill {
    family: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// Clones count into the same.
#[derive(Clone, Debug)]
pub(crate) struct Instruments {
    reads: Family<OfRead, Counter>,
    fills: Family<OfFill, Counter>,
    entries: Family<OfFamily, Counter>,
    local_bytes: Family<OfFamily, Gauge>,
    local_entries: Family<OfFamily, Gauge>,
    local_evictions: Family<OfFamily, Gauge>,
    edges: Family<Outcome, Counter>,
    writes: Family<Outcome, Counter>,
    pub(crate) in_flight: Gauge,
    pub(crate) redis_available: Gauge,
    pub(crate) swept: Counter,
    quarantines: Counter,
    /// Of each call to Redis, answered or not.
    pub(crate) redis_calls: Histogram,
    guard: Histogram,
    lag: Histogram,
}

impl Instruments {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let histogram = || Histogram::new(SECONDS);
        let seconds = || Some(Unit::Seconds);
        let made = Self {
            reads: metrics.shared(
                "freshness_reads",
                "Reads, by where the answer came from",
                None,
                Family::default,
            ),
            fills: metrics.shared(
                "freshness_fills",
                "Answers offered to the shared level",
                None,
                Family::default,
            ),
            entries: metrics.shared(
                "freshness_entries_invalidated",
                "Live entries of the shared level that writes ended",
                None,
                Family::default,
            ),
            local_bytes: metrics.shared(
                "freshness_local",
                "What the local level holds",
                Some(Unit::Bytes),
                Family::default,
            ),
            local_entries: metrics.shared(
                "freshness_local_entries",
                "Entries of the local level",
                None,
                Family::default,
            ),
            local_evictions: metrics.shared(
                "freshness_local_evictions",
                "Entries the local level gave up for room or age since the start",
                None,
                Family::default,
            ),
            edges: metrics.shared(
                "freshness_edges",
                "Edges concerned by a write: told, or silent and revoked",
                None,
                Family::default,
            ),
            writes: metrics.shared(
                "freshness_writes",
                "Guarded writes, by how they ended",
                None,
                Family::default,
            ),
            in_flight: metrics.shared(
                "freshness_writes_in_flight",
                "Guarded writes begun and not finished",
                None,
                Gauge::default,
            ),
            redis_available: metrics.shared(
                "freshness_redis_available",
                "1 when Redis answered the last call",
                None,
                Gauge::default,
            ),
            swept: metrics.shared(
                "freshness_writes_swept",
                "Writes of others, or given up, that the sweep finished",
                None,
                Counter::default,
            ),
            quarantines: metrics.shared(
                "freshness_quarantine_waits",
                "Writes that waited for leases of an earlier life of Redis",
                None,
                Counter::default,
            ),
            redis_calls: metrics.shared(
                "freshness_redis_call_duration",
                "Time of calls to Redis, answered or not",
                seconds(),
                histogram,
            ),
            guard: metrics.shared(
                "freshness_write_guard_duration",
                "Time the guard added to a write that was confirmed",
                seconds(),
                histogram,
            ),
            lag: metrics.shared(
                "freshness_invalidation_lag",
                "Time from a commit until no level can answer with what was before it",
                seconds(),
                histogram,
            ),
        };
        made.redis_available.set(1);
        made
    }

    pub(crate) fn read(&self, family: &'static str, source: &'static str) {
        self.reads.get_or_create(&OfRead { family, source }).inc();
    }

    pub(crate) fn fill(&self, family: &'static str, outcome: &'static str) {
        self.fills.get_or_create(&OfFill { family, outcome }).inc();
    }

    pub(crate) fn write(&self, outcome: &'static str) {
        self.writes.get_or_create(&Outcome { outcome }).inc();
    }

    pub(crate) fn invalidated(&self, family: &'static str, entries: u64) {
        self.entries.get_or_create(&OfFamily { family }).inc_by(entries);
    }

    pub(crate) fn quarantined(&self, wait: Duration) {
        if !wait.is_zero() {
            self.quarantines.inc();
        }
    }

    pub(crate) fn told(&self, acked: usize, revoked: usize) {
        self.edges.get_or_create(&Outcome { outcome: "told" }).inc_by(count(acked));
        self.edges.get_or_create(&Outcome { outcome: "silent" }).inc_by(count(revoked));
    }

    pub(crate) fn announced(&self, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
    }

    pub(crate) fn guarded(&self, added: Duration) {
        self.guard.observe(added.as_secs_f64());
    }

    pub(crate) fn local(&self, family: &'static str, bytes: u64, entries: u64, evictions: u64) {
        let label = OfFamily { family };
        for (gauge, value) in
            [(&self.local_bytes, bytes), (&self.local_entries, entries), (&self.local_evictions, evictions)]
        {
            gauge.get_or_create(&label).set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
