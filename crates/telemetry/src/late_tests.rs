//! What is told of a request afterwards, and how often.

use std::sync::{Arc, Mutex};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanProcessor};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::propagation::{self, RootIds, RootSampler, TraceContext};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[derive(Clone, Debug, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// A process that draws nothing.
fn process() -> (RootTracer, Ended) {
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder()
        .with_id_generator(RootIds::default())
        .with_sampler(Sampler::ParentBased(Box::new(RootSampler(Sampler::AlwaysOff))))
        .with_span_processor(ended.clone())
        .build();
    (RootTracer(provider.tracer("test")), ended)
}

fn request(status: u16) -> LateRequest<'static> {
    LateRequest {
        method: "GET",
        route: Some("/v1/things/{id}"),
        path: "/v1/things/7",
        status,
        problem: (status >= 500).then_some("unavailable"),
        cause: "database",
        cache: Some("aldia; fwd=uri-miss"),
        took: Duration::from_millis(700),
    }
}

fn value<'s>(span: &'s SpanData, name: &str) -> Option<&'s opentelemetry::Value> {
    span.attributes.iter().find(|pair| pair.key.as_str() == name).map(|pair| &pair.value)
}

#[test]
fn a_span_made_afterwards_has_the_ids_that_were_told_and_its_real_times() {
    let (tracer, ended) = process();
    let late = LateSpans::new(tracer);
    let traceparent = format!("00-{TRACE}-{CALLER}-00");
    let trace =
        TraceContext::read(|name| (name == "traceparent").then_some(traceparent.as_bytes()).into_iter(), 0.0);
    let mut told = String::new();
    trace.inject_unsampled(&mut |name, value| {
        if name == "traceparent" {
            told = value;
        }
    });
    let stats = RequestStats::new(None, "r-1".to_owned());
    stats.record_statement("SELECT  1", Duration::from_millis(300));
    stats.record_statement("SELECT  1", Duration::from_millis(200));
    stats.record_call(&Arc::from("uploads"), 2, Duration::from_millis(90));
    stats.set_principal("ada");
    assert!(late.record(&trace.unrecorded(), &request(503), &stats, Instant::now()));

    let spans = ended.0.lock().unwrap();
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    let ids = (span.span_context.trace_id().to_string(), span.span_context.span_id().to_string());
    assert_eq!(told, format!("00-{}-{}-00", ids.0, ids.1), "the next hop knows it as its parent");
    assert_eq!((ids.0.as_str(), span.parent_span_id.to_string().as_str()), (TRACE, CALLER));
    assert_eq!(span.name, "GET /v1/things/{id}");
    assert_eq!(span.end_time.duration_since(span.start_time).unwrap(), Duration::from_millis(700));
    assert!(matches!(span.status, Status::Error { .. }));
    for (name, expected) in [
        ("http.route", "/v1/things/{id}"),
        ("http.response.status_code", "503"),
        ("aldia.problem.code", "unavailable"),
        ("aldia.request.id", "r-1"),
        ("user.id", "ada"),
        ("aldia.cache", "aldia; fwd=uri-miss"),
        ("aldia.slow.cause", "database"),
        ("aldia.sampled.late", "true"),
    ] {
        assert_eq!(value(span, name).map(ToString::to_string).as_deref(), Some(expected), "{name}");
    }
    let events: Vec<String> = span
        .events
        .iter()
        .map(|event| {
            let pairs = event.attributes.iter().map(|pair| format!("{}={}", pair.key, pair.value));
            format!("{} {}", event.name, pairs.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(
        events,
        [
            "statements db.query.text=SELECT  1 count=2 total_ms=500 max_ms=300",
            "calls peer.service=uploads count=2 total_ms=90"
        ]
    );
}

#[test]
fn a_trace_that_began_here_gets_a_root() {
    let (tracer, ended) = process();
    let trace = TraceContext::read(|_| std::iter::empty(), 0.0);
    let copy = trace.clone();
    let stats = RequestStats::new(None, "r".to_owned());
    assert!(LateSpans::new(tracer).record(&trace.unrecorded(), &request(200), &stats, Instant::now()));
    let spans = ended.0.lock().unwrap();
    assert_eq!(spans[0].span_context.trace_id().to_string(), trace.trace_id());
    assert_eq!(spans[0].parent_span_id, SpanId::INVALID);
    assert_eq!(spans[0].status, Status::Unset);
    assert_eq!(trace.unrecorded(), trace.clone().unrecorded(), "background work is of the same request");
    assert_ne!(copy.unrecorded().span_id, trace.unrecorded().span_id, "made before anybody needed the id");
}

#[test]
fn whatever_a_service_does_below_a_span_nobody_records_names_that_span() {
    let (tracer, ended) = process();
    let layer = tracing_opentelemetry::layer().with_tracer(tracer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let span = tracing::info_span!("request");
        let parent = format!("00-{TRACE}-{CALLER}-00");
        propagation::set_parent(
            &span,
            propagation::extract(|name| if name == "traceparent" { vec![parent.clone()] } else { vec![] }),
        );
        let mut told = Vec::new();
        span.in_scope(|| {
            tracing::info_span!("transaction").in_scope(|| {
                tracing::info_span!("call")
                    .in_scope(|| propagation::inject(&mut |_, value| told.push(value)));
            });
        });
        let ids = propagation::unrecorded(&span).unwrap();
        assert_eq!(told, [format!("00-{TRACE}-{}-00", ids.span_id)]);
        let stats = RequestStats::new(None, "r".to_owned());
        assert!(LateSpans::new(tracer).record(&ids, &request(200), &stats, Instant::now()));
        let spans = ended.0.lock().unwrap();
        assert_eq!(spans.len(), 1, "nothing else is recorded");
        assert_eq!(spans[0].span_context.span_id(), ids.span_id);
        assert_eq!(spans[0].parent_span_id.to_string(), CALLER);
    });
}

#[test]
fn so_many_in_a_second_and_again_in_the_next() {
    let limit = Limit::new();
    let at = |millis: u64| limit.since + Duration::from_millis(millis);
    let taken = |millis| (0..200).filter(|_| limit.allows(at(millis))).count();
    assert_eq!(taken(0), 50);
    assert_eq!(taken(999), 0);
    assert_eq!(taken(1000), 50);
    assert_eq!(taken(61_000), 50);
}
