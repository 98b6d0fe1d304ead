//! A network that can be cut or stalled between a service and what it depends on.

use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The proxies' own runtime: traffic flows, and is cut, whatever the test's thread is busy with.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    built.unwrap_or_else(|error| panic!("no runtime for the proxies: {error}"))
});

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    Stalled,
    Cut,
}

/// A TCP proxy on a port of its own. It starts open; dropping it cuts everything.
#[derive(Debug)]
pub struct ChaosProxy {
    addr: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
    live: Live,
    accepting: JoinHandle<()>,
}

/// How many connections are being served, for [`ChaosProxy::cut`] to wait on.
type Live = Arc<(Mutex<usize>, Condvar)>;

/// How long a cut may take to reach every connection; far more than it ever does.
const CUT_BOUND: Duration = Duration::from_secs(5);

impl ChaosProxy {
    /// Starts a proxy in front of `upstream` (`host:port`).
    ///
    /// # Panics
    /// When the upstream's name does not resolve or no port is free.
    #[must_use]
    pub fn to(upstream: impl ToSocketAddrs) -> Self {
        let upstream = upstream.to_socket_addrs().ok().and_then(|mut addrs| addrs.next());
        let upstream = upstream.unwrap_or_else(|| panic!("the upstream has no address"));
        let bound = StdListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (addr, listener) = bound.unwrap_or_else(|error| panic!("cannot bind a proxy: {error}"));
        let mode = Arc::new(watch::Sender::new(Mode::Open));
        let live = Live::default();
        let accepting = RUNTIME.spawn(accept(listener, upstream, Arc::clone(&mode), Arc::clone(&live)));
        Self { addr, mode, live, accepting }
    }

    /// Starts a proxy in front of the server a URL names, be it Postgres, Redis, NATS or HTTP.
    ///
    /// # Panics
    /// When the URL names no host, as [`ChaosProxy::to`] besides.
    #[must_use]
    pub fn to_url(url: &str) -> Self {
        let parsed = Url::parse(url).unwrap_or_else(|error| panic!("no URL: {error}"));
        let default_port = match parsed.scheme() {
            "postgres" | "postgresql" => Some(5432),
            "redis" => Some(6379),
            "nats" => Some(4222),
            _ => parsed.port_or_known_default(),
        };
        match (parsed.host_str(), parsed.port().or(default_port)) {
            (Some(host), Some(port)) => Self::to((host, port)),
            _ => panic!("the URL names no host and port"),
        }
    }

    /// Where clients connect to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `url` with this proxy in the place of its host and port.
    ///
    /// # Panics
    /// When `url` is no URL with a host.
    #[must_use]
    pub fn rewrite(&self, url: &str) -> String {
        let mut url = Url::parse(url).unwrap_or_else(|error| panic!("no URL: {error}"));
        let set = url.set_host(Some("127.0.0.1")).is_ok() && url.set_port(Some(self.addr.port())).is_ok();
        if !set {
            panic!("the URL has no host to replace");
        }
        url.into()
    }

    /// Resets every live connection, and every new one as soon as it is made, until [`restore`](Self::restore). When it
    /// returns, no connection made before is alive.
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
        let (count, ended) = &*self.live;
        let count = count.lock().unwrap_or_else(PoisonError::into_inner);
        // Blocks the caller's thread for well under a millisecond; the proxies run on another one.
        let waited = ended.wait_timeout_while(count, CUT_BOUND, |count| *count > 0);
        if waited.is_ok_and(|(_, waited)| waited.timed_out()) {
            panic!("connections survived the cut");
        }
    }

    /// Keeps connections open and accepts new ones, but forwards nothing more until [`restore`](Self::restore): the
    /// silent kind of fault. A piece already on its way may still arrive.
    pub fn stall(&self) {
        self.mode.send_replace(Mode::Stalled);
    }

    /// Forwards again; stalled connections go on where they stopped.
    pub fn restore(&self) {
        self.mode.send_replace(Mode::Open);
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.mode.send_replace(Mode::Cut);
        self.accepting.abort();
    }
}

/// Counts one connection for as long as it lives.
struct Counted(Live);

impl Counted {
    fn new(live: &Live) -> Self {
        *live.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self(Arc::clone(live))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.1.notify_all();
    }
}

async fn accept(listener: StdListener, upstream: SocketAddr, mode: Arc<watch::Sender<Mode>>, live: Live) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((client, _)) = listener.accept().await {
        let counted = Counted::new(&live);
        let mode = mode.subscribe();
        // Not kept: a connection ends with either of its ends or with the mode, and the mode is set to `Cut` on drop.
        tokio::spawn(async move {
            serve(client, upstream, mode).await;
            drop(counted);
        });
    }
}

async fn serve(mut client: TcpStream, upstream: SocketAddr, mut mode: watch::Receiver<Mode>) {
    let gate = mode.clone();
    let cut = tokio::select! {
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => true,
        () = forward(&mut client, upstream, gate) => false,
    };
    if cut {
        // A reset, not a polite end, is what a cut looks like to a client; a client that is gone needs neither.
        let _ = client.set_zero_linger();
    }
}

async fn forward(client: &mut TcpStream, upstream: SocketAddr, gate: watch::Receiver<Mode>) {
    let mut connecting = gate.clone();
    if connecting.wait_for(|mode| *mode == Mode::Open).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
    if server.set_nodelay(true).and(client.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    // Both ways to their own end: one side may have finished sending and still be waiting for its answer.
    tokio::join!(pump(from_client, to_server, gate.clone()), pump(from_server, to_client, gate));
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut gate: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        // Asked after the read: what came in while the line was open waits if it is stalled by now.
        if gate.wait_for(|mode| *mode == Mode::Open).await.is_err() {
            return;
        }
        let Some(piece) = buffer.get(..length) else { return };
        if to.write_all(piece).await.is_err() {
            return;
        }
    }
    // The end of one direction is passed on; a fault here means that the other end is gone already.
    let _ = to.shutdown().await;
}
