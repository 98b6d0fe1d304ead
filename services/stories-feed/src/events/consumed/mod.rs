//! What is heard from others: the catalog tells of people, upload-ingest of the assets that stories show. Each event is applied in one
//! transaction, by version: it may come again, late, or before the story that it is about.

pub(crate) mod assets;
mod meters;
pub(crate) mod people;

use std::sync::Arc;

use contracts::{Message, Name};
use event_bus::{Bus, Consumer, ConsumerSpec, Delivery, HandlerError, Shutdown};
use problem::registry;
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::api::perform::announce;
use crate::cache::groups::Affected;
use crate::state::AppState;
use meters::Meters;
use service_error::ServiceError;

/// Events of one kind that are applied at the same time. Each holds a connection, and requests come first.
const IN_FLIGHT: usize = 4;
/// How often an event is begun anew because a gym has come to show what it is about.
const ATTEMPTS: u32 = 5;

/// Starts to consume; ends when the process is to stop. Where a stream is not there yet, it is looked for again every second.
///
/// Both begin at the oldest message: what happened before the service first ran is learned as if it happened now. People whose last
/// change is older than the stream reaches (7 days) are learned by `stories-feed sync-people`.
pub(crate) fn spawn(
    state: &AppState,
    bus: &Bus,
    metrics: &Metrics,
    stalls: &StallDetector,
    stopped: &Shutdown,
) -> Vec<JoinHandle<()>> {
    let meters = Arc::new(Meters::new(metrics));
    let domain = &state.config.freshness.domain;
    let spec = |stream: &str, what: &str, subject: &str| ConsumerSpec {
        max_in_flight: IN_FLIGHT,
        ..ConsumerSpec::new(stream, durable(what, domain), subject)
    };
    let people = {
        let consumer = Consumer::new(bus.clone(), spec("CATALOG", "people", "catalog.user.*"));
        let (state, meters, stopped) = (state.clone(), Arc::clone(&meters), stopped.clone());
        let handler = move |delivery| {
            let (state, meters) = (state.clone(), Arc::clone(&meters));
            async move { meters.counted("people", people::handle(&state, &delivery).await) }
        };
        tokio::spawn(stalls.job("people", async move { Box::pin(consumer.run(handler, stopped)).await }))
    };
    let assets = {
        let consumer = Consumer::new(bus.clone(), spec("UPLOAD_INGEST", "assets", "upload_ingest.asset.*"));
        let (state, stopped) = (state.clone(), stopped.clone());
        let handler = move |delivery| {
            let (state, meters) = (state.clone(), Arc::clone(&meters));
            async move { meters.counted("assets", assets::handle(&state, &delivery).await) }
        };
        tokio::spawn(stalls.job("assets", async move { Box::pin(consumer.run(handler, stopped)).await }))
    };
    vec![people, assets]
}

/// Name of the consumer that the replicas on one database share. Those of another, where two share a NATS, have one of their own.
fn durable(what: &str, domain: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    format!("stories-{what}-{}", domain.chars().map(plain).collect::<String>())
}

/// What an event changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was applied, and happened so many seconds ago.
    Applied(i64),
    /// It was known, or is of no interest here.
    Ignored,
}

/// Reads an event whose type the envelope tells.
fn decode<M: Message + Name + Default>(delivery: &Delivery) -> Result<M, HandlerError> {
    M::decode(delivery.payload.as_ref()).map_err(HandlerError::reject)
}

/// An id in an event.
fn id_of(text: &str) -> Result<Uuid, HandlerError> {
    Uuid::parse_str(text).map_err(HandlerError::reject)
}

/// Whether an event that was begun has to be begun anew: something has come to be affected that was not declared.
fn is_widened(error: &ServiceError) -> bool {
    std::ptr::eq(error.problem().kind(), &registry::CONFLICT)
}

/// What such an event is rolled back with.
fn widened() -> ServiceError {
    problem::Problem::new(&registry::CONFLICT).cause("another gym shows it since it was looked for").into()
}

/// Ends an attempt at a change: tells the relay, and the replicas of these gyms' news. Nothing where it has to be begun anew.
async fn settle<T>(
    state: &AppState,
    attempted: Result<(Vec<Uuid>, T), ServiceError>,
) -> Result<Option<T>, HandlerError> {
    match attempted {
        Ok((gyms, value)) => {
            (state.context.wake_relay)();
            for gym in gyms {
                announce(state, gym).await;
            }
            Ok(Some(value))
        }
        Err(error) if is_widened(&error) => Ok(None),
        Err(error) => Err(HandlerError::retry(error.explain())),
    }
}

/// What is said of an event that was begun anew too often: it comes again after a pause.
fn too_busy() -> HandlerError {
    HandlerError::retry("what it affects does not stand still")
}

/// What a change of what these gyms show affects; nothing where there are none.
fn affected(family: &'static str, names: Vec<String>) -> Option<Affected> {
    (!names.is_empty()).then(|| Affected::of(family, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_has_consumers_of_its_own() {
        assert_eq!(durable("people", "stories-feed"), "stories-people-stories-feed");
        assert_eq!(durable("assets", "test.1 2"), "stories-assets-test-1-2");
    }
}
