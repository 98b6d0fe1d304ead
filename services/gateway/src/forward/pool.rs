//! Connections to upstreams, kept by each worker for itself: no lock, no hand-over between threads.
//!
//! A connection is leased to one exchange and given back when both bodies have passed; one whose exchange did not come
//! to its end is closed. Before it is used again it must be open, young enough, and ready.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::body::RequestBody;
use crate::metrics::ConnectionGauge;
use crate::upstream::{Instance, Upstream};

/// A connection that was given back a moment ago may still have to turn around; longer than this and it is not used.
const LONGEST_TURNAROUND: Duration = Duration::from_millis(5);

/// Why no connection could be had.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// The name does not resolve, or nobody listens.
    #[error("cannot connect to {authority}")]
    Refused {
        authority: String,
        #[source]
        source: io::Error,
    },
    /// Nobody answered in time.
    #[error("no connection to {authority} within {waited_ms} ms")]
    Timeout { authority: String, waited_ms: u128 },
    /// The connection closed before it could be used.
    #[error("the connection to {authority} closed at once")]
    Closed {
        authority: String,
        #[source]
        source: hyper::Error,
    },
}

/// One worker's connections to one upstream.
pub(crate) struct Pool {
    upstream: Arc<Upstream>,
    instances: Vec<Rc<InstancePool>>,
    turn: Cell<usize>,
}

struct InstancePool {
    instance: Instance,
    upstream: Arc<Upstream>,
    idle: RefCell<VecDeque<Idle>>,
    gauge: ConnectionGauge,
}

struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

/// A connection while one exchange has it.
pub(crate) struct Lease {
    sender: Option<SendRequest<RequestBody>>,
    pool: Rc<InstancePool>,
    reused: bool,
}

impl Pool {
    pub(crate) fn new(upstream: &Arc<Upstream>, gauge: &ConnectionGauge) -> Self {
        let instances = upstream
            .instances
            .iter()
            .map(|instance| {
                Rc::new(InstancePool {
                    instance: instance.clone(),
                    upstream: Arc::clone(upstream),
                    idle: RefCell::new(VecDeque::new()),
                    gauge: gauge.clone(),
                })
            })
            .collect();
        Self { upstream: Arc::clone(upstream), instances, turn: Cell::new(0) }
    }

    pub(crate) fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// A connection to the instance whose turn it is; when it cannot be reached, to the next. Nothing has been sent
    /// at this point, so trying another is always safe. `fresh` asks for one that has carried nothing yet.
    pub(crate) async fn lease(&self, fresh: bool) -> Result<Lease, ConnectError> {
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let count = self.instances.len().max(1);
        let mut last = None;
        for offset in 0..count {
            let Some(pool) = self.instances.get((turn.wrapping_add(offset)) % count) else { continue };
            if !fresh && let Some(lease) = InstancePool::take_idle(pool).await {
                return Ok(lease);
            }
            match InstancePool::connect(pool).await {
                Ok(lease) => return Ok(lease),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| ConnectError::Refused {
            authority: self.upstream.name.to_string(),
            source: io::Error::other("the upstream has no instance"),
        }))
    }
}

impl InstancePool {
    async fn take_idle(self: &Rc<Self>) -> Option<Lease> {
        loop {
            // The youngest first: the old ones then reach their age and go.
            let idle = {
                self.drop_unusable();
                self.idle.borrow_mut().pop_back()?
            };
            self.gauge.idle.dec();
            let mut sender = idle.sender;
            if sender.is_ready() || matches!(timeout(LONGEST_TURNAROUND, sender.ready()).await, Ok(Ok(()))) {
                self.gauge.active.inc();
                return Some(Lease { sender: Some(sender), pool: Rc::clone(self), reused: true });
            }
        }
    }

    fn drop_unusable(&self) {
        let mut idle = self.idle.borrow_mut();
        let before = idle.len();
        idle.retain(|kept| !kept.sender.is_closed() && kept.since.elapsed() < self.upstream.idle_timeout);
        self.gauge.idle.dec_by(i64::try_from(before - idle.len()).unwrap_or(0));
    }

    async fn connect(self: &Rc<Self>) -> Result<Lease, ConnectError> {
        let authority = &self.instance.authority;
        let refused = |source| ConnectError::Refused { authority: authority.clone(), source };
        let connect = TcpStream::connect((self.instance.host.as_str(), self.instance.port));
        let stream = timeout(self.upstream.connect_timeout, connect)
            .await
            .map_err(|_elapsed| ConnectError::Timeout {
                authority: authority.clone(),
                waited_ms: self.upstream.connect_timeout.as_millis(),
            })?
            .map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        let (mut sender, connection) = http1::Builder::new()
            .handshake::<_, RequestBody>(TokioIo::new(stream))
            .await
            .map_err(|source| ConnectError::Closed { authority: authority.clone(), source })?;
        // Not kept: the task ends with its connection, which ends when the sender and the body of the last answer are
        // dropped. What goes wrong on it is reported to the exchange that it carries.
        drop(actix_web::rt::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "an upstream connection ended");
            }
        }));
        sender
            .ready()
            .await
            .map_err(|source| ConnectError::Closed { authority: authority.clone(), source })?;
        self.gauge.active.inc();
        Ok(Lease { sender: Some(sender), pool: Rc::clone(self), reused: false })
    }
}

impl Lease {
    /// Whether the connection has carried an exchange before; then it may have been closed under our hands.
    pub(crate) fn is_reused(&self) -> bool {
        self.reused
    }

    /// `host:port` of the instance at the other end.
    pub(crate) fn instance(&self) -> &Instance {
        &self.pool.instance
    }

    pub(crate) fn sender(&mut self) -> Option<&mut SendRequest<RequestBody>> {
        self.sender.as_mut()
    }

    /// The exchange has come to its end: the connection may carry another.
    pub(crate) fn give_back(mut self) {
        let Some(sender) = self.sender.take() else { return };
        self.pool.gauge.active.dec();
        self.pool.drop_unusable();
        if sender.is_closed() {
            return;
        }
        let mut idle = self.pool.idle.borrow_mut();
        if idle.len() < self.pool.upstream.max_idle_per_worker {
            idle.push_back(Idle { sender, since: Instant::now() });
            self.pool.gauge.idle.inc();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.sender.take().is_some() {
            self.pool.gauge.active.dec();
        }
    }
}

impl Drop for InstancePool {
    fn drop(&mut self) {
        self.gauge.idle.dec_by(i64::try_from(self.idle.borrow().len()).unwrap_or(0));
    }
}
