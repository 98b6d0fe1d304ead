//! A client that knows how far a request got: every end is one of [`Outcome`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for a whole answer. Far beyond every limit the drills set in the gateway.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(20);

/// How one request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A whole answer came.
    Answered(Answer),
    /// An answer began and broke off.
    Cut { status: u16 },
    /// The request was written to a connection that closed without a byte of an answer.
    Unanswered { reused: bool },
    /// No connection could be made.
    Refused,
    /// Nothing within [`LONGEST_EXCHANGE`].
    TimedOut,
}

/// What a whole answer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `code` of a problem document.
    pub(crate) code: Option<String>,
    pub(crate) has_retry_after: bool,
    /// `X-Id` as the origin wrote it: the request that this answer is for.
    pub(crate) id: Option<u64>,
}

/// An outcome, and how often an idle connection turned out to be closed before the request was written.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) outcome: Outcome,
    pub(crate) moved: u32,
}

type Sender = SendRequest<Full<Bytes>>;

/// Keeps connections alive and takes the one that rested longest, so that all of them, and with them all workers of the
/// gateway, have their share.
pub(crate) struct Client {
    addr: SocketAddr,
    idle: Mutex<VecDeque<Sender>>,
}

impl Client {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, idle: Mutex::new(VecDeque::new()) }
    }

    /// Opens so many connections ahead of time.
    pub(crate) async fn open(&self, connections: usize) -> anyhow::Result<()> {
        for _ in 0..connections {
            let sender = self.connect().await.with_context(|| format!("cannot connect to {}", self.addr))?;
            self.give_back(sender);
        }
        Ok(())
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(&Method::GET, path, Bytes::new()).await
    }

    /// One request. Tried again only as long as it was not written.
    pub(crate) async fn send(&self, method: &Method, path: &str, body: Bytes) -> Reply {
        let mut moved = 0;
        let outcome = timeout(LONGEST_EXCHANGE, self.exchange(method, path, body, &mut moved))
            .await
            .unwrap_or(Outcome::TimedOut);
        Reply { outcome, moved }
    }

    async fn exchange(&self, method: &Method, path: &str, body: Bytes, moved: &mut u32) -> Outcome {
        let built = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::HOST, self.addr.to_string())
            .body(Full::new(body));
        let Ok(mut request) = built else { return Outcome::Refused };
        loop {
            let (mut sender, reused) = match self.take_idle() {
                Some(sender) => (sender, true),
                None => match self.connect().await {
                    Ok(sender) => (sender, false),
                    Err(_) => return Outcome::Refused,
                },
            };
            match sender.try_send_request(request).await {
                Ok(response) => return self.read(response, sender).await,
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => {
                        *moved += 1;
                        request = unsent;
                    }
                    // An answer that cannot be parsed counts as none.
                    None => return Outcome::Unanswered { reused },
                },
            }
        }
    }

    async fn read(&self, response: Response<Incoming>, sender: Sender) -> Outcome {
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        let Ok(body) = body.collect().await else { return Outcome::Cut { status } };
        let body = body.to_bytes();
        self.give_back(sender);
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let is_problem =
            header("content-type").is_some_and(|kind| kind.starts_with("application/problem+json"));
        Outcome::Answered(Answer {
            status,
            code: if is_problem { problem_code(&body) } else { None },
            has_retry_after: header("retry-after").is_some(),
            id: header("x-id").and_then(|id| id.parse().ok()),
        })
    }

    async fn connect(&self) -> anyhow::Result<Sender> {
        let stream = TcpStream::connect(self.addr).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn take_idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = idle.pop_front() {
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    fn give_back(&self, sender: Sender) {
        if !sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push_back(sender);
        }
    }
}

fn problem_code(body: &[u8]) -> Option<String> {
    let document: serde_json::Value = serde_json::from_slice(body).ok()?;
    document.get("code")?.as_str().map(str::to_owned)
}

impl Outcome {
    pub(crate) fn is_ok(&self) -> bool {
        matches!(self, Self::Answered(answer) if answer.status == 200)
    }

    /// `200`, `504 gateway_timeout`, `cut`: what tables count by.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Answered(Answer { status, code: Some(code), .. }) => format!("{status} {code}"),
            Self::Answered(Answer { status, .. }) => status.to_string(),
            Self::Cut { status } => format!("{status} cut short"),
            Self::Unanswered { reused: true } => "unanswered, reused connection".to_owned(),
            Self::Unanswered { reused: false } => "unanswered, new connection".to_owned(),
            Self::Refused => "refused".to_owned(),
            Self::TimedOut => "client gave up".to_owned(),
        }
    }
}
