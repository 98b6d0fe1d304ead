//! Server spans of requests that nobody drew for recording, made when they have turned out slow or failed.
//!
//! Whether a trace is recorded is decided at its head, for a share of all; fast and good requests of the rest cost nothing. When one
//! of them is over and was slow or failed, its process makes its server span after all: of the same trace, with the id that
//! it named to whoever it called, from when it began to now, and with what the request's record has kept. Each process decides by
//! itself and by the same rule, so what a slow service took hangs below the gateway's span that waited for it. What was fast
//! within a slow request has no span of its own: of statements and peers there are sums, as events.
//!
//! At most [`MAX_LATE_SPANS_PER_SECOND`] are made: when everything is slow, a few say why.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{
    Event, Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};

use crate::propagation::{Announced, RootTracer};
use crate::request::RequestStats;

/// Late spans of one process in one second.
pub const MAX_LATE_SPANS_PER_SECOND: u32 = 50;
/// Statements told of one request: the slowest.
pub const MAX_LATE_STATEMENTS: usize = 16;
/// Characters kept of one statement's text.
const MAX_STATEMENT_CHARS: usize = 2000;

/// Set by the process that exports spans.
static EXPORTING: OnceLock<LateSpans> = OnceLock::new();

/// Whether a request that is over deserves a span, had it none: slow, or failed by the server.
///
/// ```
/// # use std::time::Duration;
/// let slow = Duration::from_millis(500);
/// assert!(telemetry::late::is_wanted(200, slow, slow));
/// assert!(telemetry::late::is_wanted(503, Duration::ZERO, slow));
/// assert!(!telemetry::late::is_wanted(404, Duration::ZERO, slow));
/// ```
#[must_use]
pub fn is_wanted(status: u16, took: Duration, slow: Duration) -> bool {
    status >= 500 || took >= slow
}

/// Whether this process exports spans.
#[must_use]
pub fn is_exporting() -> bool {
    EXPORTING.get().is_some()
}

/// Makes the span of a request that has just ended. Whether it did: not without a collector, nor past the limit.
pub fn record(ids: &Unrecorded, request: &LateRequest<'_>, stats: &RequestStats) -> bool {
    EXPORTING.get().is_some_and(|late| late.record(ids, request, stats, Instant::now()))
}

/// From here on [`record`] makes spans, once per process.
pub(crate) fn start(tracer: RootTracer) {
    // A second one would be a second subscriber, which the caller refuses.
    let _first = EXPORTING.set(LateSpans::new(tracer));
}

/// The ids of a request without a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unrecorded {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// The caller's span; `None` for a trace that begins here.
    pub(crate) parent: Option<SpanId>,
}

/// A request that has just ended.
#[derive(Clone, Copy, Debug)]
pub struct LateRequest<'r> {
    /// Its method, one of few.
    pub method: &'static str,
    /// Its route, when there is one.
    pub route: Option<&'r str>,
    /// Its path, without the query.
    pub path: &'r str,
    /// The answer's status.
    pub status: u16,
    /// The code of the problem it was answered with.
    pub problem: Option<&'r str>,
    /// What most of its time went to; see [`Cause`](crate::request::Cause).
    pub cause: &'static str,
    /// How the cache in front of it answered.
    pub cache: Option<&'r str>,
    /// From its head to the answer's head.
    pub took: Duration,
}

#[derive(Debug)]
struct LateSpans {
    tracer: RootTracer,
    limit: Limit,
}

impl LateSpans {
    fn new(tracer: RootTracer) -> Self {
        Self { tracer, limit: Limit::new() }
    }

    fn record(
        &self,
        ids: &Unrecorded,
        request: &LateRequest<'_>,
        stats: &RequestStats,
        now: Instant,
    ) -> bool {
        if !self.limit.allows(now) {
            return false;
        }
        let end = SystemTime::now();
        let start = end.checked_sub(request.took).unwrap_or(end);
        let name = match request.route {
            Some(route) => format!("{} {route}", request.method),
            None => request.method.to_owned(),
        };
        let builder = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Server)
            .with_start_time(start)
            .with_attributes(attributes(request, stats))
            .with_events(events(stats, end));
        let parent = match ids.parent {
            Some(parent) => Context::new().with_remote_span_context(SpanContext::new(
                ids.trace_id,
                parent,
                TraceFlags::SAMPLED,
                true,
                TraceState::NONE,
            )),
            None => Context::new().with_value(Announced { trace_id: ids.trace_id, sampled: true }),
        };
        let mut span = self.tracer.build_with_ids(Some(ids.trace_id), Some(ids.span_id), builder, &parent);
        if request.status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(end);
        true
    }
}

/// As of a span that was there from the start, and that it was not.
fn attributes(request: &LateRequest<'_>, stats: &RequestStats) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.request.method", request.method),
        KeyValue::new("http.response.status_code", i64::from(request.status)),
        KeyValue::new("url.path", request.path.to_owned()),
        KeyValue::new("aldia.request.id", stats.request_id().to_owned()),
        KeyValue::new("aldia.slow.cause", request.cause),
        KeyValue::new("aldia.sampled.late", true),
    ];
    let mut add = |name: &'static str, value: Option<String>| {
        attributes.extend(value.map(|value| KeyValue::new(name, value)));
    };
    add("aldia.cache", request.cache.map(str::to_owned));
    add("http.route", request.route.map(str::to_owned));
    add("user.id", stats.principal().map(str::to_owned));
    add("aldia.problem.code", request.problem.map(str::to_owned));
    add("error.type", (request.status >= 500).then(|| request.status.to_string()));
    attributes
}

/// The slowest statements and the peers, as sums.
fn events(stats: &RequestStats, at: SystemTime) -> Vec<Event> {
    let statements = stats.slowest_statements().into_iter().take(MAX_LATE_STATEMENTS).map(|statement| {
        vec![
            KeyValue::new(
                "db.query.text",
                statement.sql.chars().take(MAX_STATEMENT_CHARS).collect::<String>(),
            ),
            KeyValue::new("count", i64::try_from(statement.count).unwrap_or(i64::MAX)),
            KeyValue::new("total_ms", millis(statement.total)),
            KeyValue::new("max_ms", millis(statement.max)),
        ]
    });
    let peers = stats.peers().into_iter().map(|peer| {
        vec![
            KeyValue::new("peer.service", peer.name.to_string()),
            KeyValue::new("count", i64::try_from(peer.tries).unwrap_or(i64::MAX)),
            KeyValue::new("total_ms", millis(peer.took)),
        ]
    });
    let event = |name: &'static str| move |attributes| Event::new(name, at, attributes, 0);
    statements.map(event("statements")).chain(peers.map(event("calls"))).collect()
}

/// To the microsecond.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// So many in each second since it was made, without a lock: the second in the upper half, the count in the lower.
#[derive(Debug)]
struct Limit {
    since: Instant,
    taken: AtomicU64,
}

impl Limit {
    fn new() -> Self {
        Self { since: Instant::now(), taken: AtomicU64::new(0) }
    }

    fn allows(&self, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.since).as_secs() & u64::from(u32::MAX);
        let take = |taken: u64| {
            let count = if taken >> 32 == second { taken & u64::from(u32::MAX) } else { 0 };
            (count < u64::from(MAX_LATE_SPANS_PER_SECOND)).then_some(second << 32 | (count + 1))
        };
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
#[path = "late_tests.rs"]
mod tests;
