//! W3C trace context in and out (Trace Context level 2, Baggage), strict where the SDK's propagator is lenient.
//!
//! What a `SpanContext` cannot hold — whether the trace id is random, the raw `tracestate`, the `baggage` lines —
//! travels beside it in the OpenTelemetry context and is written again by [`inject`].

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::tracestate;

const SAMPLED: u8 = 0x01;
const RANDOM: u8 = 0x02;
/// What the baggage specification asks everyone to pass on; longer is dropped whole.
const MAX_BAGGAGE_BYTES: usize = 8192;

/// What came in beside the span context.
#[derive(Debug, Default)]
struct Carried {
    /// `None` when the trace starts here, and its id is random by construction.
    random: Option<bool>,
    tracestate: Option<String>,
    baggage: Option<String>,
}

/// Reads the trace context of a request or message. `get_all` returns every value of a header, by lower-case name,
/// in order. An absent, repeated or malformed `traceparent` gives a context that starts a new trace.
pub fn extract(get_all: impl Fn(&str) -> Vec<String>) -> Context {
    let baggage = joined_baggage(&get_all("baggage"));
    let parents = get_all("traceparent");
    let parent = match parents.as_slice() {
        [only] => parse_traceparent(only),
        _ => None,
    };
    let Some(parent) = parent else {
        return match baggage {
            Some(_) => Context::new().with_value(Arc::new(Carried { baggage, ..Carried::default() })),
            None => Context::new(),
        };
    };
    let tracestate = tracestate::join(&get_all("tracestate"));
    // The SDK's own form of the list is only for what is exported; what is sent on is the text above.
    let listed = tracestate.as_deref().and_then(|list| list.parse().ok()).unwrap_or(TraceState::NONE);
    let flags = TraceFlags::new(parent.flags);
    let span = SpanContext::new(parent.trace_id, parent.span_id, flags, true, listed);
    let carried = Carried { random: Some(parent.flags & RANDOM != 0), tracestate, baggage };
    Context::new().with_remote_span_context(span).with_value(Arc::new(carried))
}

/// Writes the context of the current span as `traceparent`, and `tracestate` and `baggage` when they came in.
/// Outside of a span nothing is written.
pub fn inject(set: &mut dyn FnMut(&'static str, String)) {
    let context = tracing::Span::current().context();
    let carried = context.get::<Arc<Carried>>();
    if let Some(traceparent) = format_traceparent(&context) {
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
    format_traceparent(&tracing::Span::current().context())
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

fn format_traceparent(context: &Context) -> Option<String> {
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return None;
    }
    let random = context.get::<Arc<Carried>>().and_then(|carried| carried.random).unwrap_or(true);
    let sampled = if span.is_sampled() { SAMPLED } else { 0 };
    let flags = sampled | if random { RANDOM } else { 0 };
    Some(format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id()))
}

struct TraceParent {
    trace_id: TraceId,
    span_id: SpanId,
    flags: u8,
}

/// `version-traceid-parentid-flags` in lower-case hex of fixed widths. Version `ff` does not exist; a version above
/// `00` may be longer, after another dash; ids of zeros are none. Only the flags of level 2 are kept.
fn parse_traceparent(value: &str) -> Option<TraceParent> {
    let value = value.trim_matches([' ', '\t']);
    let mut parts = value.splitn(5, '-');
    let version = hex(parts.next()?, 2)?;
    let trace_id = hex(parts.next()?, 32)?;
    let span_id = hex(parts.next()?, 16)?;
    let flags = hex(parts.next()?, 2)?;
    let more = parts.next();
    if version == 0xff || (version == 0 && more.is_some()) || trace_id == 0 || span_id == 0 {
        return None;
    }
    Some(TraceParent {
        trace_id: TraceId::from_bytes(trace_id.to_be_bytes()),
        span_id: SpanId::from_bytes(u64::try_from(span_id).ok()?.to_be_bytes()),
        flags: u8::try_from(flags).ok()? & (SAMPLED | RANDOM),
    })
}

fn hex(text: &str, width: usize) -> Option<u128> {
    let lower_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == width && lower_hex).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

fn joined_baggage(lines: &[String]) -> Option<String> {
    let joined = lines.join(",");
    (!joined.is_empty() && joined.len() <= MAX_BAGGAGE_BYTES).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::collections::BTreeMap;
    use tracing_subscriber::layer::SubscriberExt as _;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

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
        let malformed = [
            String::new(),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("0-{TRACE}-{PARENT}-01"),
            format!("000-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-001"),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{}-{PARENT}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}a-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}a-01"),
            format!("00-{TRACE}-{PARENT}-+1"),
            format!("0x-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01,00-{TRACE}-{PARENT}-01"),
        ];
        for traceparent in malformed {
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
