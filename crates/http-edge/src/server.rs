//! Starting and stopping: the listener, its worker threads, and the handle that drains them.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, watch};

use crate::acceptor::{self, Acceptor};
use crate::census::Census;
use crate::config::EdgeConfig;
use crate::error::EdgeError;
use crate::handler::{EdgeObserver, Handler};
use crate::tls::Certificate;
use crate::worker::{self, Assignment};

/// Where the server is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Serving,
    Draining,
    Stopped,
}

/// A running server. Dropping it together with all its handles stops it at once.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    handle: ServerHandle,
    threads: Vec<JoinHandle<()>>,
    /// Ends when every thread has let go of its sender.
    finished: mpsc::Receiver<()>,
}

/// Stops a server, or gives it a new certificate. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    phase: Arc<watch::Sender<Phase>>,
    certificate: Option<Arc<Certificate>>,
}

impl Server {
    /// Listens and starts the workers; `make` is called once on each worker's thread, with its number.
    ///
    /// May be called with or without an async runtime around it: the server brings its own.
    ///
    /// # Errors
    /// When the configuration is faulty, the address cannot be listened on, a certificate or key cannot be used, or a thread
    /// cannot be started.
    pub fn start<H: Handler>(
        config: &EdgeConfig,
        make: impl Fn(usize) -> Rc<H> + Clone + Send + 'static,
        observer: impl EdgeObserver,
    ) -> Result<Self, EdgeError> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(EdgeError::Config(faults));
        }
        let certificate = config.tls.as_ref().map(Certificate::read).transpose()?;
        let tls = certificate.as_ref().map(|own| own.server_config(config.http2.enabled)).transpose()?;
        let (listener, addr) = listen(config)?;
        let observer: Arc<dyn EdgeObserver> = Arc::new(observer);
        let census =
            Census::new(config.workers, config.max_connections, config.max_connections_per_address, observer);
        let census = Arc::new(census);
        let (phase, _) = watch::channel(Phase::Serving);
        let handle = ServerHandle { phase: Arc::new(phase), certificate };
        let (running, finished) = mpsc::channel(1);

        let mut threads = Vec::with_capacity(config.workers + 1);
        let mut workers = Vec::with_capacity(config.workers);
        for number in 0..config.workers {
            let (sender, connections) = mpsc::unbounded_channel();
            let assignment = Assignment {
                number,
                config: config.clone(),
                tls: tls.clone(),
                census: Arc::clone(&census),
                phase: handle.phase.subscribe(),
                connections,
                running: running.clone(),
            };
            threads.push(worker::start(assignment, make.clone())?);
            workers.push(sender);
        }
        let acceptor = Acceptor {
            listener,
            tls: tls.is_some(),
            census,
            workers,
            phase: handle.phase.subscribe(),
            _running: running,
        };
        threads.push(acceptor::start(acceptor)?);
        Ok(Self { addr, handle, threads, finished })
    }

    /// The address that is listened on, with the port that port 0 became.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A handle to drain or stop the server, or to reload its certificate.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Reads certificate and key again; see [`ServerHandle::reload_tls`].
    ///
    /// # Errors
    /// When a file cannot be used, or none is configured.
    pub fn reload_tls(&self) -> Result<(), EdgeError> {
        self.handle.reload_tls()
    }

    /// Completes when the server has stopped, which it does only when its handle says so.
    pub async fn until_stopped(mut self) {
        while self.finished.recv().await.is_some() {}
        for thread in self.threads.drain(..) {
            // The threads have nothing left to do, so this does not block. One that panicked has said so itself.
            let _ended = thread.join();
        }
    }
}

impl ServerHandle {
    /// Stops accepting and lets requests under way come to their end, for as long as `drain_secs` allows.
    ///
    /// HTTP/1.1 clients are told `Connection: close` in the answer under way; a connection that is idle stays half a second, so
    /// that a request which crosses the news is still answered. HTTP/2 clients get GOAWAY.
    pub fn drain(&self) {
        self.phase.send_if_modified(|phase| {
            let begins = *phase == Phase::Serving;
            if begins {
                *phase = Phase::Draining;
            }
            begins
        });
    }

    /// Cuts every connection and stops.
    pub fn stop_now(&self) {
        self.phase.send_replace(Phase::Stopped);
    }

    /// Reads certificate and key again; new connections are shown the new ones. On an error the old ones stay.
    ///
    /// # Errors
    /// When a file cannot be used, which names it, or no certificate is configured.
    pub fn reload_tls(&self) -> Result<(), EdgeError> {
        self.certificate.as_ref().ok_or(EdgeError::NoTls)?.reload()
    }
}

fn listen(config: &EdgeConfig) -> Result<(TcpListener, SocketAddr), EdgeError> {
    let addr: SocketAddr = config
        .bind
        .parse()
        .map_err(|_| EdgeError::Config(vec!["bind: must be an address and a port".to_owned()]))?;
    let bound = || {
        let listener = tcp_listener::listen(addr, config.receive_buffer_bytes)?;
        let addr = listener.local_addr()?;
        Ok((listener, addr))
    };
    bound().map_err(|source| EdgeError::Bind { addr, source })
}

/// Starts a named thread.
pub(crate) fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, EdgeError> {
    thread::Builder::new().name(name).spawn(run).map_err(EdgeError::Worker)
}
