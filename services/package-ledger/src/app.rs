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
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::cache::Desk;
use crate::cache::tariffs::Tariffs;
use crate::config::Config;
use crate::domain::pickup_code::PickupKey;
use crate::metrics::Metrics;
use crate::state::{AppState, Context};
use crate::uploads::Uploads;
use crate::{events, jobs, routes};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A service that serves.
pub struct App {
    running: Running,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    sweep: JoinHandle<()>,
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
        let (ready, background) = (pool.clone(), state.clone());
        let stalls = StallDetector::new(&config.telemetry, &metrics);
        let shell = Shell {
            service: "package-ledger",
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
            tasks.push(tokio::spawn(declare_stream(bus)));
            tasks.extend(jobs::spawn(&background, &metrics, &stalls, &stopped)?);
            tasks.push(tokio::spawn(stalls.job("relay", relay.run(stopped))));
        }
        Ok(Self { running, stop, tasks, sweep: freshness.spawn_sweep() })
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
    pub async fn until_stopped(self) -> std::io::Result<()> {
        let result = self.running.until_stopped().await;
        // A receiver that is gone has ended already.
        let _ = self.stop.send(true);
        for task in self.tasks {
            if tokio::time::timeout(Duration::from_secs(5), task).await.is_err() {
                tracing::warn!("background work did not end in time");
            }
        }
        self.sweep.abort();
        result
    }
}

/// What the service and its commands are made of. Everything connects by itself, when it is first needed.
pub(crate) struct Parts {
    /// What handlers share.
    pub(crate) state: AppState,
    /// The database, for commands that load data.
    pub(crate) pool: PgPool,
    bus: Bus,
    relay: Relay,
    freshness: Freshness,
    metrics: telemetry::metrics::Metrics,
}

/// Puts them together.
///
/// # Errors
/// Where the settings do not fit together.
pub(crate) async fn parts(config: &Config, clock: Clock) -> anyhow::Result<Parts> {
    let metrics = telemetry::metrics::Metrics::new("package-ledger");
    let pool = PgPool::new(&config.postgres, &metrics).context("the database's settings")?;
    let broadcast = Broadcast::connect(&config.nats.nats()).await.context("the settings of NATS")?;
    let bus = Bus::over(broadcast.clone(), &config.nats);
    let relay = Relay::new(pool.clone(), bus.clone(), "package-ledger", &metrics);
    let waker = relay.waker();
    let context = Context {
        now: clock,
        new_id: Uuid::now_v7,
        nonce: rand::random,
        wake_relay: Arc::new(move || waker.wake()),
    };
    let freshness = Freshness::start(
        config.freshness.cache.clone(),
        &config.redis.url,
        broadcast,
        &config.freshness.domain,
        &metrics,
    )
    .await
    .context("the settings of freshness")?;
    let state = AppState {
        desk: Desk::new(pool.clone(), freshness.clone(), context.now.clone()),
        tariffs: Tariffs::default(),
        uploads: Uploads::new(&config.uploads)?,
        cursors: CursorKey::new(&config.api.cursor_key),
        fingerprints: FingerprintKey::derive(&config.api.cursor_key),
        pickup: Arc::new(PickupKey::derive(&config.api.pickup_key).context("api.pickup_key")?),
        config: Arc::new(config.clone()),
        metrics: Metrics::new(&metrics),
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
    let pool = PgPool::new(&config.postgres, &telemetry::metrics::Metrics::new("package-ledger"))?;
    Ok(pool.migrate(migrations()).await?)
}

/// Everything that this service's database needs.
pub fn migrations() -> Vec<pg_pool::EmbeddedMigrations> {
    vec![event_bus::MIGRATIONS, idempotency::MIGRATIONS, crate::store::MIGRATIONS]
}
