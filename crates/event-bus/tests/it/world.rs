//! What every test starts from: a database and a stream of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_nats::jetstream::message::StreamMessage;
use chrono::Utc;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::RunQueryDsl as _;
use event_bus::{
    Bus, BusConfig, Consumer, ConsumerSpec, Delivery, HandlerError, OutboxMessage, Relay, StreamSpec,
};
use pg_pool::{PgConfig, PgError, PgPool};
use telemetry::metrics::Metrics;
use test_harness::{Database, nats_url, wait_until};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Long enough for a busy machine; only a failing test waits it out.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) bus: Bus,
    /// Name of the stream.
    pub(crate) stream: String,
    /// First token of its subjects.
    pub(crate) root: String,
    stop: watch::Sender<bool>,
    // Last, so dropped last: the pool's connections should be gone before the database is.
    database: Database,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::behind(&nats_url()).await
    }

    /// With the bus connected to `nats`, which may be a proxy.
    pub(crate) async fn behind(nats: &str) -> Self {
        let database = Database::create(vec![event_bus::MIGRATIONS], "event-bus").await;
        let config = PgConfig { url: database.url().into(), ..PgConfig::default() };
        let pool = PgPool::new(&config, &Metrics::new("test")).unwrap();
        let config = BusConfig { url: nats.to_owned(), request_timeout_ms: 2000, ..BusConfig::default() };
        let bus = Bus::connect(&config).await.unwrap();
        let suffix = Uuid::new_v4().simple().to_string();
        let (stream, root) = (format!("TEST_{suffix}"), format!("test{suffix}"));
        bus.ensure_stream(StreamSpec::new(&stream, [format!("{root}.>")])).await.unwrap();
        Self { pool, bus, stream, root, stop: watch::Sender::new(false), database }
    }

    pub(crate) fn relay(&self) -> Relay {
        self.measured_relay(&Metrics::new("test"))
    }

    pub(crate) fn measured_relay(&self, metrics: &Metrics) -> Relay {
        Relay::new(self.pool.clone(), self.bus.clone(), "test", metrics)
    }

    /// Logs in to the database as superuser.
    pub(crate) fn admin_url(&self) -> &str {
        self.database.admin_url()
    }

    pub(crate) fn shutdown(&self) -> event_bus::Shutdown {
        self.stop.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn message(&self, aggregate: &str, payload: &str) -> OutboxMessage {
        OutboxMessage {
            id: Uuid::now_v7(),
            subject: format!("{}.thing.changed", self.root),
            event_type: "aldia.test.v1.ThingChanged".to_owned(),
            source: "/test".to_owned(),
            aggregate: aggregate.to_owned(),
            payload: payload.as_bytes().to_vec(),
            occurred_at: Utc::now(),
        }
    }

    /// Enqueues in a transaction that commits.
    pub(crate) async fn enqueue(&self, messages: &[OutboxMessage]) {
        let done = self
            .pool
            .tx("enqueue", async |conn| Ok::<_, PgError>(event_bus::enqueue(conn, messages).await?))
            .await;
        done.unwrap();
    }

    /// Enqueues and publishes one message; gives its id.
    pub(crate) async fn publish(&self, payload: &str) -> Uuid {
        let message = self.message("thing/1", payload);
        self.enqueue(std::slice::from_ref(&message)).await;
        self.relay_once(1).await;
        message.id
    }

    /// Publishes what waits. A relay dropped just now may still hold the lock: its connection is being closed.
    pub(crate) async fn relay_once(&self, expected: usize) {
        let mut relay = self.relay();
        wait_until("the relay publishes", DEADLINE, async || {
            relay.pass().await.unwrap().published == expected
        })
        .await;
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut conn = self.pool.write().await.unwrap();
        diesel::sql_query(sql).execute(&mut *conn).await.unwrap();
    }

    pub(crate) async fn count(&self, condition: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let mut conn = self.pool.read().await.unwrap();
        let sql = format!("SELECT count(*) AS count FROM outbox WHERE {condition}");
        diesel::sql_query(sql).get_result::<Count>(&mut *conn).await.unwrap().count
    }

    /// The server's processes that serve this world's pool, by number.
    pub(crate) async fn backends(&self) -> Vec<i32> {
        #[derive(QueryableByName)]
        struct Backend {
            #[diesel(sql_type = Integer)]
            pid: i32,
        }
        let mut conn = self.pool.read().await.unwrap();
        let sql = "SELECT pid FROM pg_stat_activity \
                   WHERE datname = current_database() AND backend_type = 'client backend' ORDER BY pid";
        let backends = diesel::sql_query(sql).get_results::<Backend>(&mut *conn).await.unwrap();
        backends.into_iter().map(|backend| backend.pid).collect()
    }

    /// Everything the stream holds, read past the crate under test.
    pub(crate) async fn stored(&self) -> Vec<StreamMessage> {
        let client = async_nats::connect(nats_url()).await.unwrap();
        let stream = async_nats::jetstream::new(client).get_stream(&self.stream).await.unwrap();
        let last = stream.cached_info().state.last_sequence;
        let mut messages = Vec::new();
        for sequence in 1..=last {
            messages.push(stream.get_raw_message(sequence).await.unwrap());
        }
        messages
    }

    pub(crate) async fn stored_texts(&self) -> Vec<String> {
        self.stored().await.iter().map(|m| String::from_utf8(m.payload.to_vec()).unwrap()).collect()
    }

    /// A consumer with quick retries.
    pub(crate) fn spec(&self, durable: &str) -> ConsumerSpec {
        ConsumerSpec {
            backoff: vec![Duration::from_millis(1)],
            max_attempts: 3,
            ..ConsumerSpec::new(&self.stream, durable, format!("{}.>", self.root))
        }
    }

    /// Runs a consumer until [`World::stop`]. Every delivery is shown to the test, then `answer` decides.
    pub(crate) fn consume(
        &self,
        spec: ConsumerSpec,
        answer: impl Fn(&Delivery) -> Result<(), HandlerError> + Send + Sync + 'static,
    ) -> Seen {
        let (sender, deliveries) = mpsc::unbounded_channel();
        let count = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&count);
        let consumer = Consumer::new(self.bus.clone(), spec);
        let shutdown = self.shutdown();
        let handler = move |delivery: Delivery| {
            counter.fetch_add(1, Ordering::SeqCst);
            let outcome = answer(&delivery);
            sender.send(delivery).unwrap();
            std::future::ready(outcome)
        };
        let task = tokio::spawn(consumer.run(handler, shutdown));
        Seen { deliveries, count, task }
    }
}

/// What a consumer was given.
pub(crate) struct Seen {
    deliveries: mpsc::UnboundedReceiver<Delivery>,
    count: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Seen {
    pub(crate) async fn next(&mut self) -> Delivery {
        tokio::time::timeout(DEADLINE, self.deliveries.recv()).await.unwrap().unwrap()
    }

    pub(crate) fn count(&self) -> u32 {
        AtomicU32::load(&self.count, Ordering::SeqCst)
    }

    /// Waits for the consumer to end after [`World::stop`].
    pub(crate) async fn ended(self) {
        tokio::time::timeout(DEADLINE, self.task).await.unwrap().unwrap();
    }
}

/// Waits until the stream holds `count` messages.
pub(crate) async fn until_stored(world: &World, count: usize) {
    wait_until("the stream holds the messages", DEADLINE, async || world.stored().await.len() == count).await;
}
