//! Head sampling: the trace a request belongs to and whether it is recorded, known before any span is made.

use std::cell::Cell;

use opentelemetry::Context;
use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

use super::incoming::Incoming;
use super::root::Announced;
use super::traceparent::{RANDOM, SAMPLED, format_traceparent, push_hex};
use crate::late::Unrecorded;

/// Width of the part of a trace id that level 2 calls random: its last seven bytes.
const RANDOM_BITS: u32 = 56;

/// The trace a request belongs to, read or begun before any span exists.
///
/// A proxy that makes spans only for requests somebody records asks [`is_sampled`](Self::is_sampled) first: if so, a span
/// under [`to_otel`](Self::to_otel) and [`inject`](super::inject) inside of it; if not, no span, and
/// [`inject_unsampled`](Self::inject_unsampled) tells the next hop the same.
#[derive(Clone, Debug)]
pub struct TraceContext {
    trace_id: TraceId,
    sampled: bool,
    random: bool,
    /// Of the request, while no span has it: drawn when it is first needed, and then told to whoever is called.
    span_id: Cell<Option<SpanId>>,
    incoming: Incoming,
}

impl TraceContext {
    /// Reads the trace context of a request. `get_all` gives every value of a header, by lower-case name, in order.
    ///
    /// An absent, repeated or malformed `traceparent` begins a trace with a random id, of which the share `sample_ratio`
    /// (0.0 to 1.0) is sampled, decided by the random part of the id. Otherwise the flag of the parent decides.
    ///
    /// ```
    /// # use telemetry::propagation::TraceContext;
    /// let headers = [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")];
    /// let trace = TraceContext::read(
    ///     |name| headers.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_bytes()),
    ///     0.01,
    /// );
    /// assert!(trace.is_sampled());
    /// ```
    pub fn read<'v, I: Iterator<Item = &'v [u8]>>(
        get_all: impl Fn(&'static str) -> I,
        sample_ratio: f64,
    ) -> Self {
        let incoming = Incoming::read(get_all);
        match incoming.parent {
            Some(parent) => Self {
                trace_id: parent.trace_id,
                sampled: parent.flags & SAMPLED != 0,
                random: parent.flags & RANDOM != 0,
                span_id: Cell::new(None),
                incoming,
            },
            None => {
                let trace_id = RandomIdGenerator::default().new_trace_id();
                let sampled = is_within(trace_id, sample_ratio);
                Self { trace_id, sampled, random: true, span_id: Cell::new(None), incoming }
            }
        }
    }

    /// Whether this trace is recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// The trace id as 32 lower-case hex digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        let mut text = String::with_capacity(32);
        push_hex(&mut text, &self.trace_id.to_bytes());
        text
    }

    /// The parent to give a span with [`set_parent`](super::set_parent). The span continues the trace of the sender; of a
    /// trace begun here it becomes the root, without a parent, with exactly this id and this decision.
    #[must_use]
    pub fn to_otel(&self) -> Context {
        let context = self.incoming.clone().into_context();
        match self.incoming.parent {
            Some(_) => context,
            None => context.with_value(Announced { trace_id: self.trace_id, sampled: self.sampled }),
        }
    }

    /// The ids of a request without a span, for one that is made afterwards ([`crate::late`]). Clones made from here on have
    /// the same.
    #[must_use]
    pub fn unrecorded(&self) -> Unrecorded {
        let parent = self.incoming.parent.map(|parent| parent.span_id);
        Unrecorded { trace_id: self.trace_id, span_id: self.span_id(), parent }
    }

    fn span_id(&self) -> SpanId {
        let id = self.span_id.get().unwrap_or_else(|| RandomIdGenerator::default().new_span_id());
        self.span_id.set(Some(id));
        id
    }

    /// Writes the context for the next hop when no span was made for it: a `traceparent` with the id that the request's span
    /// would have, not sampled, and `tracestate` and `baggage` as they came in.
    pub fn inject_unsampled(&self, set: &mut dyn FnMut(&'static str, String)) {
        let span_id = self.span_id();
        let flags = if self.random { RANDOM } else { 0 };
        set("traceparent", format_traceparent(self.trace_id, span_id, flags));
        if let Some(tracestate) = &self.incoming.tracestate {
            set("tracestate", tracestate.clone());
        }
        if let Some(baggage) = &self.incoming.baggage {
            set("baggage", baggage.clone());
        }
    }
}

/// Whether the random part of the id lies within the lowest `ratio` of its range.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a ratio of 0 to 1 of 2^56, which a double holds exactly; casts of floats saturate"
)]
fn is_within(trace_id: TraceId, ratio: f64) -> bool {
    const RANGE: u64 = 1 << RANDOM_BITS;
    let [.., a, b, c, d, e, f, g] = trace_id.to_bytes();
    u64::from_be_bytes([0, a, b, c, d, e, f, g]) < (ratio * RANGE as f64) as u64
}

#[cfg(test)]
#[path = "trace_context_tests.rs"]
mod tests;
