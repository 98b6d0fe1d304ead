//! Publishing one batch: pipelined across aggregates, one after the other within an aggregate.

use std::collections::{HashSet, VecDeque};

use async_nats::HeaderMap;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use bytes::Bytes;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::bus::Bus;
use crate::outbox::Row;
use crate::{envelope, spans};

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Acknowledged.
    pub(crate) published: Vec<Uuid>,
    /// Refused or unanswered.
    pub(crate) refused: Vec<Refusal>,
    /// NATS did not answer: trying the rest makes no sense now.
    pub(crate) away: bool,
}

#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) id: Uuid,
    pub(crate) subject: String,
    pub(crate) aggregate: String,
    pub(crate) error: PublishError,
}

/// Publishes rows in waves. A wave has at most one event of each aggregate, all in flight together; the next starts when
/// every answer is in. Pipelining an aggregate's events could store the second after the first was refused, and a
/// receiver would see them in the wrong order. Usually all aggregates differ and there is one wave.
pub(crate) async fn publish(bus: &Bus, client: &str, rows: Vec<Row>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut held: HashSet<String> = HashSet::new();
    let mut waiting: VecDeque<Row> = rows.into();
    while !waiting.is_empty() && !outcome.away {
        let (wave, later) = next_wave(waiting, &held);
        waiting = later;
        let answers = wave.into_iter().map(|row| send(bus, client, row));
        for (row, answer) in futures_util::future::join_all(answers).await {
            match answer {
                Ok(()) => outcome.published.push(row.id),
                Err(error) => {
                    outcome.away |=
                        matches!(error.kind(), PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe);
                    held.insert(row.aggregate.clone());
                    outcome.refused.push(Refusal {
                        id: row.id,
                        subject: row.subject,
                        aggregate: row.aggregate,
                        error,
                    });
                }
            }
        }
    }
    outcome
}

/// The first event of every aggregate that is not held back, and the rest in its old order.
fn next_wave(rows: VecDeque<Row>, held: &HashSet<String>) -> (Vec<Row>, VecDeque<Row>) {
    let mut seen: HashSet<String> = HashSet::new();
    let (mut wave, mut later) = (Vec::new(), VecDeque::new());
    for row in rows {
        if held.contains(&row.aggregate) {
            continue;
        }
        if seen.insert(row.aggregate.clone()) {
            wave.push(row);
        } else {
            later.push_back(row);
        }
    }
    (wave, later)
}

async fn send(bus: &Bus, client: &str, mut row: Row) -> (Row, Result<(), PublishError>) {
    let span = spans::publish(&row, client);
    let headers = span.in_scope(|| headers(&row));
    // The row itself is needed afterwards, its payload is not.
    let payload = Bytes::from(std::mem::take(&mut row.payload));
    let answer = bus.publish(row.subject.clone(), headers, payload).instrument(span.clone()).await;
    match answer {
        Ok(ack) => {
            span.record("messaging.nats.duplicate", ack.duplicate);
            (row, Ok(()))
        }
        Err(error) => {
            fail(&span, &error);
            (row, Err(error))
        }
    }
}

fn fail(span: &Span, error: &PublishError) {
    let reason = match error.kind() {
        PublishErrorKind::StreamNotFound => "stream_not_found",
        PublishErrorKind::TimedOut => "timeout",
        PublishErrorKind::BrokenPipe => "disconnected",
        PublishErrorKind::MaxPayloadExceeded => "payload_too_large",
        _ => "other",
    };
    spans::fail(span, reason);
}

/// The envelope with the context of the current span; where nothing records spans, the stored context goes on unchanged.
fn headers(row: &Row) -> HeaderMap {
    let mut headers = envelope::of_row(row);
    let mut traced = false;
    telemetry::propagation::inject(&mut |name, text| {
        traced |= name == envelope::TRACEPARENT;
        headers.insert(name, envelope::value(&text));
    });
    if !traced {
        let stored = [(envelope::TRACEPARENT, &row.traceparent), (envelope::TRACESTATE, &row.tracestate)];
        for (name, text) in stored {
            if let Some(text) = text {
                headers.insert(name, envelope::value(text));
            }
        }
    }
    headers
}
