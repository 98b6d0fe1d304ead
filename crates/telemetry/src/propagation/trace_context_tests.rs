//! Reading, deciding, passing on, and the root span of a trace announced beforehand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::trace::{SpanId, TraceContextExt as _, TraceId, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::super::traceparent::examples::{PARENT, TRACE, malformed};
use super::super::{RootIds, RootSampler, RootTracer, inject, set_parent};
use super::{TraceContext, is_within};

type Headers<'h> = &'h [(&'h str, &'h str)];

fn read(headers: Headers<'_>, sample_ratio: f64) -> TraceContext {
    TraceContext::read(
        |name| headers.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_bytes()),
        sample_ratio,
    )
}

fn unsampled(trace: &TraceContext) -> BTreeMap<&'static str, String> {
    let mut sent = BTreeMap::new();
    trace.inject_unsampled(&mut |name, value| drop(sent.insert(name, value)));
    sent
}

/// Every span that would be exported.
#[derive(Clone, Debug, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

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

/// Makes the span of a request with one inside of it, as a service set up to record `sample_ratio` does.
fn serve(trace: &TraceContext, sample_ratio: f64) -> (Vec<SpanData>, BTreeMap<&'static str, String>) {
    let (ended, mut sent) = (Ended::default(), BTreeMap::new());
    let root = RootSampler(Sampler::TraceIdRatioBased(sample_ratio));
    let provider = SdkTracerProvider::builder()
        .with_id_generator(RootIds::default())
        .with_sampler(Sampler::ParentBased(Box::new(root)))
        .with_span_processor(ended.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(RootTracer(provider.tracer("test")));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let span = tracing::info_span!("request");
        set_parent(&span, trace.to_otel());
        span.in_scope(|| {
            tracing::info_span!("inner")
                .in_scope(|| inject(&mut |name, value| drop(sent.insert(name, value))));
        });
        let other = tracing::info_span!(parent: None, "other");
        assert_ne!(
            other.context().span().span_context().trace_id(),
            span.context().span().span_context().trace_id()
        );
    });
    let ended = ended.0.lock().unwrap().clone();
    (ended.into_iter().filter(|span| span.name != "other").collect(), sent)
}

#[test]
fn the_flag_of_the_parent_decides_whatever_the_ratio() {
    for (flags, sampled, passed_on) in
        [("00", false, "00"), ("01", true, "00"), ("02", false, "02"), ("ff", true, "02")]
    {
        let parent = format!("00-{TRACE}-{PARENT}-{flags}");
        for ratio in [0.0, 1.0] {
            let trace = read(&[("traceparent", &parent)], ratio);
            assert_eq!((trace.is_sampled(), trace.trace_id().as_str()), (sampled, TRACE));
            let sent = &unsampled(&trace)["traceparent"];
            assert!(
                sent.starts_with(&format!("00-{TRACE}-")) && sent.ends_with(&format!("-{passed_on}")),
                "{sent}"
            );
            assert!(!sent.contains(PARENT) && sent.len() == 55, "{sent}");
        }
    }
}

#[test]
fn without_a_parent_to_believe_a_trace_begins_and_the_ratio_decides() {
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let mut ids = BTreeSet::new();
    let mut check = |headers: Headers<'_>| {
        let none = read(headers, 0.0);
        assert!(!none.is_sampled() && read(headers, 1.0).is_sampled(), "{headers:?}");
        assert!(ids.insert(none.trace_id()) && none.trace_id() != TRACE, "{headers:?}");
        let sent = unsampled(&none);
        assert!(sent["traceparent"].starts_with(&format!("00-{}-", none.trace_id())), "{headers:?}");
        assert!(sent["traceparent"].ends_with("-02"), "{headers:?}");
        assert!(!sent.contains_key("tracestate"), "{headers:?}");
    };
    for traceparent in malformed() {
        check(&[("traceparent", &traceparent), ("tracestate", "a=1")]);
    }
    check(&[("traceparent", &parent), ("traceparent", &parent), ("tracestate", "a=1")]);
    check(&[("tracestate", "a=1")]);
    check(&[]);
}

#[test]
fn a_header_that_is_no_text_is_no_parent() {
    let trace =
        TraceContext::read(|name| (name == "traceparent").then_some(&b"00-\xff"[..]).into_iter(), 0.0);
    assert!(!trace.is_sampled());
}

#[test]
fn the_ratio_is_one_of_the_random_part_alone() {
    let with_random_part = |part: u64| TraceId::from(u128::from(part) | u128::MAX << 56);
    let half = 1_u64 << 55;
    assert!(is_within(with_random_part(half - 1), 0.5) && !is_within(with_random_part(half), 0.5));
    assert!(is_within(with_random_part((1 << 56) - 1), 1.0) && !is_within(with_random_part(0), 0.0));
    assert!(!is_within(with_random_part(0), f64::NAN) && !is_within(with_random_part(0), -1.0));
}

#[test]
fn tracestate_and_baggage_pass_without_a_span() {
    let parent = format!("00-{TRACE}-{PARENT}-00");
    let sent = unsampled(&read(
        &[
            ("traceparent", &parent),
            ("tracestate", "a=1 , b=2"),
            ("tracestate", "c=3"),
            ("baggage", "user= a%20b;p=1"),
            ("baggage", "x=y"),
        ],
        1.0,
    ));
    assert_eq!(sent["tracestate"], "a=1,b=2,c=3");
    assert_eq!(sent["baggage"], "user= a%20b;p=1,x=y");
    assert_eq!(unsampled(&read(&[("baggage", "x=y")], 0.0))["baggage"], "x=y");
}

#[test]
fn whatever_a_request_calls_gets_the_one_span_id_of_that_request() {
    let parent = format!("00-{TRACE}-{PARENT}-00");
    let trace = read(&[("traceparent", &parent)], 0.0);
    let sent = unsampled(&trace)["traceparent"].clone();
    assert_eq!(sent, unsampled(&trace)["traceparent"], "tries are of one request");
    assert!(!sent.contains(PARENT), "it is not the caller's");
    assert_ne!(sent, unsampled(&read(&[("traceparent", &parent)], 0.0))["traceparent"]);
}

#[test]
fn the_root_span_of_a_sampled_trace_has_the_id_announced_and_no_parent() {
    // What the service records of traces it begins by itself must not matter: the decision was taken.
    for service_ratio in [0.0, 1.0] {
        let trace = read(&[("baggage", "x=y")], 1.0);
        let (spans, sent) = serve(&trace, service_ratio);
        let root = spans.iter().find(|span| span.name == "request").unwrap();
        let inner = spans.iter().find(|span| span.name == "inner").unwrap();
        assert_eq!(root.span_context.trace_id().to_string(), trace.trace_id());
        assert!(root.span_context.is_sampled());
        assert_eq!(root.parent_span_id, SpanId::INVALID);
        assert_eq!(inner.parent_span_id, root.span_context.span_id());
        let expected = format!("00-{}-{}-03", trace.trace_id(), inner.span_context.span_id());
        assert_eq!(sent["traceparent"], expected);
        assert_eq!(sent["baggage"], "x=y");
    }
}

#[test]
fn a_span_made_for_an_unsampled_trace_is_not_recorded_but_keeps_its_id() {
    let trace = read(&[], 0.0);
    let (spans, sent) = serve(&trace, 1.0);
    assert!(spans.is_empty());
    assert!(sent["traceparent"].starts_with(&format!("00-{}-", trace.trace_id())));
    assert!(sent["traceparent"].ends_with("-02"));
}

#[test]
fn a_span_under_a_parent_from_outside_continues_its_trace() {
    let parent = format!("00-{TRACE}-{PARENT}-03");
    let (spans, sent) = serve(&read(&[("traceparent", &parent), ("tracestate", "a=1")], 0.0), 0.0);
    let root = spans.iter().find(|span| span.name == "request").unwrap();
    assert_eq!(root.span_context.trace_id().to_string(), TRACE);
    assert_eq!(root.parent_span_id.to_string(), PARENT);
    assert!(root.parent_span_is_remote);
    assert_eq!(sent["tracestate"], "a=1");
}
