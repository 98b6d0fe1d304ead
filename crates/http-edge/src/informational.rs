//! Informational answers (RFC 9110 §15.2) ahead of the final one, which hyper's server has no way to send.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use http::{HeaderMap, StatusCode};

use crate::state::ConnectionState;

/// Answers of one exchange that are passed on; an upstream that sends more is not believed.
const MOST_ANSWERS: usize = 16;
/// Bytes of them that wait for a slow client.
const MOST_BYTES: usize = 16 * 1024;

/// Serialised answers that go out before anything else.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) bytes: Vec<u8>,
    /// The exchange that they belong to.
    exchange: u64,
    answers: usize,
}

impl Queue {
    /// Adds one answer to those of `exchange`; `false` when the bounds are reached.
    fn push(&mut self, exchange: u64, status: StatusCode, headers: &HeaderMap) -> bool {
        if self.exchange != exchange {
            self.exchange = exchange;
            self.answers = 0;
        }
        let before = self.bytes.len();
        self.bytes.extend_from_slice(b"HTTP/1.1 ");
        self.bytes.extend_from_slice(status.as_str().as_bytes());
        self.bytes.push(b' ');
        self.bytes.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        self.bytes.extend_from_slice(b"\r\n");
        for (name, value) in headers {
            self.bytes.extend_from_slice(name.as_str().as_bytes());
            self.bytes.extend_from_slice(b": ");
            self.bytes.extend_from_slice(value.as_bytes());
            self.bytes.extend_from_slice(b"\r\n");
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.answers += 1;
        if self.bytes.len() > MOST_BYTES || self.answers > MOST_ANSWERS {
            self.bytes.truncate(before);
            return false;
        }
        true
    }
}

/// Sends informational answers to the client of one request. Cheap to clone, and may be kept in a `Send + Sync` callback such as
/// that of [`hyper::ext::on_informational`].
#[derive(Clone)]
pub struct Informational {
    pub(crate) state: Arc<ConnectionState>,
    pub(crate) exchange: u64,
    /// HTTP/1.0 clients do not know these answers, and hyper has no way to send them in HTTP/2.
    pub(crate) possible: bool,
}

impl Informational {
    /// Queues an informational answer ahead of the final one; hop-by-hop fields are the caller's to remove.
    ///
    /// Nothing is sent when the request came by HTTP/1.0 or HTTP/2, when the final answer has begun, when `status` is not 1xx or
    /// is 101, when `status` is 100 and the client asked for it (the server sends its own as soon as the body is read), and
    /// beyond 16 answers or 16 KiB of them.
    pub fn send(&self, status: StatusCode, headers: &HeaderMap) {
        let asked = status == StatusCode::CONTINUE && self.state.expects_continue.load(Relaxed);
        if !self.possible || asked || !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS
        {
            return;
        }
        if !self.state.awaits_answer(self.exchange) {
            return;
        }
        let queued = match self.state.informational.lock() {
            Ok(mut queue) => queue.push(self.exchange, status, headers),
            Err(_poisoned) => false,
        };
        if queued {
            self.state.has_informational.store(true, Relaxed);
            self.state.task.wake();
        }
    }
}

impl fmt::Debug for Informational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Informational").field("possible", &self.possible).finish_non_exhaustive()
    }
}
