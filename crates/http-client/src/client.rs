//! Making calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method};
use reqwest::Url;
use serde::de::DeserializeOwned;
use telemetry::request::Part;
use tracing::{Instrument, Span};

use crate::breaker::{Breakers, Permit, Rule};
use crate::budget::RetryBudget;
use crate::call::{Answer, Call};
use crate::config::ClientConfig;
use crate::error::{HttpError, is_overload};

/// Pause before the first retry at most; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Sooner than servers close idle connections, so that a call seldom meets one being closed.
const POOL_IDLE: Duration = Duration::from_secs(20);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TIMEOUT: HeaderName = HeaderName::from_static(telemetry::deadline::HEADER);

/// Calls other services; clones share connections, retry budget and breakers.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    config: ClientConfig,
    budget: RetryBudget,
    breakers: Breakers,
}

impl Client {
    /// Makes a client; connects to nothing yet.
    ///
    /// # Errors
    /// [`HttpError::Setup`] when TLS cannot be set up.
    pub fn new(config: ClientConfig) -> Result<Self, HttpError> {
        let http = reqwest::Client::builder()
            // A proxy named in the environment is not part of a service's configuration, and breaks calls to loopback.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
            .pool_idle_timeout(POOL_IDLE)
            .user_agent(concat!("aldia/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(HttpError::Setup)?;
        let rule =
            Rule { failures: config.breaker_failures, pause: Duration::from_millis(config.breaker_pause_ms) };
        let inner = Inner { http, config, budget: RetryBudget::new(), breakers: Breakers::new(rule) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Begins a call.
    pub fn request(&self, method: Method, url: impl Into<String>) -> Call<'_> {
        Call::new(self, method, url.into())
    }

    /// Begins a GET.
    pub fn get(&self, url: impl Into<String>) -> Call<'_> {
        self.request(Method::GET, url)
    }

    /// GETs a JSON document.
    ///
    /// # Errors
    /// [`HttpError`] when there is no answer in time, it is not 2xx, or not what `T` expects.
    pub async fn get_json<T: DeserializeOwned>(&self, url: &str) -> Result<T, HttpError> {
        self.get(url).send().await?.success()?.json()
    }

    pub(crate) async fn perform(&self, call: Call<'_>) -> Result<Answer, HttpError> {
        let inner = &*self.inner;
        let url = Url::parse(&call.url).map_err(|_| HttpError::Url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HttpError::Url);
        }
        let origin = url.origin().ascii_serialization();
        let limits = Limits::of(&call, &inner.config);
        let retries = if call.repeatable { inner.config.max_retries } else { 0 };
        inner.budget.deposit();
        // Pauses between attempts are time that the peer costs, too.
        let _asking = telemetry::request::enter(Part::Upstream);
        let mut attempt = 0;
        loop {
            let outcome = inner.attempt(&call, &url, &origin, attempt, limits).await;
            if attempt >= retries || !is_worth_repeating(&outcome) {
                return outcome;
            }
            let pause = pause_before(attempt, &outcome);
            if Instant::now() + pause >= limits.deadline() || !inner.budget.withdraw() {
                return outcome;
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }
}

impl Inner {
    async fn attempt(
        &self,
        call: &Call<'_>,
        url: &Url,
        origin: &str,
        attempt: u32,
        limits: Limits,
    ) -> Result<Answer, HttpError> {
        let started = Instant::now();
        let left = limits.deadline().saturating_duration_since(started);
        if left.is_zero() {
            return Err(HttpError::Timeout { origin: origin.to_owned() });
        }
        let permit = self
            .breakers
            .admit(origin, started)
            .map_err(|retry_after| HttpError::Suspended { origin: origin.to_owned(), retry_after })?;
        let span = span_of(call, url, attempt);
        let exchange = self.exchange(call, url, origin, left, &span).instrument(span.clone());
        let outcome = tokio::time::timeout_at(limits.deadline().into(), exchange)
            .await
            .unwrap_or_else(|_| Err(HttpError::Timeout { origin: origin.to_owned() }));
        record(&span, &outcome);
        if matches!(outcome, Err(HttpError::Timeout { .. })) && limits.hurried(started) {
            // The caller of this process was in a hurry; that says nothing about the origin.
            drop(permit);
        } else {
            settle(permit, &outcome);
        }
        outcome
    }

    async fn exchange(
        &self,
        call: &Call<'_>,
        url: &Url,
        origin: &str,
        left: Duration,
        span: &Span,
    ) -> Result<Answer, HttpError> {
        let transport = |source: reqwest::Error| HttpError::Transport {
            origin: origin.to_owned(),
            source: source.without_url(),
        };
        let mut headers = call.headers.clone();
        propagate(&mut headers, span);
        headers.insert(TIMEOUT, HeaderValue::from(telemetry::deadline::render(left)));
        let started = Instant::now();
        let request =
            self.http.request(call.method.clone(), url.clone()).headers(headers).body(call.body.clone());
        let head = request.send().await;
        if let Some(stats) = telemetry::request::current() {
            stats.record_call(&Arc::from(origin), 1, started.elapsed());
        }
        let mut response = head.map_err(transport)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let limit = self.config.max_answer_bytes;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge { origin: origin.to_owned(), limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: Bytes::from(body), origin: origin.to_owned() })
    }
}

/// Until when a call may take.
#[derive(Clone, Copy)]
struct Limits {
    /// By the client's configuration and the call itself.
    own: Instant,
    /// By the request the call is made for.
    request: Option<Instant>,
}

impl Limits {
    fn of(call: &Call<'_>, config: &ClientConfig) -> Self {
        let limit = Instant::now() + Duration::from_millis(config.timeout_ms);
        let own = call.deadline.map_or(limit, |deadline| deadline.min(limit));
        let request = telemetry::request::with_current(telemetry::request::RequestStats::deadline).flatten();
        Self { own, request }
    }

    fn deadline(&self) -> Instant {
        self.request.map_or(self.own, |request| request.min(self.own))
    }

    /// Whether the request left an attempt that began at `started` less than half of the time it would have had. Without this
    /// rule a client that sets tiny deadlines could open the breaker for everybody.
    fn hurried(&self, started: Instant) -> bool {
        let had = self.deadline().saturating_duration_since(started);
        had * 2 < self.own.saturating_duration_since(started)
    }
}

/// Tells the breaker whether the origin served. An error status below 500 is service, and so is a 500: the peer is there.
fn settle(permit: Permit, outcome: &Result<Answer, HttpError>) {
    let served = match outcome {
        Ok(answer) => !is_overload(answer.status),
        Err(error) => !error.is_unavailable(),
    };
    permit.ended(served, Instant::now());
}

fn is_worth_repeating(outcome: &Result<Answer, HttpError>) -> bool {
    match outcome {
        Ok(answer) => is_overload(answer.status),
        Err(error) => matches!(error, HttpError::Transport { .. }),
    }
}

/// What the peer asks for, or else a random part of a growing span: clients that failed together do not return together.
fn pause_before(attempt: u32, outcome: &Result<Answer, HttpError>) -> Duration {
    let asked = outcome.as_ref().ok().and_then(|answer| answer.headers.get(RETRY_AFTER)).and_then(seconds);
    let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(8)).min(LONGEST_PAUSE);
    asked.unwrap_or(Duration::ZERO) + longest.mul_f64(rand::random_range(0.0..=1.0))
}

fn seconds(value: &HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Writes the trace context of `span` and the current request's id into the headers.
fn propagate(headers: &mut HeaderMap, span: &Span) {
    span.in_scope(|| {
        telemetry::propagation::inject(&mut |name, value| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        });
    });
    let Some(stats) = telemetry::request::current() else { return };
    if let Ok(value) = HeaderValue::from_str(stats.request_id()) {
        headers.insert(REQUEST_ID, value);
    }
}

fn span_of(call: &Call<'_>, url: &Url, attempt: u32) -> Span {
    tracing::info_span!(
        "http_call",
        "otel.name" = call.method.as_str(),
        "otel.kind" = "client",
        "otel.status_code" = tracing::field::Empty,
        "http.request.method" = call.method.as_str(),
        "http.request.resend_count" = (attempt > 0).then_some(attempt),
        "http.response.status_code" = tracing::field::Empty,
        "server.address" = url.host_str(),
        "server.port" = url.port_or_known_default(),
        "url.full" = without_secrets(url),
        "error.type" = tracing::field::Empty,
    )
}

fn without_secrets(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn record(span: &Span, outcome: &Result<Answer, HttpError>) {
    match outcome {
        Ok(answer) => {
            span.record("http.response.status_code", answer.status.as_u16());
            if !answer.status.is_client_error() && !answer.status.is_server_error() {
                return;
            }
            span.record("error.type", answer.status.as_str());
        }
        Err(error) => {
            span.record("error.type", error.class());
        }
    }
    span.record("otel.status_code", "ERROR");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_in_a_span_has_no_credentials_and_no_query() {
        let url = Url::parse("https://user:hunter2@host:8443/path?token=hunter2#x").unwrap();
        assert_eq!(without_secrets(&url), "https://host:8443/path");
    }

    #[test]
    fn pauses_grow_but_stay_bounded_and_honour_the_peer() {
        let broken: Result<Answer, HttpError> = Err(HttpError::Url);
        for attempt in 0..40 {
            assert!(pause_before(attempt, &broken) <= LONGEST_PAUSE);
        }
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        let busy = Answer {
            status: http::StatusCode::SERVICE_UNAVAILABLE,
            headers,
            body: Bytes::new(),
            origin: String::new(),
        };
        assert!(pause_before(0, &Ok(busy)) >= Duration::from_secs(2));
    }
}
