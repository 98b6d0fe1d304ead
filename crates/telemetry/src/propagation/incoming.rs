//! What a request or message says about its trace, read strictly.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceState};

use super::traceparent::{RANDOM, TraceParent};
use crate::tracestate;

/// What the baggage specification asks everyone to pass on; longer is dropped whole.
pub(super) const MAX_BAGGAGE_BYTES: usize = 8192;

/// What came in beside the span context.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// `None` when the trace starts here, and its id is random by construction.
    pub(super) random: Option<bool>,
    /// The sender's span; `None` when the trace starts here.
    pub(super) parent: Option<SpanId>,
    pub(super) tracestate: Option<String>,
    pub(super) baggage: Option<String>,
}

/// The trace context as it came.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    /// `None` when `traceparent` is absent, repeated or malformed.
    pub(super) parent: Option<TraceParent>,
    /// Only ever there with a parent: without one it describes a trace that nobody knows.
    pub(super) tracestate: Option<String>,
    pub(super) baggage: Option<String>,
}

impl Incoming {
    /// The fields that are read, in lower case.
    pub(super) const HEADERS: [&'static str; 3] = ["traceparent", "tracestate", "baggage"];

    /// `get_all` gives every value of a header, in order. Allocates only for a `tracestate` or `baggage` that is there.
    pub(super) fn read<'v, I: Iterator<Item = &'v [u8]>>(get_all: impl Fn(&'static str) -> I) -> Self {
        let [traceparent, tracestate, baggage] = Self::HEADERS;
        let mut parents = get_all(traceparent);
        let parent = match (parents.next(), parents.next()) {
            (Some(only), None) => TraceParent::parse(only),
            _ => None,
        };
        let tracestate = parent.and_then(|_| tracestate::join(get_all(tracestate)));
        Self { parent, tracestate, baggage: joined_baggage(get_all(baggage)) }
    }

    /// As the parent of a span. Without a parent the span starts a new trace.
    pub(super) fn into_context(self) -> Context {
        let Self { parent, tracestate, baggage } = self;
        let Some(parent) = parent else {
            return match baggage {
                Some(_) => Context::new().with_value(Arc::new(Carried { baggage, ..Carried::default() })),
                None => Context::new(),
            };
        };
        // The SDK's own form of the list is only for what is exported; what is sent on is the text itself.
        let listed = tracestate.as_deref().and_then(|list| list.parse().ok()).unwrap_or(TraceState::NONE);
        let flags = TraceFlags::new(parent.flags);
        let span = SpanContext::new(parent.trace_id, parent.span_id, flags, true, listed);
        let random = Some(parent.flags & RANDOM != 0);
        let carried = Carried { random, parent: Some(parent.span_id), tracestate, baggage };
        Context::new().with_remote_span_context(span).with_value(Arc::new(carried))
    }
}

fn joined_baggage<'v>(lines: impl Iterator<Item = &'v [u8]>) -> Option<String> {
    let mut joined = String::new();
    for (number, line) in lines.enumerate() {
        let line = std::str::from_utf8(line).ok()?;
        if joined.len() + line.len() >= MAX_BAGGAGE_BYTES + usize::from(number == 0) {
            return None;
        }
        if number > 0 {
            joined.push(',');
        }
        joined.push_str(line);
    }
    (!joined.is_empty()).then_some(joined)
}
