//! W3C trace context in and out (Trace Context level 2, Baggage), strict where the SDK's propagator is lenient.
//!
//! What a `SpanContext` cannot hold — whether the trace id is random, the raw `tracestate`, the `baggage` lines —
//! travels beside it in the OpenTelemetry context and is written again by [`inject`].

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

mod incoming;
mod root;
mod trace_context;
mod traceparent;

use crate::late::Unrecorded;
use incoming::{Carried, Incoming};
pub(crate) use root::{Announced, RootIds, RootSampler, RootTracer};
pub use trace_context::TraceContext;
use traceparent::{RANDOM, SAMPLED, format_traceparent};

/// Reads the trace context of a request or message. `get_all` returns every value of a header, by lower-case name,
/// in order. An absent, repeated or malformed `traceparent` gives a context that starts a new trace.
pub fn extract(get_all: impl Fn(&str) -> Vec<String>) -> Context {
    let lines = Incoming::HEADERS.map(|name| (name, get_all(name)));
    let named =
        |name| lines.iter().find(|(known, _)| *known == name).into_iter().flat_map(|(_, lines)| lines);
    Incoming::read(|name| named(name).map(String::as_bytes)).into_context()
}

/// Writes the context of the current span as `traceparent`, and `tracestate` and `baggage` when they came in.
/// Outside of a span nothing is written.
pub fn inject(set: &mut dyn FnMut(&'static str, String)) {
    let context = tracing::Span::current().context();
    let carried = context.get::<Arc<Carried>>();
    if let Some(traceparent) = traceparent_of(&context) {
        set("traceparent", traceparent);
        if let Some(tracestate) = carried.and_then(|carried| carried.tracestate.clone()) {
            set("tracestate", tracestate);
        }
    }
    if let Some(baggage) = carried.and_then(|carried| carried.baggage.clone()) {
        set("baggage", baggage);
    }
}

/// Makes `cx` the parent of `span`. Must come before the span is first entered; a span that nobody records, or one
/// already started, keeps what it has.
pub fn set_parent(span: &tracing::Span, cx: Context) {
    if let Err(error) = span.set_parent(cx) {
        tracing::trace!(%error, "span keeps its parent");
    }
}

/// Names a span anew, for what is known only at its end. Recording `otel.name` does this only until the span is started,
/// which [`trace_id`] and [`inject`] do.
pub fn rename(span: &tracing::Span, name: String) {
    span.record("otel.name", name.as_str());
    span.context().span().update_name(name);
}

/// Adds a link from `span` to the span `cx` was extracted from; none when `cx` holds no valid span.
pub fn add_link(span: &tracing::Span, cx: &Context) {
    span.add_link(cx.span().span_context().clone());
}

/// The current span as a `traceparent` value, to be stored with what outlives the request.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    traceparent_of(&tracing::Span::current().context())
}

/// The `tracestate` the current trace came with.
#[must_use]
pub fn current_tracestate() -> Option<String> {
    tracing::Span::current().context().get::<Arc<Carried>>()?.tracestate.clone()
}

/// Hex trace id of `span`, starting the span if it has not been entered yet.
#[must_use]
pub fn trace_id(span: &tracing::Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}

/// Whether `span` is exported; `false` for one that is not sampled, and in a process that exports nothing.
#[must_use]
pub fn is_recorded(span: &tracing::Span) -> bool {
    crate::late::is_exporting() && span.context().span().span_context().is_sampled()
}

/// The ids of a span that is not sampled, for one that is made in its place afterwards ([`crate::late`]).
#[must_use]
pub fn unrecorded(span: &tracing::Span) -> Option<Unrecorded> {
    let context = span.context();
    let parent = context.get::<Arc<Carried>>().and_then(|carried| carried.parent);
    let span = context.span();
    let span = span.span_context();
    let is_so = span.is_valid() && !span.is_sampled();
    is_so.then(|| Unrecorded { trace_id: span.trace_id(), span_id: span.span_id(), parent })
}

fn traceparent_of(context: &Context) -> Option<String> {
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return None;
    }
    let random = context.get::<Arc<Carried>>().and_then(|carried| carried.random).unwrap_or(true);
    let sampled = if span.is_sampled() { SAMPLED } else { 0 };
    let flags = sampled | if random { RANDOM } else { 0 };
    Some(format_traceparent(span.trace_id(), span.span_id(), flags))
}

#[cfg(test)]
mod tests {
    use super::incoming::MAX_BAGGAGE_BYTES;
    use super::traceparent::examples::{PARENT, TRACE, malformed};
    use super::*;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::collections::BTreeMap;
    use tracing_subscriber::layer::SubscriberExt as _;

    /// What a service that got these headers sends to the next one.
    fn passed_on(headers: &[(&str, &str)]) -> BTreeMap<&'static str, String> {
        let tracer = SdkTracerProvider::builder().build().tracer("test");
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let mut sent = BTreeMap::new();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("request");
            set_parent(
                &span,
                extract(|name| {
                    headers
                        .iter()
                        .filter(|(key, _)| *key == name)
                        .map(|(_, value)| (*value).to_owned())
                        .collect()
                }),
            );
            span.in_scope(|| {
                tracing::info_span!("inner")
                    .in_scope(|| inject(&mut |name, value| drop(sent.insert(name, value))));
            });
        });
        sent
    }

    fn with_parent(traceparent: &str) -> String {
        passed_on(&[("traceparent", traceparent)]).remove("traceparent").unwrap()
    }

    fn continues(traceparent: &str) -> bool {
        with_parent(traceparent).contains(TRACE)
    }

    #[test]
    fn the_trace_goes_on_with_a_new_parent_and_its_flags() {
        for flags in ["00", "01", "02", "03"] {
            let sent = with_parent(&format!("00-{TRACE}-{PARENT}-{flags}"));
            assert!(
                sent.starts_with(&format!("00-{TRACE}-")) && sent.ends_with(&format!("-{flags}")),
                "{sent}"
            );
            assert!(!sent.contains(PARENT));
            assert_eq!(sent.len(), 55);
        }
    }

    #[test]
    fn flags_nobody_defined_are_not_passed_on() {
        assert!(with_parent(&format!("00-{TRACE}-{PARENT}-ff")).ends_with("-03"));
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        assert!(continues(&format!("cc-{TRACE}-{PARENT}-01")));
        assert!(continues(&format!("cc-{TRACE}-{PARENT}-01-what-the-future-brings")));
        assert!(with_parent(&format!("cc-{TRACE}-{PARENT}-01")).starts_with("00-"));
        assert!(!continues(&format!("cc-{TRACE}-{PARENT}-01.more")));
    }

    #[test]
    fn a_malformed_traceparent_starts_a_new_trace() {
        for traceparent in malformed() {
            assert!(!continues(&traceparent), "{traceparent}");
        }
    }

    #[test]
    fn a_repeated_traceparent_starts_a_new_trace_without_the_old_tracestate() {
        let parent = format!("00-{TRACE}-{PARENT}-01");
        let sent = passed_on(&[("traceparent", &parent), ("traceparent", &parent), ("tracestate", "a=1")]);
        assert!(!sent["traceparent"].contains(TRACE));
        assert!(!sent.contains_key("tracestate"));
    }

    #[test]
    fn a_new_trace_has_a_random_id_and_says_so() {
        assert!(passed_on(&[])["traceparent"].ends_with("-03"));
    }

    #[test]
    fn tracestate_lines_are_joined_and_a_bad_list_is_dropped() {
        let parent = format!("00-{TRACE}-{PARENT}-01");
        let sent = passed_on(&[("traceparent", &parent), ("tracestate", "a=1 , b=2"), ("tracestate", "c=3")]);
        assert_eq!(sent["tracestate"], "a=1,b=2,c=3");
        let sent = passed_on(&[("traceparent", &parent), ("tracestate", "a=1,,B=2")]);
        assert!(sent["traceparent"].contains(TRACE) && !sent.contains_key("tracestate"));
    }

    #[test]
    fn baggage_passes_through_as_it_came_with_or_without_a_trace() {
        let sent = passed_on(&[("baggage", "user= a%20b;p=1"), ("baggage", "x=y")]);
        assert_eq!(sent["baggage"], "user= a%20b;p=1,x=y");
        assert!(sent.contains_key("traceparent"));
        let sent = passed_on(&[("baggage", &"x".repeat(MAX_BAGGAGE_BYTES + 1))]);
        assert!(!sent.contains_key("baggage"));
    }

    #[test]
    fn outside_of_a_span_nothing_is_sent() {
        let mut sent = 0;
        inject(&mut |_, _| sent += 1);
        assert_eq!(sent, 0);
        assert!(current_traceparent().is_none());
    }
}
