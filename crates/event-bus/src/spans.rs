//! Spans of publishing and processing. The messaging conventions of OpenTelemetry are still moving: their names are here
//! and nowhere else.

use tracing::Span;
use tracing::field::Empty;

use crate::delivery::Delivery;
use crate::outbox::Row;

/// Publishing one event, child of the request that caused it.
pub(crate) fn publish(row: &Row, client: &str) -> Span {
    let span = tracing::info_span!(
        "publish",
        otel.name = format!("publish {}", row.subject),
        otel.kind = "producer",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = "nats",
        messaging.operation.name = "publish",
        messaging.operation.type = "send",
        messaging.destination.name = row.subject,
        messaging.message.id = %row.id,
        messaging.message.body.size = row.payload.len(),
        messaging.client.id = client,
        messaging.nats.duplicate = Empty,
    );
    telemetry::propagation::set_parent(&span, telemetry::propagation::extract(|name| stored(row, name)));
    span
}

fn stored(row: &Row, name: &str) -> Vec<String> {
    match name {
        crate::envelope::TRACEPARENT => row.traceparent.iter().cloned().collect(),
        crate::envelope::TRACESTATE => row.tracestate.iter().cloned().collect(),
        _ => Vec::new(),
    }
}

/// Handling one delivery, child of its publication.
pub(crate) fn process(delivery: &Delivery, stream: &str, durable: &str) -> Span {
    let span = tracing::info_span!(
        "process",
        otel.name = format!("process {}", delivery.subject),
        otel.kind = "consumer",
        otel.status_code = Empty,
        error.type = Empty,
        messaging.system = "nats",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = delivery.subject,
        messaging.message.id = delivery.message_id,
        messaging.message.body.size = delivery.payload.len(),
        messaging.consumer.group.name = durable,
        messaging.nats.stream = stream,
        messaging.nats.attempt = delivery.attempt,
    );
    telemetry::propagation::set_parent(
        &span,
        telemetry::propagation::extract(|name| delivery.headers.all(name)),
    );
    span
}

/// Marks a span as failed, with a low-cardinality reason.
pub(crate) fn fail(span: &Span, reason: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", reason);
}
