//! A server with a handler for every case, and a client that writes raw bytes.

use std::convert::Infallible;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use http_edge::{
    BodyRefused, ClientConnection, EdgeConfig, EdgeObserver, Handler, PlainHead, ReadyAnswer, Refusal,
    Server, ServerHandle,
};
use hyper::body::Incoming;
use tokio::sync::Semaphore;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) type AnswerBody = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// What happened, as seen from outside the workers.
pub(crate) struct Probe {
    pub(crate) started: AtomicUsize,
    /// Answers that went past hyper.
    pub(crate) at_once: AtomicUsize,
    pub(crate) under_way: AtomicUsize,
    pub(crate) opened: AtomicUsize,
    pub(crate) closed: AtomicUsize,
    pub(crate) rejected: std::sync::Mutex<Vec<&'static str>>,
    pub(crate) produced: AtomicUsize,
    /// Bytes that `/gulp` has read so far; `/gulped` tells.
    gulped: AtomicUsize,
    /// Where `/gulp`, and with it its worker, waits for the test when it has read the first of them: once that it is there, and once to go on.
    pub(crate) first_gulp: Barrier,
    /// `/wait` takes one permit before it answers.
    pub(crate) gate: Semaphore,
}

pub(crate) struct Edge {
    pub(crate) addr: SocketAddr,
    pub(crate) handle: ServerHandle,
    pub(crate) probe: Arc<Probe>,
    server: Option<Server>,
}

impl Edge {
    pub(crate) fn start() -> Self {
        Self::with(EdgeConfig::default())
    }

    pub(crate) fn with(config: EdgeConfig) -> Self {
        let config = EdgeConfig { bind: "127.0.0.1:0".to_owned(), ..config };
        let probe = Arc::new(Probe {
            started: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            opened: AtomicUsize::new(0),
            closed: AtomicUsize::new(0),
            rejected: std::sync::Mutex::new(Vec::new()),
            produced: AtomicUsize::new(0),
            gulped: AtomicUsize::new(0),
            first_gulp: Barrier::new(2),
            gate: Semaphore::new(0),
        });
        let own = Arc::clone(&probe);
        let make = move |_worker: usize| Rc::new(Cases(Arc::clone(&own)));
        let server = Server::start(&config, make, Observer(Arc::clone(&probe))).unwrap();
        Self { addr: server.addr(), handle: server.handle(), probe, server: Some(server) }
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client { stream, read: Vec::new() }
    }

    pub(crate) async fn until_stopped(&mut self) {
        tokio::time::timeout(PATIENCE, self.server.take().unwrap().until_stopped()).await.unwrap();
    }
}

/// Waits until the condition holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::yield_now();
    }
}

struct Observer(Arc<Probe>);

impl EdgeObserver for Observer {
    fn connection_opened(&self, _tls: bool) {
        self.0.opened.fetch_add(1, SeqCst);
    }

    fn connection_closed(&self) {
        self.0.closed.fetch_add(1, SeqCst);
    }

    fn connection_rejected(&self, reason: &'static str) {
        self.0.rejected.lock().unwrap().push(reason);
    }
}

struct Cases(Arc<Probe>);

/// Counts a handler's future for as long as it exists.
struct UnderWay(Arc<Probe>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, SeqCst);
    }
}

impl Handler for Cases {
    type Body = AnswerBody;

    async fn handle(
        self: Rc<Self>,
        request: Request<Incoming>,
        client: ClientConnection,
    ) -> Response<AnswerBody> {
        let probe = Arc::clone(&self.0);
        probe.started.fetch_add(1, SeqCst);
        probe.under_way.fetch_add(1, SeqCst);
        let _under_way = UnderWay(Arc::clone(&probe));
        match request.uri().path() {
            "/hang" => std::future::pending().await,
            "/wait" => {
                probe.gate.acquire().await.unwrap().forget();
                text("waited")
            }
            "/panic" => panic!("as the test asked"),
            "/echo" => Response::new(request.into_body().map_err(Into::into).boxed_unsync()),
            "/read" => match request.into_body().collect().await {
                Ok(body) => {
                    let trailers = body.trailers().map_or(0, HeaderMap::len);
                    text(&format!("{} bytes, {trailers} trailers", body.to_bytes().len()))
                }
                Err(error) => refused(&error),
            },
            "/gulp" => {
                let mut body = request.into_body();
                while let Some(Ok(frame)) = body.frame().await {
                    let bytes = frame.data_ref().map_or(0, Bytes::len);
                    if probe.gulped.fetch_add(bytes, SeqCst) == 0 {
                        probe.first_gulp.wait();
                        probe.first_gulp.wait();
                    }
                }
                text("all")
            }
            "/gulped" => text(&probe.gulped.load(SeqCst).to_string()),
            "/unread" => {
                let mut response = text("too much");
                *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
                response
            }
            "/early" => {
                let mut headers = HeaderMap::new();
                headers.insert("link", HeaderValue::from_static("</style.css>; rel=preload"));
                client.send_informational(StatusCode::EARLY_HINTS, &headers);
                if request.uri().query() == Some("twice") {
                    tokio::task::yield_now().await;
                    client.informational().send(StatusCode::PROCESSING, &HeaderMap::new());
                    probe.gate.acquire().await.unwrap().forget();
                }
                text("final")
            }
            "/tunnel" => tunnel(request),
            "/endless" => {
                Response::new(Endless { probe, left: usize::MAX, under_way: Some(_under_way) }.boxed_unsync())
            }
            "/cut" => Response::new(Cut(Some(Bytes::from_static(b"half"))).boxed_unsync()),
            target if target.starts_with("/ready/") => {
                let echo = request.headers().get("x-echo").cloned();
                let mut response = text(&ready_body(target));
                echo.map(|echo| response.headers_mut().insert("x-echo", echo));
                response
            }
            "/peer" => text(&format!("{} {} {}", client.peer(), client.is_secure(), client.http2())),
            _ => text("hello"),
        }
    }

    /// `/ready/N` has N bytes, and what `X-Echo` says; so has `/filed/N`, from a file, and
    /// `/filed/half/N`, of which the file has only half.
    fn answer_at_once(&self, head: &PlainHead<'_>, answer: &mut ReadyAnswer) -> bool {
        let filed = head.target().starts_with("/filed/");
        if !filed && !head.target().starts_with("/ready/") {
            return false;
        }
        assert!(!head.target().ends_with("panic"), "as the test asked");
        self.0.at_once.fetch_add(1, SeqCst);
        let body = Bytes::from(ready_body(head.target()));
        let mut fields = HeaderMap::new();
        head.read_fields(&mut fields).unwrap();
        answer.begin(StatusCode::OK).unwrap();
        answer.field("content-length", body.len().to_string().as_bytes());
        answer.date();
        if let Some(echo) = fields.get("x-echo") {
            answer.field("x-echo", echo.as_bytes());
        }
        if filed {
            // Where the file is sent, it shows: the octets in memory are others.
            let mut file = tempfile::tempfile().unwrap();
            let half = head.target().starts_with("/filed/half/");
            file.write_all(if half { &body[..body.len() / 2] } else { &body }).unwrap();
            let memory = Bytes::from(vec![b'm'; body.len()]);
            answer.end_with_file(&memory, Arc::new(file));
        } else {
            answer.end(if *head.method() == http::Method::HEAD { &NOTHING } else { &body });
        }
        true
    }

    fn refuse(&self, refusal: Refusal, _client: SocketAddr) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(refusal.name()));
        *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap();
        response
    }
}

static NOTHING: Bytes = Bytes::new();

fn ready_body(target: &str) -> String {
    let length: usize = target.rsplit('/').next().unwrap().parse().unwrap();
    let mut body = "0123456789".repeat(length / 10 + 1);
    body.truncate(length);
    body
}

fn text(body: &str) -> Response<AnswerBody> {
    let body = Full::new(Bytes::from(body.to_owned()));
    Response::new(body.map_err(|never: Infallible| match never {}).boxed_unsync())
}

fn refused(error: &(dyn Error + 'static)) -> Response<AnswerBody> {
    let Some(refusal) = BodyRefused::find(error) else { return text("unknown fault") };
    let mut response = text(refusal.name());
    *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap();
    response
}

/// Answers 101 and then echoes.
fn tunnel(mut request: Request<Incoming>) -> Response<AnswerBody> {
    let upgrade = hyper::upgrade::on(&mut request);
    drop(tokio::task::spawn_local(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let io = hyper_util::rt::TokioIo::new(upgraded);
        let (mut read, mut write) = tokio::io::split(io);
        tokio::io::copy(&mut read, &mut write).await.unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut write).await.unwrap();
    }));
    let empty = Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut response = Response::new(empty);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
    response.headers_mut().insert("upgrade", HeaderValue::from_static("echo"));
    response
}

/// A body that gives as much as is taken.
struct Endless {
    probe: Arc<Probe>,
    left: usize,
    under_way: Option<UnderWay>,
}

const CHUNK: Bytes = Bytes::from_static(&[b'x'; 16 * 1024]);

impl Body for Endless {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            self.under_way = None;
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.probe.produced.fetch_add(CHUNK.len(), SeqCst);
        Poll::Ready(Some(Ok(Frame::data(CHUNK))))
    }
}

/// A body that breaks off.
struct Cut(Option<Bytes>);

impl Body for Cut {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(data) = self.0.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        // One turn later, so that the half is out before it breaks.
        cx.waker().wake_by_ref();
        self.0 = None;
        Poll::Ready(Some(Err("the source is gone".into())))
    }
}

/// A client that writes and reads bytes.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Sends a GET for the path and reads the answer.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a.example\r\n\r\n")).answer()
    }

    /// Reads one answer with a `Content-Length` body, none for 1xx.
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.until(b"\r\n\r\n");
        let head = String::from_utf8(head).unwrap();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.parse::<usize>().unwrap());
        while self.read.len() < length {
            assert!(self.more() > 0, "closed within a body");
        }
        let body = self.read.drain(..length).collect::<Vec<_>>();
        Answer { head, body: String::from_utf8(body).unwrap() }
    }

    /// Reads up to and with `end`.
    pub(crate) fn until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|window| window == end) {
                return self.read.drain(..at + end.len()).collect();
            }
            assert!(self.more() > 0, "closed; read so far: {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// Reads so many bytes and forgets them.
    pub(crate) fn skip(&mut self, length: usize) {
        let mut left = length - self.read.drain(..length.min(self.read.len())).count();
        let mut buffer = vec![0; 64 * 1024];
        while left > 0 {
            let most = left.min(buffer.len());
            let read = self.stream.read(&mut buffer[..most]).unwrap();
            assert!(read > 0, "closed");
            left -= read;
        }
    }

    /// Reads to the end of the connection, which must be an orderly one.
    pub(crate) fn rest(&mut self) -> String {
        while self.more() > 0 {}
        String::from_utf8(std::mem::take(&mut self.read)).unwrap()
    }

    fn more(&mut self) -> usize {
        let mut buffer = [0; 64 * 1024];
        let read = self.stream.read(&mut buffer).unwrap();
        self.read.extend_from_slice(&buffer[..read]);
        read
    }
}

pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn closes(&self) -> bool {
        self.head.to_ascii_lowercase().contains("connection: close\r\n")
    }
}
