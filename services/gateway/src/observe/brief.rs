//! An answer that was there at once, observed: the ids, fields, metrics, log line and span of any other, of which nothing is made
//! that nobody wants.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, Uri, Version};
use http_edge::{PlainHead, ReadyAnswer};
use http_server::{Outcome, RequestMetrics, RequestSeries};
use identity::Principal;
use telemetry::late;
use telemetry::request as record;

use super::{Observation, Observer, Seen, draw_request_id, method_label};
use crate::metrics::RouteCacheMetrics;

/// Statuses of one route that are counted without a look-up.
const MOST_SERIES: usize = 16;

/// What is counted of one route, looked up once.
pub(crate) struct RouteSeries {
    pub(crate) cache: RouteCacheMetrics,
    answers: RefCell<Vec<(&'static str, u16, RequestSeries)>>,
}

impl RouteSeries {
    pub(crate) fn new(cache: RouteCacheMetrics) -> Self {
        Self { cache, answers: RefCell::default() }
    }

    fn count(
        &self,
        metrics: &RequestMetrics,
        method: &'static str,
        route: &Arc<str>,
        status: u16,
        took: Duration,
    ) {
        let mut answers = self.answers.borrow_mut();
        if let Some((.., known)) = answers.iter().find(|(of, known, _)| (*of, *known) == (method, status)) {
            return known.observe(took);
        }
        let series = metrics.series(method, route, status);
        series.observe(took);
        if answers.len() < MOST_SERIES {
            answers.push((method, status, series));
        }
    }
}

/// A request whose answer is at hand.
pub(crate) struct Brief<'a> {
    pub(crate) observer: &'a Rc<Observer>,
    pub(crate) head: &'a PlainHead<'a>,
    pub(crate) fields: &'a HeaderMap,
    pub(crate) route: &'a Arc<str>,
    pub(crate) series: &'a RouteSeries,
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) started: Instant,
}

impl Brief<'_> {
    /// Writes the fields that every answer has and reports the request. `says_version`: the answer has a version of the API of its
    /// own; `bytes`: of its body, or of that which HEAD leaves out; `cache_status`: where in the answer's lines it stands.
    pub(crate) fn finish(
        self,
        status: u16,
        bytes: Option<u64>,
        says_version: bool,
        cache_status: Range<usize>,
        answer: &mut ReadyAnswer,
    ) {
        let mut seen = Seen {
            method: self.head.method(),
            version: Version::HTTP_11,
            uri: &Uri::default(),
            headers: self.fields,
            peer: self.head.peer().ip(),
            secure: self.head.is_secure(),
        };
        if !says_version {
            answer.field("x-api-version", b"1");
        }
        let given = seen.request_id();
        let mut buffer = [0; 36];
        let request_id = match &given {
            Some(given) => given.as_str(),
            None => draw_request_id().as_hyphenated().encode_lower(&mut buffer),
        };
        answer.field("x-request-id", request_id.as_bytes());
        let took = self.started.elapsed();
        write_timings(took, answer.lines());
        // A trace that nobody can have recorded needs no look at its id.
        let may_be_sampled = self.observer.sample_ratio > 0.0 || self.fields.contains_key("traceparent");
        let trace = may_be_sampled.then(|| seen.trace(self.observer));
        let is_noted = trace.as_ref().is_some_and(telemetry::propagation::TraceContext::is_sampled)
            || tracing::event_enabled!(target: "access", tracing::Level::INFO)
            || late::is_wanted(status, took, self.observer.slow_request)
            || took >= self.observer.slow_request;
        if !is_noted {
            let method = method_label(seen.method.as_str());
            return self.series.count(&self.observer.metrics, method, self.route, status, took);
        }
        let uri = self.head.target().parse().unwrap_or_default();
        seen.uri = &uri;
        let trace = trace.unwrap_or_else(|| seen.trace(self.observer));
        let mut observed = Observation::of(self.observer, &seen, trace, request_id.to_owned(), self.started);
        observed.name_route(self.route);
        if let Some(principal) = self.principal {
            observed.stats.set_principal(&principal.subject);
        }
        let cache_status = answer.lines().get(cache_status).unwrap_or_default();
        let account = observed.stats.account(took, Instant::now());
        let outcome = Outcome { status, bytes, reported: None, took };
        record::sync_scope(Arc::clone(&observed.stats), || {
            observed.report(&outcome, &account, std::str::from_utf8(cache_status).ok());
        });
    }
}

/// `X-Process-Time` and `Server-Timing` of a request of which all time was the gateway's own.
fn write_timings(took: Duration, out: &mut Vec<u8>) {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    out.extend_from_slice(b"x-process-time: ");
    push_decimal(out, micros, 1_000_000, 100_000);
    out.extend_from_slice(b"\r\nserver-timing: total;dur=");
    push_decimal(out, micros, 1_000, 100);
    out.extend_from_slice(b", app;dur=");
    push_decimal(out, micros, 1_000, 100);
    out.extend_from_slice(b"\r\n");
}

/// Microseconds in units of `unit` of them; `first` is what the first decimal stands for. As `telemetry::request::push_decimal`
/// writes them, in words of the machine.
fn push_decimal(out: &mut Vec<u8>, micros: u64, unit: u64, first: u64) {
    let digit = |number: u64| b'0' + u8::try_from(number % 10).unwrap_or(0);
    let whole = micros / unit;
    let mut place = 1;
    while whole / place >= 10 {
        place *= 10;
    }
    while place > 0 {
        out.push(digit(whole / place));
        place /= 10;
    }
    out.push(b'.');
    let mut place = first;
    while place > 0 {
        out.push(digit(micros / place));
        place /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_any_other_answer() {
        for micros in [0, 7, 10, 999, 1000, 1001, 9_999, 123_456, 1_234_567, 10_000_000, 98_765_432_109] {
            let took = Duration::from_micros(micros);
            let (mut seconds, mut millis) = (String::new(), String::new());
            record::push_decimal(&mut seconds, took, 1_000_000, 6);
            record::push_decimal(&mut millis, took, 1_000, 3);
            let mut out = Vec::new();
            write_timings(took, &mut out);
            let expected = format!(
                "x-process-time: {seconds}\r\nserver-timing: total;dur={millis}, app;dur={millis}\r\n"
            );
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
