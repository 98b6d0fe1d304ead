//! What comes in.

use std::pin::Pin;
use std::task::{Context, Poll};

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::Stream;

/// One message, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it was sent to: the subject itself, not the pattern subscribed to.
    pub subject: String,
    /// Where the sender wants answers; `None` when it wants none.
    pub reply: Option<String>,
    /// What it says.
    pub payload: Bytes,
}

/// The messages of one subject or pattern, in the order they came. Ends when the connection is given up for good; dropped,
/// it is cancelled at the server. A listener that falls 65 536 messages behind loses the newest.
#[derive(Debug)]
pub struct Subscription {
    subscriber: Subscriber,
}

impl Subscription {
    pub(crate) fn new(subscriber: Subscriber) -> Self {
        Self { subscriber }
    }
}

impl Stream for Subscription {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        Pin::new(&mut self.subscriber).poll_next(context).map(|message| {
            message.map(|message| Message {
                subject: message.subject.to_string(),
                reply: message.reply.map(|reply| reply.to_string()),
                payload: message.payload,
            })
        })
    }
}
