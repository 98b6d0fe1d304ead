//! Builds a running service from its configuration; the binary and the tests use the same path.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use blob_store::BlobStore;
use broadcast::Broadcast;
use event_bus::{Bus, Relay, Shutdown};
use freshness::Freshness;
use http_client::{Client, ClientConfig};
use http_server::{Handle, ReadinessCheck, Running, Shell};
use idempotency::FingerprintKey;
use identity::{Authenticate, Verifier};
use page_cursor::CursorKey;
use pg_pool::{PgPool, now};
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::api::live::Listeners;
use crate::cache::PublicMedia;
use crate::config::Config;
use crate::ingest::{self, Ingest};
use crate::state::{AppState, Context};
use crate::{events, jobs, routes};

/// Between two looks for uploads whose end was interrupted.
const FINISH_EVERY: Duration = Duration::from_secs(2);
/// Uploads finished in one such look.
const FINISH_BATCH: usize = 16;

/// A service that serves.
pub struct App {
    running: Running,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    sweep: JoinHandle<()>,
    ingest: Ingest,
}

impl App {
    /// Connects, starts the background work and serves. The database must be migrated ([`migrate`]).
    ///
    /// # Errors
    /// Where the settings do not fit together, the port is taken, or the store cannot be opened.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let metrics = Metrics::new("upload-ingest");
        let pool = PgPool::new(&config.postgres, &metrics).context("the database's settings")?;
        let blobs = BlobStore::open(&config.storage).await.context("the store of objects")?;
        let broadcast = Broadcast::connect(&config.nats.nats()).await.context("the settings of NATS")?;
        let bus = Bus::over(broadcast.clone(), &config.nats);
        let relay = Relay::new(pool.clone(), bus.clone(), "upload-ingest", &metrics);
        let waker = relay.waker();
        let context = Context { now, new_id: Uuid::now_v7, wake_relay: Arc::new(move || waker.wake()) };
        let freshness = Freshness::start(
            config.freshness.cache.clone(),
            &config.redis.url,
            broadcast.clone(),
            &config.freshness.domain,
            &metrics,
        )
        .await
        .context("the settings of freshness")?;
        let ingest = Ingest::new(
            pool.clone(),
            blobs.clone(),
            config.ingest.clone(),
            config.processing.playlists,
            context.clone(),
            &metrics,
        );
        let state = AppState {
            public_media: PublicMedia::new(pool.clone(), freshness.clone()),
            pool: pool.clone(),
            blobs: blobs.clone(),
            ingest: ingest.clone(),
            broadcast,
            listeners: Listeners::default(),
            cursors: CursorKey::new(&config.api.cursor_key),
            fingerprints: FingerprintKey::derive(&config.api.cursor_key),
            config: Arc::new(config.clone()),
            context: context.clone(),
        };
        let stalls = StallDetector::new(&config.telemetry, &metrics);
        let shell = Shell {
            service: "upload-ingest",
            version: env!("CARGO_PKG_VERSION"),
            config: config.http.clone(),
            metrics: metrics.clone(),
            checks: vec![database_check(pool.clone()), store_check(blobs.clone())],
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
        if config.ingest.background {
            tasks.push(tokio::spawn(declare_stream(bus)));
            tasks.push(tokio::spawn(
                stalls.job("finish", finish_interrupted(ingest.clone(), stopped.clone())),
            ));
            tasks.push(jobs::spawn(&config, &pool, &blobs, &context, &metrics, &stalls, &stopped));
            tasks.push(tokio::spawn(stalls.job("relay", relay.run(stopped))));
        }
        Ok(Self { running, stop, tasks, sweep: freshness.spawn_sweep(), ingest })
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
        let ingest = self.ingest;
        self.running.on_drain(move || ingest.drain());
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

/// Brings the database to the newest schema; safe to run from several replicas at once.
///
/// # Errors
/// Of the database.
pub async fn migrate(config: &Config) -> anyhow::Result<Vec<String>> {
    let pool = PgPool::new(&config.postgres, &Metrics::new("upload-ingest"))?;
    Ok(pool.migrate(migrations()).await?)
}

/// Everything that this service's database needs.
pub fn migrations() -> Vec<pg_pool::EmbeddedMigrations> {
    vec![event_bus::MIGRATIONS, idempotency::MIGRATIONS, crate::store::MIGRATIONS]
}

/// A database that must answer before there is work.
pub(crate) fn database_check(pool: PgPool) -> Arc<dyn ReadinessCheck> {
    http_server::check("postgres", async move || pool.ping().await)
}

/// A store of objects that must answer before there is work.
pub(crate) fn store_check(blobs: BlobStore) -> Arc<dyn ReadinessCheck> {
    http_server::check("storage", async move || blobs.ping().await)
}

/// Declares the stream; where NATS is away, the relay does it later and the outbox keeps every event until then.
async fn declare_stream(bus: Bus) {
    if let Err(error) = bus.ensure_stream(events::stream()).await {
        tracing::error!(%error, "the event stream is refused; events wait in the outbox");
    }
}

/// Finishes what a crash interrupted between the last byte and the asset.
async fn finish_interrupted(ingest: Ingest, mut stopped: Shutdown) {
    let mut ticks = tokio::time::interval(FINISH_EVERY);
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        match ingest::finish_received(&ingest, FINISH_BATCH).await {
            Ok(0) => {}
            Ok(finished) => tracing::info!(finished, "uploads were finished that a crash had interrupted"),
            Err(error) => tracing::debug!(cause = error.explain(), "interrupted uploads were not looked for"),
        }
    }
}
