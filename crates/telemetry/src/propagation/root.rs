//! Ids that are known before their spans exist.
//!
//! - A trace whose id and sampling were decided before its root span gets that id and that decision.
//! - Below a span that nobody records, no span has an id of its own: what is sent on names the request's span, which may yet be
//!   recorded when it turns out slow or failed ([`crate::late`]). Then it has that id, and what comes below it a parent.
//!
//! The SDK gives its id generator no context. So the tracer, which does see it, leaves ids where the generator of the same
//! thread finds them.

use std::cell::Cell;

use opentelemetry::trace::{Link, SpanBuilder, SpanId, SpanKind, TraceContextExt as _, TraceId, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, SdkTracer, ShouldSample, Span,
};

thread_local! {
    static NEXT_TRACE_ID: Cell<Option<TraceId>> = const { Cell::new(None) };
    static NEXT_SPAN_ID: Cell<Option<SpanId>> = const { Cell::new(None) };
}

/// In the context a root span is started under: what it must become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced {
    pub(crate) trace_id: TraceId,
    pub(crate) sampled: bool,
}

/// The SDK's tracer, with the ids that are known beforehand.
#[derive(Clone, Debug)]
pub(crate) struct RootTracer(pub(crate) SdkTracer);

impl RootTracer {
    /// Starts a span with these ids, as far as the SDK would draw them: a trace id only where there is no parent.
    pub(crate) fn build_with_ids(
        &self,
        trace_id: Option<TraceId>,
        span_id: Option<SpanId>,
        builder: SpanBuilder,
        parent: &Context,
    ) -> Span {
        NEXT_TRACE_ID.set(trace_id);
        NEXT_SPAN_ID.set(span_id);
        let span = self.0.build_with_context(builder, parent);
        // A span that was not started, because the provider is shut down, has not taken them.
        NEXT_TRACE_ID.set(None);
        NEXT_SPAN_ID.set(None);
        span
    }
}

impl Tracer for RootTracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let of_parent = {
            let span = parent.span();
            let known = span.span_context();
            known.is_valid().then(|| (known.span_id(), known.is_sampled() || known.is_remote()))
        };
        match of_parent {
            Some((_, true)) => self.0.build_with_context(builder, parent),
            Some((unrecorded, false)) => self.build_with_ids(None, Some(unrecorded), builder, parent),
            None => match parent.get::<Announced>() {
                Some(announced) => self.build_with_ids(Some(announced.trace_id), None, builder, parent),
                None => self.0.build_with_context(builder, parent),
            },
        }
    }
}

/// Random ids, but for those that are known beforehand.
#[derive(Debug, Default)]
pub(crate) struct RootIds(RandomIdGenerator);

impl IdGenerator for RootIds {
    fn new_trace_id(&self) -> TraceId {
        NEXT_TRACE_ID.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        NEXT_SPAN_ID.take().unwrap_or_else(|| self.0.new_span_id())
    }
}

/// Decides for root spans: as announced, else by ratio.
#[derive(Clone, Debug)]
pub(crate) struct RootSampler(pub(crate) Sampler);

impl ShouldSample for RootSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result = self.0.should_sample(parent, trace_id, name, kind, attributes, links);
        let announced = parent.and_then(Context::get::<Announced>);
        if let Some(announced) = announced.filter(|announced| announced.trace_id == trace_id) {
            result.decision =
                if announced.sampled { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        }
        result
    }
}
