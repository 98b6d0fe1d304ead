//! One request and its answer, observed: ids, span, log line, timings and metrics.
//!
//! Whether a trace is recorded is known before anything else; a request nobody records costs no span, and its context is
//! passed on all the same.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use http_body::Body as _;
use http_edge::ClientConnection;
use http_server::{Outcome, RequestMetrics, accepted_request_id, method_label};
use hyper::body::Incoming;
use problem::Reported;
use telemetry::propagation::{self, TraceContext};
use telemetry::request::RequestStats;
use tracing::Span;
use tracing::field::Empty;

use crate::forward::body::GatewayBody;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_PROCESS_TIME: HeaderName = HeaderName::from_static("x-process-time");
const X_API_VERSION: HeaderName = HeaderName::from_static("x-api-version");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const MAX_USER_AGENT_CHARS: usize = 256;
/// Requests without a route are filed under this; a label must not hold what clients make up.
const UNMATCHED: &str = "unmatched";

/// What observing needs besides the request; one per worker.
pub(crate) struct Observer {
    pub(crate) metrics: RequestMetrics,
    pub(crate) slow_request: Duration,
    pub(crate) sample_ratio: f64,
    pub(crate) unmatched: Arc<str>,
}

impl Observer {
    pub(crate) fn new(metrics: RequestMetrics, slow_request: Duration, sample_ratio: f64) -> Self {
        Self { metrics, slow_request, sample_ratio, unmatched: Arc::from(UNMATCHED) }
    }
}

/// A request between its head and its answer's head. Dropped without [`Observation::finish`], it reports that the client
/// left.
pub(crate) struct Observation {
    observer: std::rc::Rc<Observer>,
    started: Instant,
    method: &'static str,
    route: Arc<str>,
    uri: Uri,
    trace: TraceContext,
    /// Disabled unless the trace is recorded.
    pub(crate) span: Span,
    pub(crate) stats: Arc<RequestStats>,
    request_id: HeaderValue,
    /// How the client stands with its quotas, as fields of the answer.
    pub(crate) quotas: HeaderMap,
    finished: bool,
}

impl Observation {
    pub(crate) fn begin(
        observer: &std::rc::Rc<Observer>,
        request: &Request<Incoming>,
        client: &ClientConnection,
    ) -> Self {
        let headers = request.headers();
        let method = method_label(request.method().as_str());
        let lines = |name| headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let trace = TraceContext::read(lines, observer.sample_ratio);
        let request_id = accepted_request_id(headers.get_all(X_REQUEST_ID).iter().map(HeaderValue::as_bytes));
        let request_id = request_id.unwrap_or_else(new_request_id);
        let span =
            if trace.is_sampled() { server_span(request, method, client, &trace) } else { Span::none() };
        observer.metrics.begin();
        Self {
            observer: std::rc::Rc::clone(observer),
            started: Instant::now(),
            method,
            route: Arc::clone(&observer.unmatched),
            uri: request.uri().clone(),
            span,
            request_id: HeaderValue::from_str(&request_id).unwrap_or(HeaderValue::from_static("none")),
            stats: RequestStats::new(Some(trace.trace_id()), request_id),
            trace,
            quotas: HeaderMap::new(),
            finished: false,
        }
    }

    /// Names the route in span, metrics and log.
    pub(crate) fn name_route(&mut self, route: &Arc<str>) {
        self.route = Arc::clone(route);
    }

    /// For work that goes on when this request is answered: of the same trace, and not reported as a request.
    pub(crate) fn in_background(&self) -> Self {
        let span = if self.trace.is_sampled() {
            tracing::info_span!(parent: &self.span, "revalidate", otel.kind = "internal")
        } else {
            Span::none()
        };
        let id = self.request_id.to_str().unwrap_or("none").to_owned();
        Self {
            observer: std::rc::Rc::clone(&self.observer),
            started: Instant::now(),
            method: self.method,
            route: Arc::clone(&self.route),
            uri: self.uri.clone(),
            stats: RequestStats::new(Some(self.trace.trace_id()), id),
            trace: self.trace.clone(),
            span,
            request_id: self.request_id.clone(),
            quotas: HeaderMap::new(),
            finished: true,
        }
    }

    pub(crate) fn request_id(&self) -> HeaderValue {
        self.request_id.clone()
    }

    /// Whether the exchange with an upstream deserves a span.
    pub(crate) fn is_recorded(&self) -> bool {
        self.trace.is_sampled()
    }

    /// Writes the trace for the next hop: of the current span, or, when nothing is recorded, of none.
    pub(crate) fn inject(&self, fields: &mut HeaderMap) {
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                fields.insert(HeaderName::from_static(name), value);
            }
        };
        if self.trace.is_sampled() {
            propagation::inject(&mut set);
        } else {
            self.trace.inject_unsampled(&mut set);
        }
    }

    /// Completes the answer's head and reports the request.
    pub(crate) fn finish(mut self, response: &mut Response<GatewayBody>) {
        let took = self.started.elapsed();
        self.set_fields(response.headers_mut(), took);
        let bytes = response.body().size_hint().exact();
        let reported = response.extensions_mut().remove::<Reported>();
        self.report(&Outcome { status: response.status().as_u16(), bytes, reported, took });
    }

    fn set_fields(&self, fields: &mut HeaderMap, took: Duration) {
        fields.entry(X_API_VERSION).or_insert(HeaderValue::from_static("1"));
        fields.insert(X_REQUEST_ID, self.request_id.clone());
        let mut seconds = String::with_capacity(16);
        push_decimal(&mut seconds, took, 1_000_000, 6);
        if let Ok(seconds) = HeaderValue::try_from(seconds) {
            fields.insert(X_PROCESS_TIME, seconds);
        }
        // What a service behind this one reported of itself stays beside it.
        if let Ok(timing) = HeaderValue::try_from(server_timing(&self.stats, took)) {
            fields.append(SERVER_TIMING, timing);
        }
        for (name, value) in &self.quotas {
            if *name == http::header::RETRY_AFTER {
                fields.insert(name.clone(), value.clone());
            } else {
                fields.append(name.clone(), value.clone());
            }
        }
    }

    fn report(&mut self, outcome: &Outcome) {
        self.finished = true;
        self.observer.metrics.end(self.method, &self.route, outcome.status, outcome.took.as_secs_f64());
        if self.trace.is_sampled() {
            self.record_on_span(outcome);
        }
        let _entered = self.span.enter();
        self.log_access(outcome);
        if outcome.took >= self.observer.slow_request {
            self.log_slow(outcome);
        }
    }

    fn record_on_span(&self, outcome: &Outcome) {
        if *self.route != *UNMATCHED {
            propagation::rename(&self.span, format!("{} {}", self.method, self.route));
            self.span.record("http.route", &*self.route);
        }
        outcome.record_on(&self.span, &self.stats);
    }

    fn log_access(&self, outcome: &Outcome) {
        // The level is part of a call site, so each level needs its own.
        macro_rules! access {
            ($level:ident) => {
                tracing::$level!(
                    target: "access",
                    method = self.method,
                    route = &*self.route,
                    path = self.uri.path(),
                    status = outcome.status,
                    duration_ms = millis(outcome.took),
                    bytes = outcome.bytes,
                    principal = self.stats.principal(),
                    upstream_ms = (self.stats.upstream_calls() > 0).then(|| millis(self.stats.upstream_time())),
                    tries = self.stats.upstream_calls(),
                    code = outcome.code(),
                    cause = outcome.cause(),
                    "request"
                )
            };
        }
        match outcome.status {
            // Somebody has to look at a 500; the other failures of the server name a known cause.
            500 => access!(error),
            501.. => access!(warn),
            _ => access!(info),
        }
    }

    fn log_slow(&self, outcome: &Outcome) {
        let upstream = self.stats.upstream_time();
        tracing::warn!(
            target: "slow",
            method = self.method,
            route = &*self.route,
            path = self.uri.path(),
            status = outcome.status,
            duration_ms = millis(outcome.took),
            upstream_ms = millis(upstream),
            app_ms = millis(outcome.took.saturating_sub(upstream)),
            "slow request"
        );
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if !self.finished {
            let took = self.started.elapsed();
            self.report(&Outcome::client_left(took));
        }
    }
}

/// A UUIDv7 from the thread's generator: asking the system for random bytes each time would cost a call.
pub(crate) fn new_request_id() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid().to_string()
}

/// Names and values follow the stable HTTP semantic conventions.
fn server_span(
    request: &Request<Incoming>,
    method: &'static str,
    client: &ClientConnection,
    trace: &TraceContext,
) -> Span {
    let agent = request.headers().get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.map(|agent| agent.chars().take(MAX_USER_AGENT_CHARS).collect::<String>());
    let span = tracing::info_span!(
        "request",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        network.protocol.version = ?request.version(),
        url.path = request.uri().path(),
        url.scheme = if client.is_secure() { "https" } else { "http" },
        client.address = client.peer().ip().to_string(),
        user_agent.original = agent,
        user.id = Empty,
        error.type = Empty,
        aldia.problem.code = Empty,
    );
    if *request.method() != Method::CONNECT {
        propagation::set_parent(&span, trace.to_otel());
    }
    span
}

/// `total`, and the parts it is made of; what no part accounts for is `app`.
fn server_timing(stats: &RequestStats, took: Duration) -> String {
    let mut value = String::with_capacity(64);
    part(&mut value, "total", took);
    let upstream = stats.upstream_time();
    if stats.upstream_calls() > 0 {
        part(&mut value, ", upstream", upstream);
    }
    part(&mut value, ", app", took.saturating_sub(upstream));
    value
}

fn part(out: &mut String, name: &str, took: Duration) {
    out.push_str(name);
    out.push_str(";dur=");
    push_decimal(out, took, 1_000, 3);
}

/// Microseconds in units of `unit` of them, with so many decimals. Without the formatting machinery, which would be a part of
/// what it measures.
fn push_decimal(out: &mut String, took: Duration, unit: u128, decimals: usize) {
    let micros = took.as_micros();
    push_digits(out, micros / unit, 1);
    out.push('.');
    push_digits(out, micros % unit, decimals);
}

fn push_digits(out: &mut String, number: u128, at_least: usize) {
    if number >= 10 || at_least > 1 {
        push_digits(out, number / 10, at_least.saturating_sub(1));
    }
    out.push(char::from(b'0' + u8::try_from(number % 10).unwrap_or(0)));
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_with_their_decimals() {
        let written = |micros: u64, unit, decimals| {
            let mut out = String::new();
            push_decimal(&mut out, Duration::from_micros(micros), unit, decimals);
            out
        };
        for (micros, millis, seconds) in [
            (0, "0.000", "0.000000"),
            (7, "0.007", "0.000007"),
            (1_234_567, "1234.567", "1.234567"),
            (10_000_000, "10000.000", "10.000000"),
        ] {
            assert_eq!(written(micros, 1_000, 3), millis);
            assert_eq!(written(micros, 1_000_000, 6), seconds);
        }
    }
}
