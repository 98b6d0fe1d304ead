//! A durable consumer: handlers in flight, their acknowledgements, retries and burials.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::message::Acker;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tracing::{Instrument as _, Span};

use crate::bus::Bus;
use crate::dead_letter::{self, Burial};
use crate::delivery::{Delivery, HandlerError};
use crate::pull::{self, Pulled};
use crate::{Shutdown, spans};

/// Where a durable consumer begins when there is none of its name yet. One that exists goes on from its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// At the oldest message the stream still has.
    #[default]
    Oldest,
    /// At the first message stored after the consumer was made: for what is of no use late. If NATS loses the consumer,
    /// what is stored before it is made again is not delivered.
    Newest,
}

/// Who consumes what, and how patiently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerSpec {
    /// Name of the stream.
    pub stream: String,
    /// Name of the consumer: processes that share it share the work, and it remembers its place while all are away.
    pub durable: String,
    /// One subject, wildcards allowed. Several subjects need several consumers: the server ignores a list.
    pub filter_subject: String,
    /// Where it begins. Default the oldest message. Cannot be changed later under the same name.
    pub start: Start,
    /// Pause before the second, third, … attempt; the last value goes for all later ones.
    pub backoff: Vec<Duration>,
    /// Deliveries before a message becomes a dead letter. Default 8; deliveries to processes that died count.
    pub max_attempts: u32,
    /// Handlers running at the same time. Default 16. 1 keeps the stream's order, except for messages delivered again.
    pub max_in_flight: usize,
    /// How long the server waits for a sign of life before it delivers to another. Default 30 s. A running handler is
    /// announced at half of it, so this is about processes that die, not about slow handlers.
    pub ack_wait: Duration,
    /// Unacknowledged messages over all processes, waiting retries included. Default 1024; once so many wait, no others are
    /// delivered.
    pub max_ack_pending: i64,
}

impl ConsumerSpec {
    /// A consumer with the defaults; attempts over about ten minutes.
    pub fn new(
        stream: impl Into<String>,
        durable: impl Into<String>,
        filter_subject: impl Into<String>,
    ) -> Self {
        Self {
            stream: stream.into(),
            durable: durable.into(),
            filter_subject: filter_subject.into(),
            start: Start::default(),
            backoff: [1, 5, 15, 60, 120, 180, 240].map(Duration::from_secs).to_vec(),
            max_attempts: 8,
            max_in_flight: 16,
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 1024,
        }
    }

    fn pause_after(&self, attempt: u32) -> Duration {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.backoff.get(index).or(self.backoff.last()).copied().unwrap_or(Duration::from_secs(1))
    }
}

/// Brings the messages of a stream to a handler.
#[derive(Clone, Debug)]
pub struct Consumer {
    bus: Bus,
    spec: ConsumerSpec,
}

impl Consumer {
    /// Nothing happens before [`Consumer::run`].
    #[must_use]
    pub fn new(bus: Bus, spec: ConsumerSpec) -> Self {
        Self { bus, spec }
    }

    /// Handles messages until the process is to stop, then finishes the handlers that run. Faults of NATS are logged and
    /// outlived. The handler must be idempotent: the same `message_id` may come again after a success.
    ///
    /// The handler returns a future that owns what it needs (`move |delivery| { let pool = pool.clone(); async move { … } }`):
    /// an async closure that borrows its captures could not be shown to be `Send`, and this future is meant to be spawned.
    pub async fn run<H, F>(self, handler: H, shutdown: Shutdown)
    where
        H: Fn(Delivery) -> F + Send + Sync,
        F: Future<Output = Result<(), HandlerError>> + Send,
    {
        let (sender, mut receiver) = mpsc::channel::<Pulled>(self.spec.max_in_flight.max(1));
        let work = async {
            let mut running = FuturesUnordered::new();
            loop {
                tokio::select! {
                    pulled = receiver.recv() => match pulled {
                        Some(pulled) => running.push(self.handle(&handler, pulled)),
                        None => break,
                    },
                    Some(()) = running.next(), if !running.is_empty() => {}
                }
            }
            while running.next().await.is_some() {}
        };
        tokio::join!(pull::pull(&self.bus, &self.spec, sender, shutdown), work);
    }

    async fn handle<H, F>(&self, handler: &H, pulled: Pulled)
    where
        H: Fn(Delivery) -> F + Send + Sync,
        F: Future<Output = Result<(), HandlerError>> + Send,
    {
        let Pulled { message, permit } = pulled;
        let (attempt, sequence) = match message.info() {
            Ok(info) => (u32::try_from(info.delivered).unwrap_or(u32::MAX), info.stream_sequence),
            Err(error) => {
                // Not a message of the stream; there is nothing to acknowledge.
                tracing::warn!(%error, subject = %message.subject, "message without a place in the stream ignored");
                return;
            }
        };
        let (message, acker) = message.split();
        let delivery = Delivery::new(message, attempt, format!("{}.{sequence}", self.spec.stream));
        let span = spans::process(&delivery, &self.spec.stream, &self.spec.durable);
        let settled = async {
            let outcome = if attempt > self.spec.max_attempts {
                // Every delivery so far ended without an answer: the process died of it, perhaps because of it.
                Err(HandlerError::reject("every earlier delivery ended without an answer"))
            } else {
                self.alive(&acker, guarded(|| handler(delivery.clone()))).await
            };
            self.settle(&acker, &delivery, sequence, outcome).await;
        };
        settled.instrument(span).await;
        drop(permit);
    }

    /// Waits for the handler and tells the server meanwhile that it is at work.
    async fn alive<T>(&self, acker: &Acker, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                outcome = &mut work => return outcome,
                () = tokio::time::sleep(self.spec.ack_wait / 2) => {
                    if let Err(error) = acker.ack_with(AckKind::Progress).await {
                        tracing::debug!(%error, "sign of life not sent");
                    }
                }
            }
        }
    }

    async fn settle(
        &self,
        acker: &Acker,
        delivery: &Delivery,
        sequence: u64,
        outcome: Result<(), HandlerError>,
    ) {
        let id = delivery.message_id.as_str();
        let error = match outcome {
            Ok(()) => {
                // Confirmed by the server, or else a lost acknowledgement would repeat the work unnoticed.
                if let Err(error) = acker.double_ack().await {
                    tracing::warn!(%error, id, "acknowledgement not confirmed, the message may come again");
                }
                return;
            }
            Err(error) => error,
        };
        let cause = error.chain();
        let attempt = delivery.attempt;
        if matches!(error, HandlerError::Reject(_)) || attempt >= self.spec.max_attempts {
            spans::fail(&Span::current(), "dead_letter");
            if self.bury(acker, delivery, sequence, &cause).await {
                return;
            }
        } else {
            spans::fail(&Span::current(), "retry");
            tracing::warn!(id, subject = delivery.subject, attempt, cause, "event is handled later");
        }
        let pause = self.spec.pause_after(attempt);
        if let Err(error) = acker.ack_with(AckKind::Nak(Some(pause))).await {
            tracing::debug!(%error, id, "refusal not sent, the message comes again after its time");
        }
    }

    /// Makes a dead letter of a message; false when it could not be stored, and so must be delivered again.
    async fn bury(&self, acker: &Acker, delivery: &Delivery, sequence: u64, cause: &str) -> bool {
        let (id, subject) = (delivery.message_id.as_str(), delivery.subject.as_str());
        let burial = Burial { stream: &self.spec.stream, consumer: &self.spec.durable, sequence, cause };
        if let Err(error) = dead_letter::bury(&self.bus, delivery, &burial).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, id, subject, cause, "dead letter not stored, trying again");
            return false;
        }
        tracing::error!(id, subject, attempt = delivery.attempt, cause, "event became a dead letter");
        // If this is lost the message is buried once more, under the same message id, and dropped as a duplicate.
        if let Err(error) = acker.double_ack_with(AckKind::Term).await {
            tracing::warn!(%error, id, "end of a dead letter's deliveries not confirmed");
        }
        true
    }
}

/// A handler that panics has failed; the consumer has not.
async fn guarded<F>(call: impl FnOnce() -> F + Send) -> Result<(), HandlerError>
where
    F: Future<Output = Result<(), HandlerError>> + Send,
{
    // Called inside: a closure may panic before it has made its future.
    match AssertUnwindSafe(async move { call().await }).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(HandlerError::retry(format!("handler panicked: {text}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::ConsumerSpec;

    #[test]
    fn the_last_pause_goes_for_all_later_attempts() {
        let spec = ConsumerSpec {
            backoff: [1, 5].map(Duration::from_secs).to_vec(),
            ..ConsumerSpec::new("S", "d", "s.>")
        };
        assert_eq!([1, 2, 3, 9].map(|attempt| spec.pause_after(attempt).as_secs()), [1, 5, 5, 5]);
    }
}
