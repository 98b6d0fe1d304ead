//! An instance of an upstream that does as it is told and remembers what it was asked, and the gateway in front of several.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use test_harness::wait_until;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::harness::{Gateway, PATIENCE, gateway};

/// What an instance does with a request that it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Answers with this status and its own name.
    Answer(u16),
    /// Says nothing until it is told to do something else.
    Hold,
    /// Resets the connection.
    Reset,
    /// Resets the first so many requests, and holds the others.
    ResetFirst(usize),
    /// Begins an answer and resets the connection in the middle of it.
    BreakOff,
}

/// A request as an instance saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Which of the instance's connections it came over.
    pub(crate) connection: usize,
}

struct State {
    name: &'static str,
    act: watch::Sender<Act>,
    well: AtomicBool,
    checks: AtomicUsize,
    open: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
}

/// A running instance; dropped, its port refuses and its connections are closed.
pub(crate) struct Instance {
    pub(crate) addr: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Instance {
    /// Answers 200 and `name` until told otherwise; `/healthz` is answered aside.
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::start_at(name, "127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(name: &'static str, addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(State {
            name,
            act: watch::Sender::new(Act::Answer(200)),
            well: AtomicBool::new(true),
            checks: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            seen: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { addr, state, accepting }
    }

    /// Closes its port and its connections, and waits until that is done.
    pub(crate) async fn stop(self) {
        self.accepting.abort();
        wait_until("the port to be closed", PATIENCE, async || {
            self.open() == 0 && TcpStream::connect(self.addr).await.is_err()
        })
        .await;
    }

    /// From now on, and for requests that are held.
    pub(crate) fn act(&self, act: Act) {
        self.state.act.send_replace(act);
    }

    /// What health checks are told from now on.
    pub(crate) fn set_well(&self, well: bool) {
        self.state.well.store(well, Ordering::Relaxed);
    }

    /// Health checks so far.
    pub(crate) fn checks(&self) -> usize {
        self.state.checks.load(Ordering::Relaxed)
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.state.open.load(Ordering::Relaxed)
    }

    /// Every request that was read to its end, health checks aside.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.state.seen.lock().unwrap().len()
    }

    pub(crate) async fn wait_for_count(&self, count: usize) {
        wait_until("requests arrive", PATIENCE, async || self.count() >= count).await;
    }

    /// Waits until the results of `count` more checks have been taken in: the one after them has begun.
    pub(crate) async fn wait_for_checks(&self, count: usize) {
        let enough = self.checks() + count + 1;
        wait_until("health checks", PATIENCE, async || self.checks() >= enough).await;
    }
}

/// Counts a connection for as long as it is open.
struct Open(Arc<State>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    // Aborted with the task that holds them.
    let mut connections = JoinSet::new();
    for number in 0.. {
        let (stream, _) = listener.accept().await.unwrap();
        state.open.fetch_add(1, Ordering::Relaxed);
        let open = Open(Arc::clone(&state));
        connections.spawn(serve(stream, number, open));
    }
}

async fn serve(stream: TcpStream, connection: usize, open: Open) {
    let state = &open.0;
    stream.set_nodelay(true).unwrap();
    let mut stream = BufStream::new(stream);
    while let Some((head, body)) = read_request(&mut stream).await {
        if head.starts_with("GET /healthz ") {
            state.checks.fetch_add(1, Ordering::Relaxed);
            let status = if state.well.load(Ordering::Relaxed) { 200 } else { 503 };
            answer(&mut stream, status, "").await;
            continue;
        }
        let number = {
            let mut seen = state.seen.lock().unwrap();
            seen.push(Seen { head, body, connection });
            seen.len() - 1
        };
        let mut acts = state.act.subscribe();
        let held = |act: &Act| match act {
            Act::Hold => true,
            Act::ResetFirst(count) => number >= *count,
            _ => false,
        };
        let act = *acts.wait_for(|act| !held(act)).await.unwrap();
        match act {
            Act::Answer(status) => answer(&mut stream, status, state.name).await,
            Act::BreakOff => {
                let half = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf";
                stream.write_all(half).await.unwrap();
                stream.flush().await.unwrap();
                return;
            }
            Act::Hold | Act::Reset | Act::ResetFirst(_) => {
                stream.into_inner().set_zero_linger().unwrap();
                return;
            }
        }
    }
}

async fn answer(stream: &mut BufStream<TcpStream>, status: u16, body: &str) {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status} Told\r\ncontent-length: {length}\r\n\r\n{body}");
    // Whoever asked may have gone.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.flush().await;
}

/// One request with its whole body; `None` at the end of the connection.
async fn read_request(stream: &mut BufStream<TcpStream>) -> Option<(String, Vec<u8>)> {
    let head = read_head(stream).await?;
    let body = if head.contains("\r\ntransfer-encoding: chunked\r\n") {
        read_chunks(stream).await?
    } else {
        let mut body = vec![0; content_length(&head)];
        stream.read_exact(&mut body).await.ok()?;
        body
    };
    Some((head, body))
}

/// Up to and with the empty line.
pub(crate) async fn read_head(stream: &mut BufStream<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    Some(head)
}

pub(crate) fn content_length(head: &str) -> usize {
    let value = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    value.map_or(0, |value| value.parse().unwrap())
}

async fn read_chunks(stream: &mut BufStream<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).await.ok()?;
        body.extend_from_slice(&chunk[..size]);
        if size == 0 {
            return Some(body);
        }
    }
}

/// An address at which nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], test_harness::free_port()))
}

/// A catch-all route to these instances, with more keys for the upstream and the route.
pub(crate) fn balanced(instances: &[SocketAddr], upstream: &str, route: &str) -> String {
    let urls: Vec<String> = instances.iter().map(|addr| format!("\"http://{addr}\"")).collect();
    format!(
        "[upstream.u]\ninstances = [{}]\n{upstream}\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"u\"\nauth = \"none\"\n{route}\n",
        urls.join(", ")
    )
}

/// A gateway in front of these instances.
pub(crate) fn gateway_to_all(instances: &[SocketAddr], upstream: &str, route: &str) -> Gateway {
    gateway(&balanced(instances, upstream, route))
}

/// Asks for `/` and returns who answered.
pub(crate) async fn ask(gateway: &Gateway) -> String {
    let answer = gateway.get("/").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// Sends a GET that is expected to take a while.
pub(crate) fn ask_later(gateway: &Gateway) -> JoinHandle<reqwest::Result<reqwest::Response>> {
    tokio::spawn(gateway.get("/").send())
}

/// How many of these have come to their end.
pub(crate) fn finished<T>(tasks: &[JoinHandle<T>]) -> usize {
    tasks.iter().filter(|task| task.is_finished()).count()
}

/// The value of a sample on a private port, 0 when it is not there. `labels` are those after `service`.
pub(crate) async fn metric(admin: &str, name: &str, labels: &str) -> u64 {
    let text = reqwest::get(format!("{admin}/metrics")).await.unwrap().text().await.unwrap();
    let sample = format!("{name}{{service=\"gateway\",{labels}}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&sample));
    value.map_or(0, |value| value.parse().unwrap())
}

pub(crate) async fn metric_of(gateway: &Gateway, name: &str, labels: &str) -> u64 {
    metric(&format!("http://{}", gateway.admin), name, labels).await
}

/// Waits until the metrics say that the instance is in this state, and in no other.
pub(crate) async fn wait_for_state(gateway: &Gateway, instance: SocketAddr, state: &str) {
    let name = "gateway_upstream_instance_state";
    let labels = |state| format!("upstream=\"u\",instance=\"{instance}\",state=\"{state}\"");
    wait_until("the state of the instance", PATIENCE, async || {
        metric_of(gateway, name, &labels(state)).await == 1
    })
    .await;
    for other in ["starting", "healthy", "unhealthy", "ejected"] {
        if other != state {
            assert_eq!(metric_of(gateway, name, &labels(other)).await, 0, "{state} and {other}");
        }
    }
}
