//! A trace whose id and sampling were decided before its root span exists.
//!
//! The SDK gives its id generator no context, and a span without a valid parent always gets a generated trace id. So the
//! tracer, which does see the context, leaves the announced id where the generator of the same thread finds it.

use std::cell::Cell;

use opentelemetry::trace::{Link, SpanBuilder, SpanId, SpanKind, TraceContextExt as _, TraceId, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, Sampler, SamplingDecision, SamplingResult, SdkTracer, ShouldSample, Span,
};

thread_local! {
    static NEXT_TRACE_ID: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// In the context a root span is started under: what it must become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announced {
    pub(super) trace_id: TraceId,
    pub(super) sampled: bool,
}

/// The SDK's tracer, for which an announced trace begins with its own id.
#[derive(Clone, Debug)]
pub(crate) struct RootTracer(pub(crate) SdkTracer);

impl Tracer for RootTracer {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let announced = parent.get::<Announced>().filter(|_| !parent.span().span_context().is_valid());
        let Some(announced) = announced else { return self.0.build_with_context(builder, parent) };
        NEXT_TRACE_ID.set(Some(announced.trace_id));
        let span = self.0.build_with_context(builder, parent);
        // A span that was not started, because the provider is shut down, has not taken it.
        NEXT_TRACE_ID.set(None);
        span
    }
}

/// Random ids, but for a trace that was announced.
#[derive(Debug, Default)]
pub(crate) struct RootIds(RandomIdGenerator);

impl IdGenerator for RootIds {
    fn new_trace_id(&self) -> TraceId {
        NEXT_TRACE_ID.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
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
