//! A consumer that shows a test what it was given.

use std::time::Duration;

use contracts::Message as _;
use contracts::catalog::v1::RecordChanged;
use event_bus::{Bus, BusConfig, Consumer, ConsumerSpec, Delivery, HandlerError, Start, StreamSpec};
use test_harness::{nats_url, wait_until};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::PATIENCE;

const STREAM: &str = "CATALOG";

/// An event as it came, and what it says.
pub(super) struct Event {
    pub(super) delivery: Delivery,
    pub(super) changed: RecordChanged,
}

/// A durable consumer of one model's events, from now on.
pub(super) struct Observer {
    pub(super) durable: String,
    events: mpsc::UnboundedReceiver<Event>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Observer {
    /// Is there when this returns, so it misses nothing that is written later. `answer` decides each delivery.
    pub(super) async fn of(
        model: &str,
        answer: impl Fn(&RecordChanged) -> Result<(), HandlerError> + Send + Sync + 'static,
    ) -> Self {
        let bus = Bus::connect(&BusConfig { url: nats_url(), ..BusConfig::default() }).await.unwrap();
        bus.ensure_stream(StreamSpec::new(STREAM, ["catalog.>"])).await.unwrap();
        let durable = format!("test-{}", uuid::Uuid::now_v7());
        let spec = ConsumerSpec {
            start: Start::Newest,
            // One at a time: the order of the stream.
            max_in_flight: 1,
            backoff: vec![Duration::from_millis(10)],
            ..ConsumerSpec::new(STREAM, &durable, format!("catalog.{model}.>"))
        };
        let (sender, events) = mpsc::unbounded_channel();
        let handler = move |delivery: Delivery| {
            let changed = RecordChanged::decode(delivery.payload.clone()).unwrap();
            let outcome = answer(&changed);
            // A test that has seen enough has let go of the other end.
            let _ = sender.send(Event { delivery, changed });
            std::future::ready(outcome)
        };
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(Consumer::new(bus, spec).run(handler, stopped));
        let observer = Self { durable, events, stop, task };
        let stream = observer.stream().await;
        wait_until("the consumer is there", PATIENCE, async || {
            stream.consumer_info(&observer.durable).await.is_ok()
        })
        .await;
        observer
    }

    /// The next event of this record, whatever else comes between.
    pub(super) async fn next_of(&mut self, record_id: &str) -> Event {
        let next = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if event.changed.record_id == record_id {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.unwrap()
    }

    /// Ends the consumer and removes it from the stream, which outlives the test.
    pub(super) async fn end(self) {
        self.stop.send_replace(true);
        let stream = self.stream().await;
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
        stream.delete_consumer(&self.durable).await.unwrap();
    }

    async fn stream(&self) -> async_nats::jetstream::stream::Stream {
        let client = async_nats::connect(nats_url()).await.unwrap();
        async_nats::jetstream::new(client).get_stream(STREAM).await.unwrap()
    }
}
