//! How a request ended, and what a span is told of it.

use std::time::Duration;

use problem::Reported;
use telemetry::request::RequestStats;
use tracing::Span;

/// What is recorded of a request whose client left before the answer; never sent.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The end of a request, when its answer's head is known.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer's status.
    pub status: u16,
    /// Length of the answer's body, if it is known.
    pub bytes: Option<u64>,
    /// The problem that the answer was made from.
    pub reported: Option<Reported>,
    /// From the request's head to the answer's head.
    pub took: Duration,
}

impl Outcome {
    /// The client left before there was an answer: status 499, which is only recorded.
    #[must_use]
    pub fn client_left(took: Duration) -> Self {
        Self { status: CLIENT_CLOSED_REQUEST, bytes: None, reported: None, took }
    }

    /// The code of the problem.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        self.reported.as_ref().map(|reported| reported.0.kind().code)
    }

    /// The internal reason of the problem; for the log only.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        self.reported.as_ref().and_then(|reported| reported.0.cause_chain())
    }

    /// Completes a server span. It must have the fields `http.response.status_code`, `user.id`, `aldia.problem.code`,
    /// `error.type` and `otel.status_code`.
    pub fn record_on(&self, span: &Span, stats: &RequestStats) {
        span.record("http.response.status_code", i64::from(self.status));
        if let Some(principal) = stats.principal() {
            span.record("user.id", principal);
        }
        if let Some(code) = self.code() {
            span.record("aldia.problem.code", code);
        }
        // A client's mistake is not an error of the server span (HTTP semantic conventions).
        if self.status >= 500 {
            span.record("error.type", self.status.to_string());
            span.record("otel.status_code", "ERROR");
        }
    }
}
