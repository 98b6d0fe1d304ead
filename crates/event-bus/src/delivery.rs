//! What a handler is given and what it answers.

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use bytes::Bytes;

use crate::envelope;

/// One delivery of one event.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Id of the event (`ce-id`): the same in every delivery and replay of it. Keep it with the handler's effect.
    pub message_id: String,
    /// Full protobuf name of the payload (`ce-type`); empty when the sender gave none.
    pub event_type: String,
    /// NATS subject.
    pub subject: String,
    /// The event, encoded.
    pub payload: Bytes,
    /// 1 at the first delivery to this consumer.
    pub attempt: u32,
    /// Every header of the message.
    pub headers: Headers,
}

impl Delivery {
    /// `fallback_id` is for messages of senders that use neither CloudEvents nor `Nats-Msg-Id`.
    pub(crate) fn new(message: async_nats::Message, attempt: u32, fallback_id: String) -> Self {
        let headers = Headers(message.headers.unwrap_or_default());
        let message_id = headers.get(envelope::CE_ID).or_else(|| headers.get(NATS_MESSAGE_ID.as_ref()));
        Self {
            message_id: message_id.map_or(fallback_id, str::to_owned),
            event_type: headers.get(envelope::CE_TYPE).unwrap_or_default().to_owned(),
            subject: message.subject.to_string(),
            payload: message.payload,
            attempt,
            headers,
        }
    }
}

/// The headers of a message.
#[derive(Clone, Debug, Default)]
pub struct Headers(pub(crate) HeaderMap);

impl Headers {
    /// First value of a header; names are compared as written.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| AsRef::<str>::as_ref(*key) == name)?
            .1
            .first()
            .map(|value| value.as_str())
    }

    /// Every value of a header, in order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.get_all(name).map(|value| value.as_str().to_owned()).collect()
    }
}

/// Why a delivery was not handled.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// Might work later: delivered again after the backoff, until the attempts are used up.
    #[error("{0}")]
    Retry(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Will never work: a dead letter at once.
    #[error("{0}")]
    Reject(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HandlerError {
    /// Might work later.
    pub fn retry(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Retry(cause.into())
    }

    /// Will never work.
    pub fn reject(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Reject(cause.into())
    }

    /// The whole chain of causes, for the log and the dead letter.
    pub(crate) fn chain(&self) -> String {
        let (Self::Retry(cause) | Self::Reject(cause)) = self;
        let mut text = cause.to_string();
        let mut next = cause.source();
        while let Some(inner) = next {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            next = inner.source();
        }
        text
    }
}
