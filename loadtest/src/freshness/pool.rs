//! Kept connections to one address, and requests over them whose answers are read to the end.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A whole answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Not sent: nothing can have come of it.
    NotSent,
    /// Sent, and the connection ended before the answer did.
    Broken,
    /// Sent, perhaps, and waited for long enough.
    TimedOut,
}

impl Failure {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::NotSent => "not sent",
            Self::Broken => "broken off",
            Self::TimedOut => "timed out",
        }
    }
}

type Sender = SendRequest<Full<Bytes>>;

/// Connections are opened as they are needed and kept while they last.
pub(crate) struct Pool {
    addr: SocketAddr,
    idle: Mutex<Vec<Sender>>,
}

impl Pool {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, idle: Mutex::new(Vec::new()) }
    }

    /// Sends one request, again only while it was not written.
    pub(crate) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        longest: Duration,
    ) -> Result<Reply, Failure> {
        timeout(longest, self.attempt(request)).await.unwrap_or(Err(Failure::TimedOut))
    }

    async fn attempt(&self, mut request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        loop {
            let mut sender = match self.take() {
                Some(sender) => sender,
                None => self.connect().await.ok_or(Failure::NotSent)?,
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    let body = body.collect().await.map_err(|_| Failure::Broken)?.to_bytes();
                    self.give_back(sender);
                    return Ok(Reply { status: head.status, headers: head.headers, body });
                }
                Err(mut failed) => request = failed.take_message().ok_or(Failure::Broken)?,
            }
        }
    }

    async fn connect(&self) -> Option<Sender> {
        let stream = TcpStream::connect(self.addr).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(sender)
    }

    fn take(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = idle.pop() {
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    fn give_back(&self, sender: Sender) {
        if !sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        }
    }
}
