//! Start, run and stop of one HTTP server.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpServer};
use stall_detector::StallDetector;
use telemetry::metrics::Metrics;
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use crate::config::HttpConfig;
use crate::exchange::Observer;
use crate::health::{self, Health, ReadinessCheck};
use crate::middleware::Observe;
use crate::refusal;
use crate::request_metrics::RequestMetrics;

/// Why a server could not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address is malformed, taken, or not ours to take.
    #[error("cannot listen on {bind}")]
    Bind {
        /// The address as configured.
        bind: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The handlers for SIGTERM and SIGINT could not be set.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
}

/// A service's server before it starts.
pub struct Shell {
    /// Name in `/version`.
    pub service: &'static str,
    /// Version in `/version`.
    pub version: &'static str,
    /// Address, limits and timeouts.
    pub config: HttpConfig,
    /// Where requests are counted, and what `/metrics` shows.
    pub metrics: Metrics,
    /// What `/readyz` asks.
    pub checks: Vec<Arc<dyn ReadinessCheck>>,
    /// Requests that take at least this long are logged with their statements.
    pub slow_request: Duration,
    /// Watches what answers requests, and the threads that do.
    pub stalls: StallDetector,
}

impl Shell {
    /// Binds and serves: what `configure` registers, and `/livez`, `/readyz`, `/startupz`, `/version`, `/metrics`.
    /// `configure` runs once per worker. Call it inside a tokio runtime; the server runs from here on, and
    /// stops when the result is dropped.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound or signals cannot be listened for.
    pub fn start(
        self,
        configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Result<Running, ServerError> {
        self.serve(configure, true)
    }

    /// As [`Shell::start`], without the health endpoints: for a public port whose private twin has them.
    ///
    /// # Errors
    ///
    /// As [`Shell::start`].
    pub fn start_without_health(
        self,
        configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> Result<Running, ServerError> {
        self.serve(configure, false)
    }

    fn serve(
        self,
        configure: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
        with_health: bool,
    ) -> Result<Running, ServerError> {
        let Self { service, version, config, metrics, checks, slow_request, stalls } = self;
        stalls.observe_main();
        let signals = Signals::listen().map_err(ServerError::Signals)?;
        let draining = Arc::new(AtomicBool::new(false));
        let observer = Arc::new(Observer { metrics: RequestMetrics::new(&metrics), slow_request });
        let health = Data::new(Health {
            service,
            version,
            checks,
            metrics,
            draining: Arc::clone(&draining),
            started: AtomicBool::new(false),
        });
        let max_body_bytes = config.max_body_bytes;
        let factory = move || {
            App::new()
                .default_service(web::to(refusal::not_found))
                .configure(|app| refusal::configure(app, max_body_bytes))
                .configure(|app| {
                    if with_health {
                        health::configure(app, health.clone());
                    }
                })
                .configure(&configure)
                .wrap(Observe { observer: Arc::clone(&observer), stalls: stalls.clone() })
        };
        let bind_error = |source| ServerError::Bind { bind: config.bind.clone(), source };
        let listener = listen(&config).map_err(bind_error)?;
        let addr = listener.local_addr().map_err(bind_error)?;
        let server = HttpServer::new(factory)
            .workers(config.workers.max(1))
            .keep_alive(Duration::from_secs(config.keep_alive_secs))
            .client_request_timeout(Duration::from_millis(config.client_request_timeout_ms))
            .shutdown_timeout(config.drain_secs)
            // A client that leaves closes its side politely, as one does that only has nothing more to send. Nobody here
            // expects the latter; working on for the former keeps connections and statements busy for nothing.
            .h1_allow_half_closed(false)
            .disable_signals()
            .listen(listener)
            .map_err(bind_error)?
            .run();
        let handle = Handle { server: server.handle(), draining };
        tracing::info!(%addr, service, version, "listening");
        // Spawned, because a server that nobody polls does not serve; the handle below observes it.
        Ok(Running { addr, handle, signals, serving: tokio::spawn(server), on_drain: None })
    }
}

/// On the first address of the name that can be had.
fn listen(config: &HttpConfig) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
    for addr in config.bind.to_socket_addrs()? {
        match tcp_listener::listen(addr, config.receive_buffer_bytes) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A running server.
pub struct Running {
    /// Where it listens, with the port it got.
    pub addr: SocketAddr,
    handle: Handle,
    signals: Signals,
    serving: JoinHandle<io::Result<()>>,
    on_drain: Option<Box<dyn FnOnce() + Send>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Running {
    /// Has `hook` called when draining begins: for requests that would take longer than they are granted, and can be cut
    /// short in a better way.
    pub fn on_drain(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.on_drain = Some(Box::new(hook));
    }

    /// Serves until SIGTERM, SIGINT or [`Handle::stop`], then drains: `/readyz` fails, no connection is accepted,
    /// requests in flight get `drain_secs`. A second signal ends it at once.
    ///
    /// # Errors
    ///
    /// When the server failed.
    pub async fn until_stopped(mut self) -> io::Result<()> {
        tokio::select! {
            ended = &mut self.serving => return ended.unwrap_or_else(|error| Err(io::Error::other(error))),
            name = self.signals.next() => tracing::info!(signal = name, "draining"),
        }
        if let Some(hook) = self.on_drain.take() {
            hook();
        }
        tokio::select! {
            () = self.handle.stop(true) => {}
            // Whoever signals twice does not want to wait.
            name = self.signals.next() => {
                tracing::warn!(signal = name, "stopping without the requests in flight");
                return Ok(());
            }
        }
        let ended = (&mut self.serving).await;
        ended.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Stops the server from elsewhere.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without its owner the server has nobody to report to; a server already at its end is not touched by this.
        self.serving.abort();
    }
}

/// Stops a server. Clones stop the same one.
#[derive(Clone, Debug)]
pub struct Handle {
    server: ServerHandle,
    draining: Arc<AtomicBool>,
}

impl Handle {
    /// Lets `/readyz` fail, without stopping yet.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Stops and returns when stopped: after the requests in flight when `graceful`, else at once.
    pub async fn stop(&self, graceful: bool) {
        self.drain();
        self.server.stop(graceful).await;
    }
}

#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listening from the start, so that a signal between start and `until_stopped` is not lost.
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
