//! What the guard does on the way out: informational answers before anything of hyper, and a note of a client that takes nothing.

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use crate::state::ConnectionState;

#[derive(Default)]
pub(super) struct Outgoing {
    /// Informational answers, as far as they are not written.
    informational: Bytes,
    /// The last write found the client's window full.
    blocked: bool,
}

impl Outgoing {
    /// Notes whether the client takes what it is sent.
    pub(super) fn note(&mut self, written: &Poll<io::Result<usize>>, state: &ConnectionState) {
        if written.is_pending() {
            self.blocked = true;
            state.blocked.begin(state);
        } else if self.blocked {
            self.blocked = false;
            state.blocked.end();
        }
    }

    /// Writes all informational answers that were queued.
    pub(super) fn poll_informational<IO: AsyncWrite + Unpin>(
        &mut self,
        io: &mut IO,
        state: &ConnectionState,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            while !self.informational.is_empty() {
                let written = Pin::new(&mut *io).poll_write(cx, &self.informational);
                self.note(&written, state);
                match ready!(written)? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    bytes => self.informational.advance(bytes),
                }
            }
            if !state.has_informational.swap(false, Relaxed) {
                return Poll::Ready(Ok(()));
            }
            if let Ok(mut queue) = state.informational.lock() {
                self.informational = std::mem::take(&mut queue.bytes).into();
            }
        }
    }
}
