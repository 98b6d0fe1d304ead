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
use socket2::SockRef;
use telemetry::request::Part;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::body::RequestBody;
use crate::metrics::ConnectionGauge;
use crate::upstream::{Instance, Upstream};

/// A connection that was given back a moment ago may still have to turn around; longer than this and it is not used.
const LONGEST_TURNAROUND: Duration = Duration::from_millis(5);

/// Read and write buffer of one connection, and so the longest head of an answer. Hundreds of uploads have one each: a body that comes faster
/// than its upstream takes it waits with its client.
const BUFFER: usize = 128 * 1024;

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
}

struct InstancePool {
    instance: Instance,
    upstream: Arc<Upstream>,
    idle: RefCell<VecDeque<Idle>>,
    /// Whether a connection is being opened that nobody waits for.
    replacing: Cell<bool>,
    gauge: ConnectionGauge,
}

struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
    history: History,
}

/// What a connection has been through.
#[derive(Clone, Copy)]
struct History {
    opened: Instant,
    requests: u64,
}

/// A connection while one exchange has it.
pub(crate) struct Lease {
    sender: Option<SendRequest<RequestBody>>,
    pool: Rc<InstancePool>,
    history: History,
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
                    replacing: Cell::new(false),
                    gauge: gauge.clone(),
                })
            })
            .collect();
        Self { upstream: Arc::clone(upstream), instances }
    }

    /// The pool of the same upstream after its configuration has changed: connections to instances that stay are kept.
    pub(crate) fn succeed(&self, upstream: &Arc<Upstream>, gauge: &ConnectionGauge) -> Self {
        let fresh = Self::new(upstream, gauge);
        for pool in &fresh.instances {
            let before = self.instances.iter().find(|old| old.instance.authority == pool.instance.authority);
            if let Some(before) = before {
                pool.idle.borrow_mut().append(&mut before.idle.borrow_mut());
            }
        }
        fresh
    }

    pub(crate) fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// A connection to this instance. Nothing has been sent at this point, so trying another is always safe. `fresh` asks
    /// for one that has carried nothing yet.
    pub(crate) async fn lease(&self, instance: usize, fresh: bool) -> Result<Lease, ConnectError> {
        let Some(pool) = self.instances.get(instance) else {
            return Err(ConnectError::Refused {
                authority: self.upstream.name.to_string(),
                source: io::Error::other("the upstream has no such instance"),
            });
        };
        if !fresh && let Some(lease) = InstancePool::take_idle(pool).await {
            return Ok(lease);
        }
        InstancePool::connect(pool).await
    }

    /// Closes connections that nobody will use again.
    pub(crate) fn sweep(&self) {
        for pool in &self.instances {
            pool.drop_unusable();
        }
    }
}

impl InstancePool {
    async fn take_idle(self: &Rc<Self>) -> Option<Lease> {
        loop {
            // The youngest first: the old ones then reach their age and go.
            let idle = self.idle.borrow_mut().pop_back()?;
            self.gauge.idle.dec();
            if idle.since.elapsed() >= self.upstream.idle_timeout {
                self.drop_unusable();
                continue;
            }
            if self.is_used_up(idle.history) {
                continue;
            }
            let mut sender = idle.sender;
            if sender.is_ready() || matches!(timeout(LONGEST_TURNAROUND, sender.ready()).await, Ok(Ok(()))) {
                self.gauge.active.inc();
                return Some(Lease { sender: Some(sender), pool: Rc::clone(self), history: idle.history });
            }
        }
    }

    /// Whether a connection has carried as much, or lived as long, as it may.
    fn is_used_up(&self, history: History) -> bool {
        let upstream = &self.upstream;
        upstream.max_requests_per_connection.is_some_and(|most| history.requests >= most)
            || upstream.max_connection_age.is_some_and(|most| history.opened.elapsed() >= most)
    }

    /// The oldest stand in front.
    fn drop_unusable(&self) {
        let mut idle = self.idle.borrow_mut();
        let before = idle.len();
        while idle
            .front()
            .is_some_and(|kept| kept.sender.is_closed() || kept.since.elapsed() >= self.upstream.idle_timeout)
        {
            idle.pop_front();
        }
        self.gauge.idle.dec_by(i64::try_from(before - idle.len()).unwrap_or(0));
    }

    async fn connect(self: &Rc<Self>) -> Result<Lease, ConnectError> {
        let _waiting = telemetry::request::enter(Part::Pool);
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
        if let Some(bytes) = self.upstream.send_buffer_bytes {
            SockRef::from(&stream).set_send_buffer_size(bytes).map_err(refused)?;
        }
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .handshake::<_, RequestBody>(TokioIo::new(stream))
            .await
            .map_err(|source| ConnectError::Closed { authority: authority.clone(), source })?;
        // Not kept: the task ends with its connection, which ends when the sender and the body of the last answer are
        // dropped. What goes wrong on it is reported to the exchange that it carries.
        drop(tokio::task::spawn_local(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "an upstream connection ended");
            }
        }));
        sender
            .ready()
            .await
            .map_err(|source| ConnectError::Closed { authority: authority.clone(), source })?;
        self.gauge.active.inc();
        let history = History { opened: Instant::now(), requests: 0 };
        Ok(Lease { sender: Some(sender), pool: Rc::clone(self), history })
    }
}

impl Lease {
    /// Whether the connection has lain idle before; then it may have been closed under our hands.
    pub(crate) fn is_reused(&self) -> bool {
        self.history.requests > 0
    }

    /// Whose connection it is.
    pub(crate) fn upstream(&self) -> &Upstream {
        &self.pool.upstream
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
        let history = History { requests: self.history.requests + 1, ..self.history };
        if sender.is_closed() || self.pool.is_used_up(history) {
            return;
        }
        let mut idle = self.pool.idle.borrow_mut();
        if idle.len() < self.pool.upstream.max_idle_per_worker {
            idle.push_back(Idle { sender, since: Instant::now(), history });
            self.pool.gauge.idle.inc();
        }
    }

    /// The client broke the exchange off, and with it the connection, through no fault of the upstream's. Another takes its place,
    /// so that whoever comes next, who has done nothing, does not wait for one.
    pub(crate) fn replace(self) {
        let pool = Rc::clone(&self.pool);
        drop(self);
        if !pool.idle.borrow().is_empty() || pool.replacing.replace(true) {
            return;
        }
        // Not kept: it ends within the time that a connection may take.
        drop(tokio::task::spawn_local(async move {
            let opened = InstancePool::connect(&pool).await;
            pool.replacing.set(false);
            match opened {
                Ok(lease) => lease.give_back(),
                // Whoever needs one is told.
                Err(error) => tracing::debug!(%error, "a lost connection was not replaced"),
            }
        }));
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
