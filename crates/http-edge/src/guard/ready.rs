//! Answers that were ready when their requests came, on their way out.
//!
//! To hyper nothing happens: it goes on waiting for a request. So all that it, and the service behind it, would have noted is noted
//! here: the exchange and its number, and that the client may be waited for.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use super::Guarded;
use crate::at_once::{self, ReadyAnswer};
use crate::service::Origin;
use crate::state::ConnectionState;

/// The answer under way, if one is.
pub(super) struct Ready<IO> {
    /// Where the connection comes from; `None` where nothing is offered.
    origin: Option<Origin>,
    max_requests: u64,
    /// Where files go to.
    socket: fn(&IO) -> Option<&TcpStream>,
    answer: Option<ReadyAnswer>,
    /// All was written, but the transport may still hold some of it.
    unflushed: bool,
}

impl<IO> Default for Ready<IO> {
    fn default() -> Self {
        Self { origin: None, max_requests: 0, socket: |_| None, answer: None, unflushed: false }
    }
}

impl<IO> Ready<IO> {
    pub(super) fn from(origin: Origin, max_requests: u64, socket: fn(&IO) -> Option<&TcpStream>) -> Self {
        Self { origin: Some(origin), max_requests, socket, ..Self::default() }
    }

    /// Whether something has to go out before anything else happens.
    pub(super) fn is_under_way(&self) -> bool {
        self.answer.is_some() || self.unflushed
    }

    /// Offers a plain head to the handler; whether it answered. An answer that has to say that it is the last is hyper's to write.
    pub(super) fn take_up(&mut self, head: &[u8], state: &ConnectionState) -> bool {
        let Some(origin) = self.origin else { return false };
        let may_be_last = state.is_last(state.served() + 1, self.max_requests);
        if may_be_last || state.has_spoken.load(Relaxed) || state.has_informational.load(Relaxed) {
            return false;
        }
        let Some(answer) = at_once::offer(head, origin) else { return false };
        state.begin();
        state.answer(state.count());
        self.answer = Some(answer);
        true
    }
}

impl<IO: AsyncWrite + Unpin> Guarded<IO> {
    /// Sends the answer under way, if there is one; ready when nothing of it is left.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(answer) = &mut self.ready.answer {
            while !answer.is_written() {
                let left = ready!(self.share.poll(&self.state, cx));
                let socket = if answer.has_file() { (self.ready.socket)(&self.io) } else { None };
                let written = match socket {
                    Some(socket) => answer.poll_send(socket, left, cx),
                    None => answer.poll_write(&mut self.io, cx),
                };
                self.share.note(&written);
                self.outgoing.note(&written, &self.state);
                if ready!(written)? == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
            }
            self.ready.answer.take().into_iter().for_each(at_once::give_back);
            self.ready.unflushed = true;
            self.state.finish();
        }
        if self.ready.unflushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.ready.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
