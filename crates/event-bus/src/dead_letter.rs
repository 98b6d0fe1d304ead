//! Dead letters: messages no handler could handle, kept with the reason until somebody decides.
//!
//! They lie in the stream `<STREAM>_DEAD` under `dead.<original subject>`, with the original headers and payload. A replay
//! publishes to the original subject again: every consumer of that subject sees it, under the same `ce-id`, and those that
//! had handled it recognise it by that.

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::bus::{Bus, BusError};
use crate::delivery::Delivery;
use crate::envelope;
use crate::stream::{DEAD_PREFIX, dead_name, dead_subject};

/// What is known of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// Its place in the dead-letter stream; names it for a replay.
    pub sequence: u64,
    /// When it died, by the NATS server's clock.
    pub died_at: DateTime<Utc>,
    /// Subject it was published to.
    pub subject: String,
    /// Id of the event (`ce-id`).
    pub message_id: String,
    /// Full protobuf name of the payload (`ce-type`).
    pub event_type: String,
    /// Durable consumer that gave up.
    pub consumer: String,
    /// How often it had been delivered.
    pub attempts: u32,
    /// Why it died, one line.
    pub cause: String,
    /// Stream it died in.
    pub stream: String,
    /// Its place in that stream.
    pub stream_sequence: u64,
    /// Size of the payload.
    pub payload_bytes: usize,
    /// Trace it belongs to; empty when it was not traced.
    pub traceparent: String,
}

/// Which dead letters to replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// All there are when the replay starts; those that die again meanwhile are left.
    All,
    /// The one with this sequence.
    Sequence(u64),
}

/// The oldest dead letters of a stream, at most `limit`.
///
/// # Errors
/// [`BusError`] when NATS is away or the stream was never declared.
pub async fn list(bus: &Bus, stream: &str, limit: usize) -> Result<Vec<DeadLetter>, BusError> {
    let graves = open(bus, stream).await?;
    let mut letters = Vec::new();
    let mut next = 1;
    while letters.len() < limit {
        let Some(message) = at_or_after(&graves, next).await? else { break };
        next = message.sequence.saturating_add(1);
        letters.push(describe(&message));
    }
    Ok(letters)
}

/// Publishes dead letters to their original subjects and removes them. Returns how many. Each is removed only after its
/// publication is acknowledged; one that is replayed twice because of a crash between the two is dropped as a duplicate.
///
/// # Errors
/// [`BusError::NoDeadLetter`] when the sequence asked for is not there; else as [`list`]. Those replayed before the fault
/// stay replayed.
pub async fn replay(bus: &Bus, stream: &str, which: Replay) -> Result<u64, BusError> {
    let graves = open(bus, stream).await?;
    let (mut next, last) = match which {
        Replay::All => (1, graves.cached_info().state.last_sequence),
        Replay::Sequence(sequence) => (sequence, sequence),
    };
    let mut replayed = 0;
    while next <= last {
        match at_or_after(&graves, next).await? {
            Some(message) if message.sequence <= last => {
                next = message.sequence.saturating_add(1);
                revive(bus, &graves, message).await?;
                replayed += 1;
            }
            _ => break,
        }
    }
    match which {
        Replay::Sequence(sequence) if replayed == 0 => {
            Err(BusError::NoDeadLetter { stream: dead_name(stream), sequence })
        }
        _ => Ok(replayed),
    }
}

/// Why and where a message dies.
pub(crate) struct Burial<'a> {
    pub(crate) stream: &'a str,
    pub(crate) consumer: &'a str,
    pub(crate) sequence: u64,
    pub(crate) cause: &'a str,
}

/// Stores a message as a dead letter; once, however often it is tried.
pub(crate) async fn bury(bus: &Bus, delivery: &Delivery, burial: &Burial<'_>) -> Result<(), BusError> {
    let mut headers = delivery.headers.0.clone();
    let id = format!("{}.{}.{}", burial.stream, burial.sequence, burial.consumer);
    headers.insert(NATS_MESSAGE_ID, envelope::value(&id));
    // Kept also when the sender gave none, so that a replay has the same id as the deliveries before.
    headers.insert(envelope::CE_ID, envelope::value(&delivery.message_id));
    headers.insert(envelope::DEAD_CAUSE, envelope::value(burial.cause));
    headers.insert(envelope::DEAD_ATTEMPTS, delivery.attempt.to_string());
    headers.insert(envelope::DEAD_STREAM, envelope::value(burial.stream));
    headers.insert(envelope::DEAD_SEQUENCE, burial.sequence.to_string());
    headers.insert(envelope::DEAD_CONSUMER, envelope::value(burial.consumer));
    let published = bus.publish(dead_subject(&delivery.subject), headers, delivery.payload.clone()).await;
    published.map(drop).map_err(|error| BusError::request("store dead letter", error))
}

async fn open(bus: &Bus, stream: &str) -> Result<Stream, BusError> {
    let graves = bus.jetstream().get_stream(dead_name(stream)).await;
    graves.map_err(|error| BusError::request("open dead-letter stream", error))
}

/// The first message at or after a sequence: replayed ones leave gaps.
async fn at_or_after(graves: &Stream, sequence: u64) -> Result<Option<StreamMessage>, BusError> {
    match graves
        .raw_message_builder()
        .sequence(sequence)
        .next_by_subject(format!("{DEAD_PREFIX}>"))
        .send()
        .await
    {
        Ok(message) => Ok(Some(message)),
        Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(None),
        Err(error) => Err(BusError::request("read dead letter", error)),
    }
}

async fn revive(bus: &Bus, graves: &Stream, message: StreamMessage) -> Result<(), BusError> {
    let letter = describe(&message);
    let mut headers: HeaderMap = HeaderMap::new();
    for (name, values) in message.headers.iter() {
        let name: &str = name.as_ref();
        if !envelope::DEAD_HEADERS.contains(&name) {
            values.iter().for_each(|value| headers.append(name, value.clone()));
        }
    }
    // The original id would be dropped as a duplicate while its window is open; the sequence makes each replay of each
    // death its own.
    let id = format!("{}.replay.{}", letter.message_id, letter.sequence);
    headers.insert(NATS_MESSAGE_ID, envelope::value(&id));
    let published = bus.publish(letter.subject, headers, message.payload).await;
    published.map_err(|error| BusError::request("replay dead letter", error))?;
    let deleted = graves.delete_message(letter.sequence).await;
    deleted.map(drop).map_err(|error| BusError::request("remove dead letter", error))
}

fn describe(message: &StreamMessage) -> DeadLetter {
    let text = |name| envelope::text(&message.headers, name).unwrap_or_default();
    let subject = message.subject.as_str();
    DeadLetter {
        sequence: message.sequence,
        died_at: died_at(message),
        subject: subject.strip_prefix(DEAD_PREFIX).unwrap_or(subject).to_owned(),
        message_id: text(envelope::CE_ID),
        event_type: text(envelope::CE_TYPE),
        consumer: text(envelope::DEAD_CONSUMER),
        attempts: text(envelope::DEAD_ATTEMPTS).parse().unwrap_or_default(),
        cause: text(envelope::DEAD_CAUSE),
        stream: text(envelope::DEAD_STREAM),
        stream_sequence: text(envelope::DEAD_SEQUENCE).parse().unwrap_or_default(),
        payload_bytes: message.payload.len(),
        traceparent: text(envelope::TRACEPARENT),
    }
}

/// The client's time type to ours, exact to the nanosecond.
fn died_at(message: &StreamMessage) -> DateTime<Utc> {
    let nanos = message.time.unix_timestamp_nanos();
    DateTime::from_timestamp_nanos(i64::try_from(nanos).unwrap_or_default())
}
