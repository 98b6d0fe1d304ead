//! One trace from the transaction to the handler.

use std::sync::{Arc, Mutex, OnceLock};

use event_bus::{Consumer, Delivery};
use telemetry::propagation::current_traceparent;
use telemetry::{Telemetry, TelemetryConfig};
use tokio::sync::Notify;
use tracing::Instrument as _;

use crate::world::{DEADLINE, World};

fn start_telemetry() {
    static ONCE: OnceLock<Telemetry> = OnceLock::new();
    let config = TelemetryConfig { log: "error".to_owned(), ..TelemetryConfig::default() };
    ONCE.get_or_init(|| Telemetry::init("test", &config).unwrap());
}

/// `(trace id, span id)` of a `traceparent`.
fn ids(traceparent: &str) -> (String, String) {
    let mut parts = traceparent.split('-').skip(1).map(str::to_owned);
    (parts.next().unwrap(), parts.next().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_trace_goes_on_in_the_consumer() {
    start_telemetry();
    let world = World::new().await;
    let request = tracing::info_span!("request");
    let caused_by = async {
        world.enqueue(&[world.message("thing/1", "traced")]).await;
        current_traceparent().unwrap()
    };
    let caused_by = ids(&caused_by.instrument(request).await);
    world.relay().pass().await.unwrap();

    let in_handler = Arc::new(Mutex::new(None));
    let done = Arc::new(Notify::new());
    let (note, finished) = (Arc::clone(&in_handler), Arc::clone(&done));
    let consumer = Consumer::new(world.bus.clone(), world.spec("traced"));
    let handler = move |delivery: Delivery| {
        let (note, finished) = (Arc::clone(&note), Arc::clone(&finished));
        async move {
            let sent = delivery.headers.get("traceparent").map(str::to_owned);
            *note.lock().unwrap() = Some((sent, current_traceparent()));
            finished.notify_one();
            Ok(())
        }
    };
    let running = tokio::spawn(consumer.run(handler, world.shutdown()));
    tokio::time::timeout(DEADLINE, done.notified()).await.unwrap();
    world.stop();
    running.await.unwrap();

    let (sent, here) = in_handler.lock().unwrap().take().unwrap();
    let (published, handled) = (ids(&sent.unwrap()), ids(&here.unwrap()));
    assert_eq!(published.0, caused_by.0, "publishing belongs to the request's trace");
    assert_ne!(published.1, caused_by.1, "publishing is a span of its own");
    assert_eq!(handled.0, caused_by.0, "so does handling");
    assert_ne!(handled.1, published.1, "handling is a span of its own");
}
