//! The framing guard: between the connection and hyper's parser, it lets nothing through that the inspector has not found
//! unambiguous, and nothing of a next request while one is answered.
//!
//! In the usual case (a complete head in one read, a body) the bytes are read into hyper's own buffer and inspected in place, so
//! nothing is copied. What may not pass yet is kept here.

mod gate;
mod loan;
mod outgoing;
mod ready;
mod share;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::at_once::GATHERED;
use crate::body_refused::BodyRefused;
use crate::census::Permit;
use crate::framing::{FramingLimits, Refusal};
use crate::service::Origin;
use crate::state::ConnectionState;
use gate::{Admitted, Gate, Refused};
pub(crate) use loan::Loan;
use outgoing::Outgoing;
use ready::Ready;
use share::Share;

/// Bytes of next requests that are kept while one is answered; beyond, the client's writes block.
const MOST_HELD: usize = 16 * 1024;

/// A connection behind the guard.
pub(crate) struct Guarded<IO> {
    io: IO,
    /// Nothing is inspected: a tunnel, or HTTP/2, which frames itself.
    transparent: bool,
    gate: Gate,
    state: Arc<ConnectionState>,
    /// Read but not passed on.
    held: BytesMut,
    /// So many bytes at the front of `held` may pass.
    approved: usize,
    /// The client has closed its side.
    ended: bool,
    share: Share,
    outgoing: Outgoing,
    /// Answers that hyper has no part in.
    ready: Ready<IO>,
    /// Counts the connection for as long as it exists, also as a tunnel.
    _permit: Permit,
}

impl<IO> Guarded<IO> {
    /// A guard for HTTP/1.1; `first` are bytes that were read already.
    pub(crate) fn new(
        io: IO,
        state: Arc<ConnectionState>,
        limits: FramingLimits,
        first: BytesMut,
        permit: Permit,
    ) -> Self {
        Self {
            io,
            transparent: false,
            gate: Gate::new(limits),
            outgoing: Outgoing::default(),
            ready: Ready::default(),
            state,
            held: first,
            approved: 0,
            ended: false,
            share: Share::default(),
            _permit: permit,
        }
    }

    /// Offers plain requests to the worker's handler first; `max_requests` of 0 sets no bound. Files go to the `socket` of the
    /// connection, if it has one for them.
    pub(crate) fn offering(
        mut self,
        origin: Origin,
        max_requests: u64,
        socket: fn(&IO) -> Option<&TcpStream>,
    ) -> Self {
        self.ready = Ready::from(origin, max_requests, socket);
        self
    }

    /// Lets everything through from now on.
    pub(crate) fn into_transparent(mut self) -> Self {
        self.transparent = true;
        self
    }

    /// The rule that a request head broke, if one did.
    pub(crate) fn refused_head(&self) -> Option<Refusal> {
        match self.gate.refused {
            Some(Refused::Head(refusal)) => Some(refusal),
            _ => None,
        }
    }

    /// Whether a part of a request has come and been kept.
    pub(crate) fn holds_bytes(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether the client has closed its side.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// The connection itself, and what keeps it counted.
    pub(crate) fn into_inner(self) -> (IO, Permit) {
        (self.io, self._permit)
    }

    /// Moves approved bytes into `buf`.
    fn pass_held(&mut self, buf: &mut ReadBuf<'_>) {
        let passing = self.approved.min(buf.remaining());
        if let Some(bytes) = self.held.get(..passing) {
            buf.put_slice(bytes);
        }
        self.held.advance(passing);
        self.approved -= passing;
    }

    /// Inspects what is held; afterwards `approved` says how much of it may pass. What was answered is gone.
    fn inspect_held(&mut self) {
        let Self { gate, held, state, ready, .. } = self;
        let state: &ConnectionState = state;
        match gate.admit(held, state, |head| ready.take_up(head, state)) {
            Admitted::Passing(bytes) => self.approved = bytes,
            Admitted::Answered(bytes) => self.held.advance(bytes),
        }
        if self.refused_head().is_some() {
            self.held.truncate(self.approved);
        }
    }

    /// Takes in what was read into `buf` after `before`: what may pass stays there, the rest is kept.
    fn take_in(&mut self, buf: &mut ReadBuf<'_>, before: usize) {
        let Some(fresh) = buf.filled().get(before..) else { return };
        if !self.held.is_empty() {
            self.held.extend_from_slice(fresh);
            buf.set_filled(before);
            self.inspect_held();
            return;
        }
        let Self { gate, state, ready, .. } = self;
        let state: &ConnectionState = state;
        let passing = match gate.admit(fresh, state, |head| ready.take_up(head, state)) {
            Admitted::Passing(bytes) => bytes,
            Admitted::Answered(bytes) => {
                self.held.extend_from_slice(fresh.get(bytes..).unwrap_or_default());
                buf.set_filled(before);
                return;
            }
        };
        if passing < fresh.len() {
            if self.refused_head().is_none() {
                self.held.extend_from_slice(fresh.get(passing..).unwrap_or_default());
            }
            buf.set_filled(before + passing);
        }
    }
}

/// Several small pieces as one; `None` if they are not small, or one anyhow.
fn gathered(slices: &[io::IoSlice<'_>]) -> Option<Vec<u8>> {
    let length = slices.iter().map(|slice| slice.len()).sum();
    if slices.len() < 2 || length > GATHERED {
        return None;
    }
    let mut bytes = Vec::with_capacity(length);
    for slice in slices {
        bytes.extend_from_slice(slice);
    }
    Some(bytes)
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Guarded<IO> {
    fn poll_read_inspected(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let mut look_again = true;
        loop {
            // Whatever comes next comes after the answer under way.
            ready!(self.poll_ready(cx))?;
            if look_again && self.approved == 0 && !self.held.is_empty() {
                self.inspect_held();
            }
            look_again = self.ready.is_under_way();
            if look_again {
                continue;
            }
            if self.approved > 0 {
                self.pass_held(buf);
            }
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            match self.gate.refused {
                // To hyper the client has closed; the refusal is written when hyper is done.
                Some(Refused::Head(_)) => return Poll::Ready(Ok(())),
                Some(Refused::Body(refusal)) => return Poll::Ready(Err(BodyRefused(refusal).into_io())),
                None => {}
            }
            let waits = !self.held.is_empty() && self.gate.waits(&self.state);
            if waits && (self.ended || self.held.len() >= MOST_HELD) {
                self.state.withheld.store(true, Relaxed);
                return Poll::Pending;
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            let left = ready!(self.share.poll(&self.state, cx)) as u64;
            match Pin::new(&mut (&mut self.io).take(left)).poll_read(cx, buf) {
                Poll::Ready(Ok(())) if buf.filled().len() == before => self.ended = true,
                Poll::Ready(Ok(())) => {
                    self.share.spend(buf.filled().len() - before);
                    self.take_in(buf, before);
                    look_again = self.ready.is_under_way();
                }
                Poll::Ready(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {
                    self.share.rest();
                    self.state.withheld.store(waits, Relaxed);
                    return Poll::Pending;
                }
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if !this.transparent {
            if this.state.over.load(Relaxed) {
                return Poll::Ready(Ok(()));
            }
            if !this.state.tunnel.load(Relaxed) {
                return this.poll_read_inspected(cx, buf);
            }
            this.transparent = true;
        }
        if this.held.is_empty() {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        this.approved = this.held.len();
        this.pass_held(buf);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Guarded<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.gate.unflushed = true;
        ready!(this.outgoing.poll_informational(&mut this.io, &this.state, cx))?;
        let left = ready!(this.share.poll(&this.state, cx));
        let written = Pin::new(&mut this.io).poll_write(cx, bytes.get(..left).unwrap_or(bytes));
        this.share.note(&written);
        this.outgoing.note(&written, &this.state);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.gate.unflushed = true;
        ready!(this.outgoing.poll_informational(&mut this.io, &this.state, cx))?;
        ready!(this.share.poll(&this.state, cx));
        let written = match gathered(slices) {
            Some(bytes) => Pin::new(&mut this.io).poll_write(cx, &bytes),
            None => Pin::new(&mut this.io).poll_write_vectored(cx, slices),
        };
        this.share.note(&written);
        this.outgoing.note(&written, &this.state);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// hyper flushes only when its own buffer is empty, so whatever belonged to an earlier answer has been written by then.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if std::mem::take(&mut this.gate.unflushed)
            && !this.state.in_flight()
            && this.state.withheld.swap(false, Relaxed)
        {
            cx.waker().wake_by_ref();
        }
        ready!(this.outgoing.poll_informational(&mut this.io, &this.state, cx))?;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    /// Before a tunnel begins, the task that drives the connection closes it: there may be a refusal to write first.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.transparent || this.state.tunnel.load(Relaxed) {
            return Pin::new(&mut this.io).poll_shutdown(cx);
        }
        Poll::Ready(Ok(()))
    }
}
