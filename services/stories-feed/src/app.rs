//! Builds a running service from its configuration; the binary and the tests use the same path.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use broadcast::Broadcast;
use chrono::{DateTime, Utc};
use event_bus::{Bus, Relay};
use freshness::Freshness;
use http_client::{Client, ClientConfig};
use http_server::{Handle, Running, Shell};
use idempotency::FingerprintKey;
use identity::{Authenticate, Verifier};
use page_cursor::CursorKey;
use pg_pool::PgPool;
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::cache::Stories;
use crate::config::Config;
use crate::events::{self, consumed};
use crate::live::Hub;
use crate::state::{AppState, Context};
use crate::uploads::Uploads;
use crate::{jobs, routes};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A service that serves.
pub struct App {
    running: Running,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    sweep: JoinHandle<()>,
    hub: Hub,
    poll: JoinHandle<()>,
}

impl App {
    /// Connects, starts the background work and serves. The database must be migrated ([`migrate`]).
    ///
    /// # Errors
    /// Where the settings do not fit together, or the port is taken.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_at(config, Arc::new(pg_pool::now)).await
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// As [`App::start`].
    pub async fn start_at(config: Config, clock: Clock) -> anyhow::Result<Self> {
        let Parts { state, pool, bus, relay, freshness, metrics } = parts(&config, clock).await?;
        let (hub, background) = (state.hub.clone(), state.clone());
        let ready = pool.clone();
        let stalls = StallDetector::new(&config.telemetry, &metrics);
        let shell = Shell {
            service: "stories-feed",
            version: env!("CARGO_PKG_VERSION"),
            config: config.http.clone(),
            metrics: metrics.clone(),
            checks: vec![http_server::check("postgres", async move || ready.ping().await)],
            slow_request: Duration::from_millis(config.telemetry.slow_request_ms),
            stalls: stalls.clone(),
        };
        let verifier = Verifier::new(&config.identity, Client::new(ClientConfig::default())?);
        let authenticate = Authenticate::new(verifier);
        let running = shell.start(move |app| {
            let state = state.clone();
            app.service(
                actix_web::web::scope("")
                    .wrap(authenticate.clone())
                    .configure(move |scope| routes::configure(scope, &state)),
            );
        })?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        if config.jobs.enabled {
            tasks.push(tokio::spawn(declare_stream(bus.clone())));
            tasks.extend(consumed::spawn(&background, &bus, &metrics, &stalls, &stopped));
            tasks.push(jobs::spawn(&background, &metrics, &stalls, &stopped));
            tasks.push(tokio::spawn(stalls.job("relay", relay.run(stopped))));
        }
        let (sweep, poll) = (freshness.spawn_sweep(), hub.spawn_poll());
        Ok(Self { running, stop, tasks, sweep, hub, poll })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.running.addr
    }

    /// Stops it from outside.
    pub fn handle(&self) -> Handle {
        self.running.handle()
    }

    /// Serves until it is told to stop, drains, and ends the background work.
    ///
    /// # Errors
    /// Of the server.
    pub async fn until_stopped(mut self) -> std::io::Result<()> {
        let hub = self.hub.clone();
        // Sockets would stay as long as they may; their clients go on elsewhere.
        self.running.on_drain(move || hub.drain());
        let result = self.running.until_stopped().await;
        // A receiver that is gone has ended already.
        let _ = self.stop.send(true);
        for task in self.tasks {
            if tokio::time::timeout(Duration::from_secs(5), task).await.is_err() {
                tracing::warn!("background work did not end in time");
            }
        }
        self.sweep.abort();
        self.poll.abort();
        result
    }
}

/// What the service and its commands are made of. Everything connects by itself, when it is first needed.
pub(crate) struct Parts {
    /// What handlers share.
    pub(crate) state: AppState,
    pool: PgPool,
    bus: Bus,
    relay: Relay,
    freshness: Freshness,
    metrics: Metrics,
}

/// Puts them together.
///
/// # Errors
/// Where the settings do not fit together.
pub(crate) async fn parts(config: &Config, clock: Clock) -> anyhow::Result<Parts> {
    let metrics = Metrics::new("stories-feed");
    let pool = PgPool::new(&config.postgres, &metrics).context("the database's settings")?;
    let broadcast = Broadcast::connect(&config.nats.nats()).await.context("the settings of NATS")?;
    let bus = Bus::over(broadcast.clone(), &config.nats);
    let relay = Relay::new(pool.clone(), bus.clone(), "stories-feed", &metrics);
    let waker = relay.waker();
    let context = Context { now: clock, new_id: Uuid::now_v7, wake_relay: Arc::new(move || waker.wake()) };
    let freshness = Freshness::start(
        config.freshness.cache.clone(),
        &config.redis.url,
        broadcast.clone(),
        &config.freshness.domain,
        &metrics,
    )
    .await
    .context("the settings of freshness")?;
    let stories = Stories::new(pool.clone(), freshness.clone(), context.now.clone());
    let live = config.live.clone();
    let hub = Hub::new(stories.clone(), broadcast.clone(), context.clone(), live, &metrics);
    let state = AppState {
        stories,
        hub: hub.clone(),
        uploads: Uploads::new(&config.uploads, &config.access.own_issuer)?,
        broadcast,
        cursors: CursorKey::new(&config.api.cursor_key),
        fingerprints: FingerprintKey::derive(&config.api.cursor_key),
        config: Arc::new(config.clone()),
        context,
    };
    Ok(Parts { state, pool, bus, relay, freshness, metrics })
}

/// Declares the stream; where NATS is away, the relay does it later and the outbox keeps every event until then.
async fn declare_stream(bus: Bus) {
    if let Err(error) = bus.ensure_stream(events::stream()).await {
        tracing::error!(%error, "the event stream is refused; events wait in the outbox");
    }
}

/// Brings the database to the newest schema; safe to run from several replicas at once.
///
/// # Errors
/// Of the database.
pub async fn migrate(config: &Config) -> anyhow::Result<Vec<String>> {
    let pool = PgPool::new(&config.postgres, &Metrics::new("stories-feed"))?;
    Ok(pool.migrate(migrations()).await?)
}

/// Everything that this service's database needs.
pub fn migrations() -> Vec<pg_pool::EmbeddedMigrations> {
    vec![event_bus::MIGRATIONS, idempotency::MIGRATIONS, crate::store::MIGRATIONS]
}
