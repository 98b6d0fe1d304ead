//! Pulling messages, never more than there are hands for.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull::Batch;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::{AckKind, Message};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::bus::{Bus, BusError};
use crate::consumer::{ConsumerSpec, Start};
use crate::{Shutdown, stopped};

/// How long the server keeps a pull open. A lost pull is noticed after this and the client's own grace at the latest.
const PULL_EXPIRES: Duration = Duration::from_secs(10);
/// Between attempts to open the consumer while NATS or the stream is not there.
const REOPEN: Duration = Duration::from_secs(1);

/// A message and the hand that is free for it.
pub(crate) struct Pulled {
    pub(crate) message: Message,
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Pulls until the process is to stop. A message is asked for only when a permit is held for it, so none waits here while
/// its acknowledgement time runs.
pub(crate) async fn pull(bus: &Bus, spec: &ConsumerSpec, to: mpsc::Sender<Pulled>, mut shutdown: Shutdown) {
    let hands = Arc::new(Semaphore::new(spec.max_in_flight));
    let mut failures = 0_u32;
    while !*shutdown.borrow() {
        let outcome = match open(bus, spec).await {
            Ok(consumer) => {
                if failures > 0 {
                    tracing::info!(stream = spec.stream, durable = spec.durable, "consuming again");
                }
                failures = 0;
                consume(bus, &consumer, &hands, &to, &mut shutdown).await
            }
            Err(error) => Err(error),
        };
        let Err(error) = outcome else { continue };
        failures = failures.saturating_add(1);
        report(spec, &error, failures);
        let mut connections = bus.connections();
        connections.mark_unchanged();
        tokio::select! {
            () = stopped(&mut shutdown) => {}
            () = tokio::time::sleep(REOPEN) => {}
            Ok(()) = connections.changed() => {}
        }
    }
}

/// An outage is a warning when it begins; its repetitions are only of interest to someone who looks.
fn report(spec: &ConsumerSpec, error: &BusError, failures: u32) {
    let error = error as &dyn std::error::Error;
    let ConsumerSpec { stream, durable, .. } = spec;
    if failures == 1 {
        tracing::warn!(stream, durable, error, "cannot consume, trying again");
    } else {
        tracing::debug!(stream, durable, error, failures, "still cannot consume");
    }
}

/// Creates the durable consumer or changes it to the specification.
async fn open(bus: &Bus, spec: &ConsumerSpec) -> Result<PullConsumer, BusError> {
    if !bus.is_connected() {
        return Err(BusError::NotConnected);
    }
    bus.ensure_declared().await?;
    let config = pull::Config {
        durable_name: Some(spec.durable.clone()),
        filter_subject: spec.filter_subject.clone(),
        deliver_policy: match spec.start {
            Start::Oldest => DeliverPolicy::All,
            Start::Newest => DeliverPolicy::New,
        },
        ack_policy: AckPolicy::Explicit,
        ack_wait: spec.ack_wait,
        // Without a bound on the server: there a message past it would silently stay undelivered. We count and bury.
        max_deliver: -1,
        max_ack_pending: spec.max_ack_pending,
        ..pull::Config::default()
    };
    let created = bus.jetstream().create_consumer_on_stream(config, &spec.stream).await;
    created.map_err(|error| BusError::request("create consumer", error))
}

/// Pull after pull, until the process is to stop (`Ok`), the connection is a new one (`Ok`: the server may have forgotten
/// our pull) or the server complains.
async fn consume(
    bus: &Bus,
    consumer: &PullConsumer,
    hands: &Arc<Semaphore>,
    to: &mpsc::Sender<Pulled>,
    shutdown: &mut Shutdown,
) -> Result<(), BusError> {
    let mut connections = bus.connections();
    connections.mark_unchanged();
    loop {
        let permit = tokio::select! {
            biased;
            () = stopped(shutdown) => return Ok(()),
            permit = Arc::clone(hands).acquire_owned() => permit.map_err(|error| BusError::request("wait", error))?,
        };
        let mut permits = vec![permit];
        while let Ok(permit) = Arc::clone(hands).try_acquire_owned() {
            permits.push(permit);
        }
        let pulled = consumer.batch().max_messages(permits.len()).expires(PULL_EXPIRES).messages().await;
        let mut batch = pulled.map_err(|error| BusError::request("pull", error))?;
        while let Some(permit) = permits.pop() {
            let next = tokio::select! {
                biased;
                () = stopped(shutdown) => {
                    give_back(&mut batch).await;
                    return Ok(());
                }
                Ok(()) = connections.changed() => {
                    give_back(&mut batch).await;
                    return Ok(());
                }
                next = batch.next() => next,
            };
            match next {
                Some(Ok(message)) => {
                    // The receiver outlives this sender and has room for every permit.
                    let _ = to.send(Pulled { message, permit }).await;
                }
                Some(Err(error)) => return Err(BusError::request("pull", error)),
                None => break,
            }
        }
    }
}

/// What has arrived and nobody started on: offered to others at once instead of after the acknowledgement time.
async fn give_back(batch: &mut Batch) {
    while let Some(Some(Ok(message))) = batch.next().now_or_never() {
        if let Err(error) = message.ack_with(AckKind::Nak(None)).await {
            tracing::debug!(%error, "message not given back, it is delivered again after its time");
            return;
        }
    }
}
