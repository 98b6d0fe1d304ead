//! One request and its answer, observed: ids, span, log line, timings and metrics.
//!
//! Whether a trace is recorded is known before anything else; a request nobody records costs no span, and its context is
//! passed on all the same.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri, Version};
use http_body::Body as _;
use http_edge::ClientConnection;
use http_server::{Outcome, RequestMetrics, SlowRequest, accepted_request_id, final_account, method_label};
use hyper::body::Incoming;
use problem::Reported;
use telemetry::late::{self, LateRequest};
use telemetry::propagation::{self, TraceContext};
use telemetry::request::{Account, Cause, RequestStats, push_decimal};
use tracing::Span;
use tracing::field::Empty;

use crate::forward::body::GatewayBody;

mod brief;

pub(crate) use brief::{Brief, RouteSeries};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_PROCESS_TIME: HeaderName = HeaderName::from_static("x-process-time");
const X_API_VERSION: HeaderName = HeaderName::from_static("x-api-version");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
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

/// What is observed of a request's head.
struct Seen<'a> {
    method: &'a Method,
    version: Version,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    peer: IpAddr,
    secure: bool,
}

impl Seen<'_> {
    fn trace(&self, observer: &Observer) -> TraceContext {
        let lines = |name| self.headers.get_all(name).iter().map(HeaderValue::as_bytes);
        TraceContext::read(lines, observer.sample_ratio)
    }

    /// The id that the client gave it, if that can be used.
    fn request_id(&self) -> Option<String> {
        accepted_request_id(self.headers.get_all(X_REQUEST_ID).iter().map(HeaderValue::as_bytes))
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
        let seen = Seen {
            method: request.method(),
            version: request.version(),
            uri: request.uri(),
            headers: request.headers(),
            peer: client.peer().ip(),
            secure: client.is_secure(),
        };
        let trace = seen.trace(observer);
        let request_id = seen.request_id().unwrap_or_else(new_request_id);
        Self::of(observer, &seen, trace, request_id, Instant::now())
    }

    fn of(
        observer: &std::rc::Rc<Observer>,
        seen: &Seen<'_>,
        trace: TraceContext,
        request_id: String,
        started: Instant,
    ) -> Self {
        let method = method_label(seen.method.as_str());
        let span = if trace.is_sampled() { server_span(seen, method, &trace) } else { Span::none() };
        observer.metrics.begin();
        Self {
            observer: std::rc::Rc::clone(observer),
            started,
            method,
            route: Arc::clone(&observer.unmatched),
            uri: seen.uri.clone(),
            span,
            request_id: HeaderValue::from_str(&request_id).unwrap_or(HeaderValue::from_static("none")),
            stats: RequestStats::new(Some(trace.trace_id()), request_id),
            trace,
            quotas: HeaderMap::new(),
            finished: false,
        }
    }

    /// The method, as metrics have it.
    pub(crate) fn method(&self) -> &'static str {
        self.method
    }

    /// Names the route in span, metrics and log.
    pub(crate) fn name_route(&mut self, route: &Arc<str>) {
        stall_detector::name_route(route);
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
        // Drawn before the copy is made: both tell the next hop the same parent.
        let _same_span = self.trace.unrecorded();
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
        let account = final_account(&self.stats, self.started);
        let took = account.total;
        self.set_fields(response.headers_mut(), &account);
        let bytes = response.body().size_hint().exact();
        let reported = response.extensions_mut().remove::<Reported>();
        let outcome = Outcome { status: response.status().as_u16(), bytes, reported, took };
        // Each cache on the way adds its own at the end: this is ours.
        let cache_status = response.headers().get_all(CACHE_STATUS).iter().next_back();
        self.report(&outcome, &account, cache_status.and_then(|value| value.to_str().ok()));
    }

    fn set_fields(&self, fields: &mut HeaderMap, account: &Account) {
        fields.entry(X_API_VERSION).or_insert(HeaderValue::from_static("1"));
        fields.insert(X_REQUEST_ID, self.request_id.clone());
        let mut seconds = String::with_capacity(16);
        push_decimal(&mut seconds, account.total, 1_000_000, 6);
        if let Ok(seconds) = HeaderValue::try_from(seconds) {
            fields.insert(X_PROCESS_TIME, seconds);
        }
        // What a service behind this one reported of itself stays beside it.
        if let Ok(timing) = HeaderValue::try_from(account.server_timing(None)) {
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

    fn report(&mut self, outcome: &Outcome, account: &Account, cache_status: Option<&str>) {
        self.finished = true;
        let is_recorded = match self.trace.is_sampled() {
            true => {
                self.record_on_span(outcome, cache_status);
                late::is_exporting()
            }
            false => self.record_late(outcome, account, cache_status),
        };
        let trace_id = is_recorded.then(|| self.stats.trace_id()).flatten();
        self.observer.metrics.end(self.method, &self.route, outcome.status, outcome.took, trace_id);
        let _entered = self.span.enter();
        self.log_access(outcome);
        if outcome.took >= self.observer.slow_request {
            self.span.record("aldia.slow.cause", Cause::of(account).as_str());
            let slow = SlowRequest {
                method: self.method,
                route: &self.route,
                path: self.uri.path(),
                status: outcome.status,
                cache_status,
                account,
                stats: &self.stats,
            };
            slow.log();
        }
    }

    /// Makes the span of a request that nobody drew, if it was slow or failed.
    fn record_late(&self, outcome: &Outcome, account: &Account, cache_status: Option<&str>) -> bool {
        if !late::is_wanted(outcome.status, outcome.took, self.observer.slow_request) {
            return false;
        }
        let request = LateRequest {
            method: self.method,
            route: (*self.route != *UNMATCHED).then_some(&*self.route),
            path: self.uri.path(),
            status: outcome.status,
            problem: outcome.code(),
            cause: Cause::of(account).as_str(),
            cache: cache_status,
            took: outcome.took,
        };
        late::record(&self.trace.unrecorded(), &request, &self.stats)
    }

    fn record_on_span(&self, outcome: &Outcome, cache_status: Option<&str>) {
        self.span.record("aldia.request.id", self.stats.request_id());
        if let Some(cache_status) = cache_status {
            self.span.record("aldia.cache", cache_status);
        }
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
}

impl Drop for Observation {
    fn drop(&mut self) {
        if !self.finished {
            let account = final_account(&self.stats, self.started);
            self.report(&Outcome::client_left(account.total), &account, None);
        }
    }
}

pub(crate) fn new_request_id() -> String {
    draw_request_id().to_string()
}

/// A UUIDv7 from the thread's generator: asking the system for random bytes each time would cost a call.
fn draw_request_id() -> uuid::Uuid {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}

/// Names and values follow the stable HTTP semantic conventions.
fn server_span(seen: &Seen<'_>, method: &'static str, trace: &TraceContext) -> Span {
    let agent = seen.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.map(|agent| agent.chars().take(MAX_USER_AGENT_CHARS).collect::<String>());
    let span = tracing::info_span!(
        "request",
        otel.name = method,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        network.protocol.version = ?seen.version,
        url.path = seen.uri.path(),
        url.scheme = if seen.secure { "https" } else { "http" },
        client.address = seen.peer.to_string(),
        user_agent.original = agent,
        user.id = Empty,
        error.type = Empty,
        aldia.problem.code = Empty,
        aldia.request.id = Empty,
        aldia.cache = Empty,
        aldia.slow.cause = Empty,
    );
    if *seen.method != Method::CONNECT {
        propagation::set_parent(&span, trace.to_otel());
    }
    span
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
