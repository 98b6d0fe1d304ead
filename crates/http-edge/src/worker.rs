//! One worker: a thread with a runtime of its own, on which the connections dealt to it stay.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

use crate::at_once;
use crate::census::{Census, Permit};
use crate::config::EdgeConfig;
use crate::connection;
use crate::drive::Patience;
use crate::error::EdgeError;
use crate::handler::Handler;
use crate::http2::LocalExecutor;
use crate::server::{Phase, spawn};
use crate::state::ConnectionState;

/// A connection on its way from the acceptor.
pub(crate) struct Arrival {
    pub(crate) stream: TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) permit: Permit,
}

/// What a worker's thread is started with.
pub(crate) struct Assignment {
    pub(crate) number: usize,
    pub(crate) config: EdgeConfig,
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
    pub(crate) census: Arc<Census>,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) connections: mpsc::UnboundedReceiver<Arrival>,
    /// Tells the server, when dropped, that this thread is done.
    pub(crate) running: mpsc::Sender<()>,
}

/// What the connections of one worker share.
pub(crate) struct Worker<H> {
    pub(crate) handler: Rc<H>,
    pub(crate) config: EdgeConfig,
    pub(crate) patience: Rc<Patience>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) http1: hyper::server::conn::http1::Builder,
    pub(crate) http2: hyper::server::conn::http2::Builder<LocalExecutor>,
    pub(crate) census: Arc<Census>,
    pub(crate) registry: Registry,
}

/// The connections of one worker, to tell them that the server goes down or that room is wanted.
#[derive(Default)]
pub(crate) struct Registry {
    next: Cell<u64>,
    connections: RefCell<HashMap<u64, Arc<ConnectionState>>>,
    draining: Cell<bool>,
}

/// A connection's place in the registry, until dropped.
pub(crate) struct Registered<'a> {
    registry: &'a Registry,
    key: u64,
}

impl Registry {
    pub(crate) fn enter(&self, state: &Arc<ConnectionState>) -> Registered<'_> {
        let key = self.next.get();
        self.next.set(key + 1);
        state.draining.store(self.draining.get(), Relaxed);
        self.connections.borrow_mut().insert(key, Arc::clone(state));
        Registered { registry: self, key }
    }

    fn drain(&self) {
        self.draining.set(true);
        for state in self.connections.borrow().values() {
            state.draining.store(true, Relaxed);
            state.idle.move_up(state);
            state.task.wake();
        }
    }

    fn wake_all(&self) {
        for state in self.connections.borrow().values() {
            state.task.wake();
        }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.registry.connections.borrow_mut().remove(&self.key);
    }
}

/// Starts the thread and waits until its handler is made.
pub(crate) fn start<H: Handler>(
    assignment: Assignment,
    make: impl FnOnce(usize) -> Rc<H> + Send + 'static,
) -> Result<JoinHandle<()>, EdgeError> {
    let (report, started) = std::sync::mpsc::channel();
    let thread = spawn(format!("edge-{}", assignment.number), move || {
        // Dropped last: then nothing is left of this worker.
        let _running = assignment.running.clone();
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => {
                let _told = report.send(Err(error));
                return;
            }
        };
        let local = LocalSet::new();
        local.block_on(&runtime, async move {
            let handler = make(assignment.number);
            if assignment.config.answer_at_once {
                at_once::install(Rc::clone(&handler));
            }
            let _told = report.send(Ok(()));
            run(assignment, handler).await;
        });
        at_once::remove();
        // Whatever is still under way is cut here: the connections, and the tasks that handlers spawned. Some of it may want
        // the runtime while it is dropped.
        let entered = runtime.enter();
        drop(local);
        drop(entered);
        runtime.shutdown_background();
    })?;
    let ended = || io::Error::other("it ended while its handler was made");
    started.recv().unwrap_or_else(|_| Err(ended())).map_err(EdgeError::Worker)?;
    Ok(thread)
}

/// A runtime of one thread.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

async fn run<H: Handler>(assignment: Assignment, handler: Rc<H>) {
    let Assignment { number, config, tls, census, mut phase, mut connections, .. } = assignment;
    let patience = Rc::new(Patience::new(&config));
    let worker = Rc::new(Worker {
        handler,
        patience: Rc::clone(&patience),
        tls: tls.map(TlsAcceptor::from),
        http1: crate::http1::builder(&config),
        http2: crate::http2::builder(&config),
        census: Arc::clone(&census),
        registry: Registry::default(),
        config,
    });
    loop {
        tokio::select! {
            arrival = connections.recv() => match arrival {
                Some(arrival) => take(&worker, arrival),
                // The acceptor is gone, so the phase has changed or is about to.
                None if phase.changed().await.is_err() => return,
                None => break,
            },
            changed = phase.changed() => if changed.is_err() || *phase.borrow() != Phase::Serving { break },
        }
    }
    if *phase.borrow() == Phase::Draining {
        drain(&worker, number, &mut phase, &mut connections).await;
    }
}

fn take<H: Handler>(worker: &Rc<Worker<H>>, arrival: Arrival) {
    let was = worker.patience.crowded.get();
    let crowded = worker.census.is_crowded(was);
    worker.patience.crowded.set(crowded);
    if crowded && !was {
        worker.registry.wake_all();
    }
    // Nobody waits for the task: a panic in it ends that connection and is caught by the runtime.
    drop(tokio::task::spawn_local(connection::serve(Rc::clone(worker), arrival)));
}

/// Serves on until nothing is left, the time is up or the server is stopped.
async fn drain<H: Handler>(
    worker: &Rc<Worker<H>>,
    number: usize,
    phase: &mut watch::Receiver<Phase>,
    connections: &mut mpsc::UnboundedReceiver<Arrival>,
) {
    worker.registry.drain();
    let over = tokio::time::sleep(worker.config.drain_for());
    tokio::pin!(over);
    let mut accepting = true;
    loop {
        tokio::select! {
            biased;
            () = &mut over => return,
            changed = phase.changed() => if changed.is_err() || *phase.borrow() == Phase::Stopped { return },
            arrival = connections.recv(), if accepting => match arrival {
                Some(arrival) => take(worker, arrival),
                None => accepting = false,
            },
            () = worker.census.emptied(number), if !accepting => return,
        }
    }
}
