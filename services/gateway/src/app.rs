//! Starts the gateway from its configuration, reads that again on SIGHUP, and runs until it is drained. Tests take the same
//! path.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http_client::{Client, ClientConfig, HttpError};
use http_edge::{EdgeError, Server, ServerHandle};
use http_server::{HttpConfig, Running, ServerError, Shell};
use telemetry::metrics::Metrics;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{AbortHandle, JoinHandle};

use crate::admin;
use crate::cache::{Leases, Operator};
use crate::config::{Config, ConfigError};
use crate::gateway::Gateway;
use crate::upstream::health;
use crate::worker::Worker;

const SERVICE: &str = "gateway";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How often the states of instances are written into the metrics.
const OBSERVE_INSTANCES: Duration = Duration::from_secs(1);

/// Why the gateway does not run.
#[derive(Debug, Error)]
pub enum StartError {
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The public listener cannot be opened.
    #[error("cannot open the public port")]
    Edge(#[from] EdgeError),
    /// The private listener cannot be opened.
    #[error("cannot open the private port")]
    Server(#[from] ServerError),
    /// The client for keys and documents cannot be set up.
    #[error("cannot set up the client for keys and documents")]
    Client(#[from] HttpError),
    /// Leases cannot be had.
    #[error("cannot keep answers under a lease")]
    Lease(#[from] freshness::FreshnessError),
    /// Signals cannot be listened for.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
}

/// A configuration names other places for leases and for news of writes than the one that runs.
#[derive(Debug, Error)]
#[error("[nats] or [freshness] has changed, which needs a restart")]
struct NeedsRestart;

/// A running gateway.
pub struct App {
    core: Arc<Core>,
    public: Server,
    admin: Running,
    background: Vec<JoinHandle<()>>,
}

/// What a reload needs.
struct Core {
    leases: Arc<Leases>,
    gateway: Arc<ArcSwap<Gateway>>,
    metrics: Metrics,
    public: ServerHandle,
    client: Client,
    /// The tasks of the configuration in use: checks of instances, documents of services.
    watchers: Mutex<Vec<AbortHandle>>,
}

impl App {
    /// Opens both ports and starts the background work. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let metrics = Metrics::new(SERVICE);
        let gateway = Gateway::build(config, &metrics)?;
        // A service that is down must not be left alone for seconds: its document is wanted as soon as it is back.
        let patient = ClientConfig { max_retries: 0, breaker_failures: 0, ..ClientConfig::default() };
        let client = Client::new(patient)?;
        let leases = Leases::start(config, gateway.cache.as_ref(), &gateway.metrics.cache)?;
        let (observer, stalls) = (gateway.metrics.clone(), gateway.stalls.clone());
        let shared = Arc::new(ArcSwap::new(gateway));
        let workers = Arc::clone(&shared);
        let public = Server::start(&config.http, move |_index| Worker::new(Arc::clone(&workers)), observer)?;
        let admin = Shell {
            service: SERVICE,
            version: VERSION,
            config: HttpConfig { bind: config.admin.bind.clone(), workers: 1, ..HttpConfig::default() },
            metrics: metrics.clone(),
            checks: Vec::new(),
            slow_request: Duration::from_millis(config.telemetry.slow_request_ms),
            stalls,
        };
        let operator: Arc<dyn admin::CacheAdmin> =
            Arc::new(Operator::new(Arc::clone(&shared), Arc::clone(&leases)));
        let admin = admin.start(move |app| admin::configure(app, Arc::clone(&operator)))?;
        let core = Core {
            leases,
            gateway: shared,
            metrics,
            public: public.handle(),
            client,
            watchers: Mutex::new(Vec::new()),
        };
        let core = Arc::new(core);
        core.watch();
        let mut app = Self { core, public, admin, background: Vec::new() };
        app.start_background()?;
        Ok(app)
    }

    fn start_background(&mut self) -> Result<(), StartError> {
        let core = Arc::clone(&self.core);
        self.background.push(tokio::spawn(async move { core.observe_instances().await }));
        // `/readyz` has to fail as soon as the public port drains, while the private one still answers.
        let admin = self.admin.handle();
        let public = self.public.handle();
        let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
        self.background.push(tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            admin.drain();
            public.drain();
        }));
        Ok(())
    }

    /// Reads this file again on every SIGHUP. Requests under way keep the configuration they began with; a configuration
    /// with faults changes nothing.
    ///
    /// # Errors
    /// [`StartError::Signals`] when the signal cannot be listened for.
    pub fn reload_from(&mut self, path: PathBuf) -> Result<(), StartError> {
        let mut hangup = signal(SignalKind::hangup()).map_err(StartError::Signals)?;
        let core = Arc::clone(&self.core);
        self.background.push(tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                let path = path.clone();
                let core = Arc::clone(&core);
                let loaded = tokio::task::spawn_blocking(move || Config::load(&path)).await;
                match loaded {
                    Ok(Ok(config)) => core.reload(&config),
                    Ok(Err(error)) => core.refuse_reload(&error),
                    Err(error) => core.refuse_reload(&error),
                }
            }
        }));
        Ok(())
    }

    /// Takes over another configuration, all but what belongs to the listeners (`http`, `admin`) and to the process
    /// (`telemetry`); certificates are read again.
    pub fn reload(&self, config: &Config) {
        self.core.reload(config);
    }

    /// The public address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.public.addr()
    }

    /// The private address.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.addr
    }

    /// The public server's handle, to stop it from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.public.handle()
    }

    /// Serves until SIGTERM, SIGINT or the handle stops it; drains, then closes the private port.
    ///
    /// # Errors
    /// Never at present; a later listener may fail.
    pub async fn until_stopped(self) -> io::Result<()> {
        let admin = self.admin.handle();
        self.public.until_stopped().await;
        for task in self.background {
            task.abort();
        }
        self.core.stop_watching();
        // Before the process ends, so that no writer waits for it.
        self.core.leases.stop().await;
        admin.stop(true).await;
        Ok(())
    }
}

impl Core {
    fn reload(&self, config: &Config) {
        let before = self.gateway.load_full();
        if !self.leases.are_of(config) {
            return self.refuse_reload(&NeedsRestart);
        }
        match Gateway::succeed(config, &self.metrics, Some(&before)) {
            Ok(next) => {
                next.docs.inherit(&before.docs);
                self.gateway.store(next);
                self.watch();
                before.metrics.reloaded("done");
                tracing::info!(routes = config.routes.len(), "the configuration was read again");
            }
            Err(error) => self.refuse_reload(&error),
        }
        match self.public.reload_tls() {
            Ok(()) | Err(EdgeError::NoTls) => {}
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the certificate was not read again; the old one stays"
                );
            }
        }
    }

    fn refuse_reload(&self, error: &(dyn std::error::Error + 'static)) {
        self.gateway.load().metrics.reloaded("refused");
        tracing::error!(error, "the configuration was not taken over; the old one stays");
    }

    /// Starts the tasks of the configuration in use in place of those of the one before.
    fn watch(&self) {
        let gateway = self.gateway.load_full();
        let mut tasks: Vec<JoinHandle<()>> = gateway.upstreams.iter().flat_map(health::start).collect();
        if gateway.docs_enabled {
            let client = self.client.clone();
            tasks.push(tokio::spawn(async move { gateway.docs.keep_fresh(client).await }));
        }
        let tasks: Vec<AbortHandle> = tasks.iter().map(JoinHandle::abort_handle).collect();
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        for task in std::mem::replace(&mut *watchers, tasks) {
            task.abort();
        }
    }

    fn stop_watching(&self) {
        for task in self.watchers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }

    async fn observe_instances(&self) {
        let mut known = BTreeSet::new();
        let mut ticks = tokio::time::interval(OBSERVE_INSTANCES);
        loop {
            ticks.tick().await;
            let gateway = self.gateway.load_full();
            gateway.metrics.observe_instances(&gateway.upstreams, &mut known);
            if let Some(cache) = &gateway.cache {
                cache.sweep();
                let stats = cache.stats();
                gateway.metrics.cache.observe_store(
                    stats.entries,
                    stats.bytes,
                    stats.evictions,
                    cache.open_files(),
                );
            }
        }
    }
}
