//! Both ends of the wire: a client that sends exactly the bytes it is given, and an upstream that remembers what came.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Gateway, PATIENCE, gateway_to, raw_upstream};

/// One end of a connection, with what has come and has not been looked at.
pub(crate) struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// A request or an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// From the first line to the empty one.
    pub(crate) head: String,
    /// The content, chunks joined.
    pub(crate) body: Vec<u8>,
    /// The lines of the trailer section.
    pub(crate) trailers: Vec<String>,
    /// Whether all of it came.
    pub(crate) complete: bool,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, unread: Vec::new() }
    }

    pub(crate) async fn to(gateway: &Gateway) -> Self {
        Self::at(gateway.addr).await
    }

    pub(crate) async fn at(addr: SocketAddr) -> Self {
        Self::new(TcpStream::connect(addr).await.unwrap())
    }

    /// Whoever has closed already reads no more; what it said before can still be read.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Whether the other side still took it.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn end(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Waits for more; `false` when there is no more.
    async fn fill(&mut self) -> bool {
        timeout(PATIENCE, self.stream.read_buf(&mut self.unread)).await.unwrap().unwrap_or(0) > 0
    }

    /// What comes next, as it comes; empty when nothing more does.
    pub(crate) async fn some(&mut self) -> Vec<u8> {
        if self.unread.is_empty() {
            self.fill().await;
        }
        std::mem::take(&mut self.unread)
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.unread.len() < length {
            if !self.fill().await {
                return None;
            }
        }
        Some(self.unread.drain(..length).collect())
    }

    /// Up to and with CRLF.
    async fn line(&mut self) -> Option<String> {
        let mut from = 0;
        loop {
            if let Some(at) = self.unread[from..].windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(from + at + 2).await?;
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
            from = self.unread.len().saturating_sub(1);
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next head; `None` when the connection ends before it does.
    pub(crate) async fn head(&mut self) -> Option<Message> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push_str(&self.line().await?);
        }
        Some(Message { head, ..Message::default() })
    }

    /// Everything after `message`'s head that belongs to it.
    pub(crate) async fn body(&mut self, message: &mut Message, to_head: bool) {
        message.complete = if message.is_chunked() && !message.is_bodiless(to_head) {
            self.chunks(message).await.is_some()
        } else {
            let length = message.field("content-length").map(|value| value.parse::<usize>().unwrap());
            match length {
                _ if message.is_bodiless(to_head) => true,
                Some(length) => self.sized(message, length).await,
                None if message.is_request() => true,
                None => {
                    message.body = self.rest().await;
                    true
                }
            }
        };
    }

    async fn sized(&mut self, message: &mut Message, length: usize) -> bool {
        while self.unread.len() < length {
            if !self.fill().await {
                message.body = std::mem::take(&mut self.unread);
                return false;
            }
        }
        message.body = self.unread.drain(..length).collect();
        true
    }

    async fn chunks(&mut self, message: &mut Message) -> Option<()> {
        loop {
            let line = self.line().await?;
            let size = usize::from_str_radix(line.trim_end().split(';').next()?, 16).ok()?;
            if size == 0 {
                break;
            }
            message.body.extend(self.take(size).await?);
            assert_eq!(self.take(2).await?, b"\r\n", "a chunk ends with CRLF");
        }
        loop {
            let line = self.line().await?;
            if line == "\r\n" {
                return Some(());
            }
            message.trailers.push(line.trim_end().to_owned());
        }
    }

    /// The next message with its body; `None` when there is none.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        let mut message = self.head().await?;
        self.body(&mut message, false).await;
        Some(message)
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Message {
        self.message().await.unwrap()
    }

    /// The next answer that is not an interim one.
    pub(crate) async fn final_answer(&mut self) -> Message {
        loop {
            let answer = self.answer().await;
            if !matches!(answer.status(), 100 | 102..200) {
                return answer;
            }
        }
    }

    /// The next answer, to a request with the method HEAD.
    pub(crate) async fn answer_to_head(&mut self) -> Message {
        let mut message = self.head().await.unwrap();
        self.body(&mut message, true).await;
        message
    }

    /// Everything until the other side closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.unread)
    }
}

impl Message {
    /// The first line.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    fn is_request(&self) -> bool {
        !self.head.starts_with("HTTP/")
    }

    fn is_chunked(&self) -> bool {
        self.field("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    fn is_bodiless(&self, to_head: bool) -> bool {
        !self.is_request() && (to_head || matches!(self.status(), 100..200 | 204 | 304))
    }

    pub(crate) fn status(&self) -> u16 {
        self.line().split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The values of all lines with this name, in order.
    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// The only value of this field; a second line with this name fails the test.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let values = self.fields(name);
        assert!(values.len() <= 1, "{name} is repeated in\n{}", self.head);
        values.first().copied()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The code of a problem, after checking that it is one.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.field("content-type"), Some("application/problem+json"), "{}", self.head);
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body["status"], self.status());
        body["code"].as_str().unwrap().to_owned()
    }
}

/// An upstream that answers every request alike and remembers them all, also those that never end.
pub(crate) struct Recorder {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Recorder {
    pub(crate) async fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await
    }

    pub(crate) async fn answering(answer: &'static str) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&seen);
        let addr = raw_upstream(move |stream, _| {
            let seen = Arc::clone(&recorded);
            async move {
                let mut peer = Peer::new(stream);
                while let Some(mut request) = peer.head().await {
                    let at = seen.lock().unwrap().len();
                    seen.lock().unwrap().push(request.clone());
                    peer.body(&mut request, false).await;
                    let complete = request.complete;
                    seen.lock().unwrap()[at] = request;
                    if !complete {
                        break;
                    }
                    peer.send(answer).await;
                }
            }
        })
        .await;
        Self { addr, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Message> {
        self.seen.lock().unwrap().clone()
    }

    /// The only request there was.
    pub(crate) fn only(&self) -> Message {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

/// A second request that rides on the first; it must never arrive anywhere.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n";

/// A gateway, and an upstream that must not see what it refuses.
pub(crate) struct Refusing {
    pub(crate) gateway: Gateway,
    upstream: Recorder,
}

impl Refusing {
    pub(crate) async fn start() -> Self {
        let upstream = Recorder::start().await;
        Self { gateway: gateway_to(upstream.addr, ""), upstream }
    }

    /// `request` gets one answer, a problem with one of the codes (`a|b`), and the connection is closed without anything after it
    /// being looked at.
    pub(crate) async fn refuses(&self, request: impl AsRef<[u8]>, status: u16, codes: &str) {
        let request = request.as_ref();
        let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
        let mut client = Peer::to(&self.gateway).await;
        client.send([request, SMUGGLED.as_bytes()].concat()).await;
        let answer = client.message().await;
        assert!(answer.is_some(), "no answer to {shown:?}");
        let answer = answer.unwrap();
        assert_eq!(answer.status(), status, "{shown:?}\n{}{}", answer.head, answer.text());
        assert!(codes.split('|').any(|code| code == answer.code()), "{shown:?}: {}", answer.text());
        assert_eq!(answer.field("connection"), Some("close"), "{shown:?}");
        let rest = client.rest().await;
        assert!(rest.is_empty(), "after {shown:?} came {}", String::from_utf8_lossy(&rest));
    }

    /// Nothing of all that was refused has been seen by the upstream as a whole request.
    pub(crate) async fn nothing_passed(self) {
        let mut client = Peer::to(&self.gateway).await;
        client.send("GET /after HTTP/1.1\r\nhost: h\r\n\r\n").await;
        assert_eq!(client.answer().await.status(), 200);
        let whole: Vec<_> = self.upstream.seen().into_iter().filter(|request| request.complete).collect();
        let lines: Vec<_> = whole.iter().map(Message::line).collect();
        assert_eq!(lines, ["GET /after HTTP/1.1"]);
        let smuggled = |request: &Message| request.line().contains("smuggled");
        assert!(!self.upstream.seen().iter().any(smuggled), "{:?}", self.upstream.seen());
    }
}

/// Sends one request over a connection of its own and returns the final answer.
pub(crate) async fn ask(gateway: &Gateway, request: impl AsRef<[u8]>) -> Message {
    let mut client = Peer::to(gateway).await;
    client.send(request).await;
    client.final_answer().await
}
