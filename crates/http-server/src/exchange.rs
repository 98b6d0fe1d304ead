//! One request and its answer, observed: ids, span, statistics, and the report at the end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage as _, HttpResponse};
use problem::Reported;
use telemetry::late::{self, LateRequest};
use telemetry::propagation;
use telemetry::request::{Account, Cause, RequestStats, push_decimal};
use tracing::Span;
use tracing::field::Empty;
use uuid::Uuid;

use crate::health::is_health_path;
use crate::incoming;
use crate::outcome::Outcome;
use crate::request_metrics::{RequestMetrics, method_label};
use crate::route::{RouteSlot, UNMATCHED};
use crate::slow::SlowRequest;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_PROCESS_TIME: HeaderName = HeaderName::from_static("x-process-time");
const X_API_VERSION: HeaderName = HeaderName::from_static("x-api-version");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const MAX_REQUEST_ID_CHARS: usize = 128;
const MAX_USER_AGENT_CHARS: usize = 256;

/// What observing needs besides the request; one per server, shared by its workers.
#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) metrics: RequestMetrics,
    pub(crate) slow_request: Duration,
}

/// A request between its head and its answer's head. Dropped without [`Exchange::finish`], it reports that the
/// client left.
pub(crate) struct Exchange {
    observer: Arc<Observer>,
    started: Instant,
    pub(crate) method: &'static str,
    pub(crate) route: Arc<str>,
    named: RouteSlot,
    path: String,
    quiet: bool,
    pub(crate) span: Span,
    pub(crate) stats: Arc<RequestStats>,
    finished: bool,
}

impl Exchange {
    pub(crate) fn begin(observer: Arc<Observer>, request: &mut ServiceRequest) -> Self {
        let started = Instant::now();
        let method = method_label(request.method().as_str());
        let route: Arc<str> = Arc::from(request.match_pattern().as_deref().unwrap_or(UNMATCHED));
        let path = request.path().to_owned();
        let quiet = is_health_path(&path);
        let sent = request.headers().get_all(X_REQUEST_ID).map(HeaderValue::as_bytes);
        let request_id = accepted_request_id(sent).unwrap_or_else(new_request_id);
        let span = span(request, method, &route, &request_id);
        if quiet {
            // Health checks come all day long: a parent that is not sampled keeps them out of the traces.
            propagation::set_parent(&span, propagation::extract(unsampled));
        } else {
            propagation::set_parent(&span, propagation::extract(|name| values(request.headers(), name)));
        }
        // A process that does not trace still names its requests, so that problems and log lines can be matched.
        let trace_id = propagation::trace_id(&span).unwrap_or_else(|| Uuid::new_v4().simple().to_string());
        let stats = RequestStats::new(Some(trace_id), request_id);
        incoming::watch(request, &stats, started);
        let named = RouteSlot::default();
        request.extensions_mut().insert(named.clone());
        observer.metrics.begin();
        Self { observer, started, method, route, named, path, quiet, span, stats, finished: false }
    }

    /// Completes the answer's headers and reports the request.
    pub(crate) fn finish(mut self, response: &mut HttpResponse<BoxBody>) {
        let account = final_account(&self.stats, self.started);
        let took = account.total;
        self.set_headers(response.headers_mut(), &account);
        let bytes = match response.body().size() {
            BodySize::Sized(bytes) => Some(bytes),
            BodySize::None => Some(0),
            BodySize::Stream => None,
        };
        let reported = response.extensions().get::<Reported>().cloned();
        let outcome = Outcome { status: response.status().as_u16(), bytes, reported, took };
        let cache_status = response.headers().get_all(CACHE_STATUS).next_back();
        self.report(&outcome, &account, cache_status.and_then(|value| value.to_str().ok()));
    }

    fn set_headers(&self, headers: &mut HeaderMap, account: &Account) {
        headers.insert(X_API_VERSION, HeaderValue::from_static("1"));
        let mut set = |name: HeaderName, value: &str, keep: bool| {
            if let Ok(value) = HeaderValue::from_str(value) {
                if keep {
                    headers.append(name, value);
                } else {
                    headers.insert(name, value);
                }
            }
        };
        set(X_REQUEST_ID, self.stats.request_id(), false);
        let mut seconds = String::with_capacity(16);
        push_decimal(&mut seconds, account.total, 1_000_000, 6);
        set(X_PROCESS_TIME, &seconds, false);
        // What a service behind this one reported of itself stays beside it.
        set(SERVER_TIMING, &account.server_timing(Some(self.stats.statements())), true);
    }

    fn report(&mut self, outcome: &Outcome, account: &Account, cache_status: Option<&str>) {
        self.finished = true;
        if let Some(named) = self.named.take() {
            propagation::rename(&self.span, format!("{} {named}", self.method));
            self.span.record("http.route", named.as_str());
            self.route = Arc::from(named);
        }
        let trace_id = self.is_recorded(outcome, account).then(|| self.stats.trace_id()).flatten();
        self.observer.metrics.end(self.method, &self.route, outcome.status, outcome.took, trace_id);
        outcome.record_on(&self.span, &self.stats);
        self.log_access(outcome);
        if outcome.took >= self.observer.slow_request && !self.quiet {
            self.span.record("aldia.slow.cause", Cause::of(account).as_str());
            let slow = SlowRequest {
                method: self.method,
                route: &self.route,
                path: &self.path,
                status: outcome.status,
                cache_status,
                account,
                stats: &self.stats,
            };
            slow.log();
        }
    }

    /// Whether the request is in a trace: it was drawn for that, or what became of it deserves a span now.
    fn is_recorded(&self, outcome: &Outcome, account: &Account) -> bool {
        if propagation::is_recorded(&self.span) {
            return true;
        }
        if self.quiet || !late::is_wanted(outcome.status, outcome.took, self.observer.slow_request) {
            return false;
        }
        let request = LateRequest {
            method: self.method,
            route: (*self.route != *UNMATCHED).then_some(&*self.route),
            path: &self.path,
            status: outcome.status,
            problem: outcome.code(),
            cause: Cause::of(account).as_str(),
            cache: None,
            took: outcome.took,
        };
        propagation::unrecorded(&self.span).is_some_and(|ids| late::record(&ids, &request, &self.stats))
    }

    fn log_access(&self, outcome: &Outcome) {
        // The level is part of a call site, so each level needs its own.
        macro_rules! access {
            ($level:ident) => {
                tracing::$level!(
                    target: "access",
                    method = self.method,
                    route = &*self.route,
                    path = self.path,
                    status = outcome.status,
                    duration_ms = millis(outcome.took),
                    bytes = outcome.bytes,
                    principal = self.stats.principal(),
                    statements = self.stats.statements(),
                    db_ms = millis(self.stats.db_time()),
                    pool_wait_ms = millis(self.stats.pool_wait()),
                    upstream_ms = (self.stats.upstream_calls() > 0).then(|| millis(self.stats.upstream_time())),
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
            _ if self.quiet => access!(debug),
            _ => access!(info),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.finished {
            let account = final_account(&self.stats, self.started);
            self.report(&Outcome::client_left(account.total), &account, None);
        }
    }
}

/// Names and values follow the stable HTTP semantic conventions.
fn span(request: &ServiceRequest, method: &'static str, route: &str, request_id: &str) -> Span {
    let matched = (route != UNMATCHED).then_some(route);
    let name = matched.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let agent = request.headers().get("user-agent").and_then(|agent| agent.to_str().ok());
    let agent = agent.map(|agent| agent.chars().take(MAX_USER_AGENT_CHARS).collect::<String>());
    let span = tracing::info_span!(
        "request",
        otel.name = name,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        url.path = request.path(),
        url.scheme = "http",
        client.address = request.peer_addr().map(|peer| peer.ip().to_string()),
        user_agent.original = agent,
        user.id = Empty,
        error.type = Empty,
        aldia.problem.code = Empty,
        aldia.request.id = request_id,
        aldia.slow.cause = Empty,
    );
    if let Some(route) = matched {
        span.record("http.route", route);
    }
    span
}

fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    // A value that is not text is replaced, not skipped: it must still count as a repetition, and parses as nothing.
    headers.get_all(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

fn unsampled(name: &str) -> Vec<String> {
    match name {
        "traceparent" => {
            let span = Uuid::now_v7().as_u64_pair().1;
            vec![format!("00-{}-{span:016x}-00", Uuid::new_v4().simple())]
        }
        _ => Vec::new(),
    }
}

/// Where the time of a request that began at this instant has gone, at its end. Counts in the poll under way, in which most answers
/// are made.
#[must_use]
pub fn final_account(stats: &RequestStats, started: Instant) -> Account {
    let now = Instant::now();
    if let Some(held) = stall_detector::held_until(now) {
        stats.record_blocked(held);
    }
    stats.account(now.saturating_duration_since(started), now)
}

/// The request id among the values of `X-Request-Id`, if there is one that can be taken over: ids from outside go into logs
/// and headers, so only 1 to 128 letters, digits, `-`, `_` and `.` pass.
pub fn accepted_request_id<'a>(mut sent: impl Iterator<Item = &'a [u8]>) -> Option<String> {
    let (Some(id), None) = (sent.next(), sent.next()) else { return None };
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let accepted = (1..=MAX_REQUEST_ID_CHARS).contains(&id.len()) && id.iter().all(harmless);
    accepted.then(|| String::from_utf8_lossy(id).into_owned())
}

fn new_request_id() -> String {
    Uuid::now_v7().to_string()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
