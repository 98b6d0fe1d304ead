//! Builds a running worker from its configuration.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use blob_store::BlobStore;
use event_bus::{Bus, Consumer, ConsumerSpec};
use ffmpeg::Ffmpeg;
use http_server::{Running, Shell};
use image_variants::{DecodeAdmission, Limits};
use pg_pool::{PgPool, now};
use sandbox::Launcher;
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::lease::Keeper;
use super::meters::Meters;
use super::run::{self, Worker};
use super::scratch::Scratch;
use super::settle::Settler;
use super::workshop::Workshop;
use crate::app::{database_check, store_check};
use crate::config::Config;
use crate::events;

/// How long giving jobs back may take, to a database that is busy.
const GIVE_BACK: Duration = Duration::from_secs(5);

/// Name of the consumer that the workers of one database share. Those of another, where two share a NATS, have one of their
/// own, or they would take each other's messages.
fn durable(domain: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    format!("upload-worker-{}", domain.chars().map(plain).collect::<String>())
}

/// A worker that works.
pub(crate) struct App {
    running: Running,
    stop: watch::Sender<bool>,
    stop_within: Duration,
    consuming: JoinHandle<()>,
}

impl App {
    /// Connects and begins to work. The database must be migrated.
    ///
    /// # Errors
    /// Where the settings do not fit together, the port is taken, or ffmpeg or its sandbox cannot be used here.
    pub(crate) async fn start(config: Config) -> anyhow::Result<Self> {
        let metrics = Metrics::new("upload-worker");
        let pool = PgPool::new(&config.postgres, &metrics).context("the database's settings")?;
        let bus = Bus::connect(&config.nats).await.context("the settings of NATS")?;
        let blobs = BlobStore::open(&config.storage).await.context("the object store")?;
        let (stop, stopping) = watch::channel(false);
        // What is not done by then is given back.
        let grace = Duration::from_secs(config.http.drain_secs) / 2;
        let worker = Arc::new(worker(&config, &metrics, &pool, &bus, &blobs, stopping.clone(), grace).await?);
        let stalls = StallDetector::new(&config.telemetry, &metrics);
        let shell = Shell {
            service: "upload-worker",
            version: env!("CARGO_PKG_VERSION"),
            config: config.http.clone(),
            metrics,
            checks: vec![
                database_check(pool),
                store_check(blobs),
                http_server::check("nats", {
                    let bus = bus.clone();
                    async move || if bus.is_connected() { Ok(()) } else { Err("not connected") }
                }),
            ],
            slow_request: Duration::from_millis(config.telemetry.slow_request_ms),
            stalls: stalls.clone(),
        };
        let running = shell.start(|_| {})?;
        tokio::spawn(declare_stream(bus.clone()));
        let spec = ConsumerSpec {
            max_in_flight: config.processing.concurrency,
            ..ConsumerSpec::new(events::STREAM, durable(&config.freshness.domain), events::JOB_QUEUED)
        };
        let consuming = tokio::spawn(stalls.job("consumer", async move {
            let handler = move |delivery| run::handle(Arc::clone(&worker), delivery);
            Box::pin(Consumer::new(bus, spec).run(handler, stopping)).await;
        }));
        let stop_within = grace + GIVE_BACK;
        Ok(Self { running, stop, stop_within, consuming })
    }

    /// Where its health is asked for.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.addr
    }

    /// Works until it is told to stop; then finishes what is short and gives back what is not.
    ///
    /// # Errors
    /// Of the server.
    pub(crate) async fn until_stopped(self) -> std::io::Result<()> {
        let result = self.running.until_stopped().await;
        // A receiver that is gone has ended already.
        let _ = self.stop.send(true);
        if tokio::time::timeout(self.stop_within, self.consuming).await.is_err() {
            tracing::warn!("jobs were not given back in time; they are found when their leases have run out");
        }
        result
    }
}

async fn worker(
    config: &Config,
    metrics: &Metrics,
    pool: &PgPool,
    bus: &Bus,
    blobs: &BlobStore,
    stopping: event_bus::Shutdown,
    grace: Duration,
) -> anyhow::Result<Worker> {
    let processing = Arc::new(config.processing.clone());
    let ffmpeg = Ffmpeg::find(Launcher::current_exe(), &processing.ffmpeg)?;
    let enforced = ffmpeg.check().await?;
    tracing::info!(?enforced, "ffmpeg is restricted");
    let parent = processing.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = tokio::task::spawn_blocking(move || Scratch::open(&parent)).await?;
    let meters = Meters::new(metrics);
    let workshop = Workshop {
        blobs: blobs.clone(),
        ffmpeg,
        admission: DecodeAdmission::new(processing.megapixels),
        limits: Limits {
            max_pixels: u64::from(processing.megapixels) * 1_000_000,
            max_bytes: config.ingest.max_image_bytes,
            ..Limits::default()
        },
        config: Arc::clone(&processing),
        meters: meters.clone(),
    };
    Ok(Worker {
        name: format!("{}-{}", std::process::id(), Uuid::now_v7().simple()),
        workshop,
        scratch: scratch.context("the scratch folder")?,
        settler: Settler { pool: pool.clone(), blobs: blobs.clone(), now, new_id: Uuid::now_v7 },
        keeper: Keeper {
            pool: pool.clone(),
            broadcast: bus.broadcast().clone(),
            now,
            lease: processing.lease(),
        },
        meters,
        stopping,
        grace,
    })
}

/// Declares the stream, so that a worker that starts before the service has something to consume.
async fn declare_stream(bus: Bus) {
    if let Err(error) = bus.ensure_stream(events::stream()).await {
        tracing::error!(%error, "the event stream is refused");
    }
}
