//! The thread that accepts connections, holds them to the bounds and deals them out to the workers.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::census::Census;
use crate::error::EdgeError;
use crate::server::{Phase, spawn};
use crate::worker::{Arrival, runtime};

/// Nothing can be accepted without a free descriptor; by then some connection may have closed.
const BACK_OFF: Duration = Duration::from_millis(50);

/// What the acceptor works with.
pub(crate) struct Acceptor {
    pub(crate) listener: TcpListener,
    pub(crate) tls: bool,
    pub(crate) census: Arc<Census>,
    pub(crate) workers: Vec<mpsc::UnboundedSender<Arrival>>,
    pub(crate) phase: watch::Receiver<Phase>,
    /// Tells the server, when dropped, that this thread is done.
    pub(crate) _running: mpsc::Sender<()>,
}

/// Starts the thread.
pub(crate) fn start(acceptor: Acceptor) -> Result<JoinHandle<()>, EdgeError> {
    spawn("edge-acceptor".to_owned(), move || {
        let outcome = runtime().and_then(|runtime| runtime.block_on(acceptor.run()));
        if let Err(error) = outcome {
            tracing::error!(%error, "no connections can be accepted any more");
        }
    })
}

impl Acceptor {
    async fn run(mut self) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener.try_clone()?)?;
        loop {
            tokio::select! {
                biased;
                changed = self.phase.changed() => {
                    if changed.is_err() || *self.phase.borrow() != Phase::Serving {
                        break;
                    }
                }
                accepted = listener.accept() => match accepted.and_then(|(stream, peer)| Ok((stream.into_std()?, peer))) {
                    Ok((stream, peer)) => self.deal(stream, peer),
                    Err(error) if is_of_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept, backing off");
                        tokio::time::sleep(BACK_OFF).await;
                    }
                },
            }
        }
        if *self.phase.borrow() == Phase::Draining {
            // What the system has accepted for us would be reset by closing the listener.
            while let Ok((stream, peer)) = self.listener.accept() {
                self.deal(stream, peer);
            }
        }
        Ok(())
    }

    /// Gives the connection to a worker, or drops it where a bound says so.
    fn deal(&self, stream: TcpStream, peer: SocketAddr) {
        let permit = match self.census.admit(peer, self.tls) {
            Ok(permit) => permit,
            Err(reason) => return self.census.rejected(reason),
        };
        // A client that is gone already shows as an error here; the worker would only find the same.
        if stream.set_nonblocking(true).and_then(|()| stream.set_nodelay(true)).is_err() {
            return;
        }
        if let Some(worker) = self.workers.get(permit.worker()) {
            // A worker whose thread has ended drops it, which closes it.
            let _sent = worker.send(Arrival { stream, peer, permit });
        }
    }
}

/// Errors of the connection that was to be accepted, and not of the listener (accept(2)).
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
