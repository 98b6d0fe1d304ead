//! Builds a running catalog from its configuration; the binary and the tests use the same path.

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
use identity::Authenticate;
use page_cursor::CursorKey;
use pg_pool::{Connection, PgPool, now};
use request_parts::Published;
use secrecy::ExposeSecret;
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::api::auth::PATHS_WITHOUT_TOKEN;
use crate::api::auth::attempts::Attempts;
use crate::api::auth::state::AuthState;
use crate::api::openapi;
use crate::cache::Records;
use crate::cache::groups::Affected;
use crate::config::Config;
use crate::jobs;
use crate::model::registry::Registry;
use crate::operations::Context;
use crate::routes;
use crate::state::{AppState, Settings};

/// A catalog that serves.
pub struct App {
    running: Running,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    pool: PgPool,
    sweep: JoinHandle<()>,
}

impl App {
    /// Connects, starts the background work and serves. The database must be migrated ([`migrate`]).
    ///
    /// # Errors
    /// Where the settings do not fit together, the port is taken, or no signing key can be had.
    pub async fn start(config: Config, registry: Registry) -> anyhow::Result<Self> {
        let metrics = Metrics::new("catalog");
        let pool = PgPool::new(&config.postgres, &metrics).context("the database's settings")?;
        let database = pool.clone();
        let broadcast = Broadcast::connect(&config.nats.nats()).await.context("the settings of NATS")?;
        let bus = Bus::over(broadcast.clone(), &config.nats);
        let relay = Relay::new(pool.clone(), bus.clone(), "catalog", &metrics);
        let waker = relay.waker();
        let freshness = connect_cache(&config, broadcast, &metrics).await?;
        let document = Arc::new(Published::new(&openapi::document(&registry)));
        let context = Context {
            records: Records::new(pool.clone(), freshness.clone(), &variant(&config, &document), now),
            registry: Arc::new(registry),
            now,
            new_id: Uuid::now_v7,
            wake_relay: Arc::new(move || waker.wake()),
        };
        let auth = sign_in(&config, &pool)?;
        let verifier = auth.verifier(&config.identity, Client::new(ClientConfig::default())?);
        let state = AppState {
            context: context.clone(),
            cursors: CursorKey::new(&config.records.cursor_key),
            fingerprints: FingerprintKey::derive(&config.records.cursor_key),
            auth: auth.clone(),
            document,
            settings: Arc::new(Settings {
                own_issuer: config.auth.issuer.clone(),
                tombstone_retention_secs: config.records.tombstone_retention_secs,
                open_cache_stats: config.freshness.open_stats,
            }),
        };
        let stalls = StallDetector::new(&config.telemetry, &metrics);
        let shell = Shell {
            service: "catalog",
            version: env!("CARGO_PKG_VERSION"),
            config: config.http.clone(),
            metrics,
            // A connection at rest says nothing of a database that has fallen silent: it must answer.
            checks: vec![http_server::check("postgres", async move || database.ping().await)],
            slow_request: Duration::from_millis(config.telemetry.slow_request_ms),
            stalls: stalls.clone(),
        };
        let authenticate = PATHS_WITHOUT_TOKEN
            .iter()
            .fold(Authenticate::new(verifier), |authenticate, path| authenticate.except(path));
        let running = shell.start(move |app| {
            let state = state.clone();
            app.service(
                actix_web::web::scope("")
                    .wrap(authenticate.clone())
                    .configure(move |scope| routes::configure(scope, &state)),
            );
        })?;
        let (stop, stopped) = watch::channel(false);
        let tasks = vec![
            tokio::spawn(declare_stream(bus)),
            tokio::spawn(stalls.job("relay", relay.run(stopped.clone()))),
            tokio::spawn(stalls.job("key_rotation", jobs::key_rotation::run(auth, until(stopped.clone())))),
            tokio::spawn(stalls.job("purge", run_purge(context, pool.clone(), config, stopped))),
        ];
        Ok(Self { running, stop, tasks, pool, sweep: freshness.spawn_sweep() })
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
        drop(self.pool);
        result
    }
}

/// Brings the database to the newest schema; safe to run from several replicas at once.
///
/// # Errors
/// Of the database.
pub async fn migrate(config: &Config) -> anyhow::Result<Vec<String>> {
    let pool = PgPool::new(&config.postgres, &Metrics::new("catalog"))?;
    Ok(pool.migrate(migrations()).await?)
}

/// Everything that the catalog's database needs.
pub fn migrations() -> Vec<pg_pool::EmbeddedMigrations> {
    vec![event_bus::MIGRATIONS, idempotency::MIGRATIONS, crate::store::MIGRATIONS]
}

/// Publishes a new signing key, or with `at_once` signs with it from now on. Returns its name and when it signs.
///
/// # Errors
/// Of the settings and the database.
pub async fn rotate_keys(config: &Config, at_once: bool) -> anyhow::Result<Option<(String, DateTime<Utc>)>> {
    let pool = PgPool::new(&config.postgres, &Metrics::new("catalog"))?;
    Ok(jobs::key_rotation::rotate_now(&pool, &config.auth, now(), at_once).await?.created)
}

/// Begins a new history after a restore from a backup: versions that were given out after the backup never come again.
///
/// # Errors
/// Of the database and the cache.
pub async fn begin_epoch(config: &Config) -> anyhow::Result<()> {
    let context = command_context(config).await?;
    let everything = context
        .registry
        .models()
        .iter()
        .map(|model| Affected::any(model))
        .reduce(Affected::and)
        .context("there are no models")?;
    let epoch = now().timestamp_micros();
    let begin = async |conn: &mut Connection| Ok(crate::store::maintenance::begin_epoch(conn, epoch).await?);
    let begun = context.records.change("begin_epoch", &everything, begin).await;
    begun.map_err(|error| anyhow::anyhow!("{}", error.explain()))?;
    Ok(())
}

/// What a command needs that changes records beside the service: it tells the caches like the service itself. Its
/// events are published by the service.
///
/// # Errors
/// Of the settings.
pub(crate) async fn command_context(config: &Config) -> anyhow::Result<Context> {
    let metrics = Metrics::new("catalog");
    let pool = PgPool::new(&config.postgres, &metrics).context("the database's settings")?;
    let broadcast = Broadcast::connect(&config.nats.nats()).await.context("the settings of NATS")?;
    let freshness = connect_cache(config, broadcast, &metrics).await?;
    Ok(Context {
        // It answers nothing, so its answers need no keys of their own.
        records: Records::new(pool, freshness, &[], now),
        registry: Arc::new(Registry::default()),
        now,
        new_id: Uuid::now_v7,
        wake_relay: Arc::new(|| {}),
    })
}

/// Connects lazily: without Redis the service starts, reads from the database and refuses writes.
async fn connect_cache(
    config: &Config,
    broadcast: Broadcast,
    metrics: &Metrics,
) -> anyhow::Result<Freshness> {
    let (settings, domain) = (config.freshness.cache.clone(), config.freshness.domain.as_str());
    Freshness::start(settings, &config.redis.url, broadcast, domain, metrics)
        .await
        .context("the settings of freshness")
}

/// What an answer depends on beside records and question: what is declared, and the key that its cursors are sealed with.
fn variant(config: &Config, document: &Published) -> Vec<u8> {
    let key = blake3::hash(config.records.cursor_key.expose_secret().as_bytes());
    [document.tag().to_string().as_bytes(), key.as_bytes()].concat()
}

fn sign_in(config: &Config, pool: &PgPool) -> anyhow::Result<AuthState> {
    let attempts = Attempts::new(config.redis.url.expose_secret(), &config.auth.attempts)
        .context("the settings of redis")?;
    AuthState::new(pool.clone(), config.auth.clone(), attempts, Arc::new(now)).context("the settings of auth")
}

async fn until(mut stopped: event_bus::Shutdown) {
    // A sender that is gone means the same as one that says so.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Declares the stream; where NATS is away, the relay does it later and the outbox keeps every event until then.
async fn declare_stream(bus: Bus) {
    if let Err(error) = bus.ensure_stream(crate::events::stream()).await {
        tracing::error!(%error, "the event stream is refused; events wait in the outbox");
    }
}

async fn run_purge(context: Context, pool: PgPool, config: Config, mut stopped: event_bus::Shutdown) {
    let mut ticks = tokio::time::interval(Duration::from_secs(config.records.purge_interval_secs));
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        let work = jobs::purge::pass(
            &context,
            &pool,
            config.records.tombstone_retention_secs,
            config.records.idempotency_retention_hours,
        );
        if let Err(error) = work.await {
            tracing::warn!(%error, "a pass of the purge failed; the next one tries again");
        }
    }
}
