//! A connection that hyper has only on loan.
//!
//! After any request that offers an upgrade, taken or not, hyper hands the connection to whoever waits for that upgrade as soon as
//! it is done with it, and drops it when nobody does. The end of the connection is not hyper's, though: there may be a refusal to
//! write, and the client must not be reset. So whatever drops the connection gives it back.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Guarded;

/// The connection, until dropped.
pub(crate) struct Loan<IO> {
    /// There until this is dropped.
    guarded: Option<Guarded<IO>>,
    home: Arc<Mutex<Option<Guarded<IO>>>>,
}

/// Where the connection comes back to.
pub(crate) struct Home<IO>(Arc<Mutex<Option<Guarded<IO>>>>);

impl<IO> Loan<IO> {
    pub(crate) fn new(guarded: Guarded<IO>) -> (Self, Home<IO>) {
        let home = Arc::new(Mutex::new(None));
        (Self { guarded: Some(guarded), home: Arc::clone(&home) }, Home(home))
    }
}

impl<IO> Home<IO> {
    /// The connection, if it is back.
    pub(crate) fn take(&self) -> Option<Guarded<IO>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<IO> Drop for Loan<IO> {
    fn drop(&mut self) {
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = self.guarded.take();
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Loan<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.guarded {
            Some(guarded) => Pin::new(guarded).poll_read(cx, buf),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Loan<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.guarded {
            Some(guarded) => Pin::new(guarded).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.guarded {
            Some(guarded) => Pin::new(guarded).poll_write_vectored(cx, slices),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.guarded.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.guarded {
            Some(guarded) => Pin::new(guarded).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.guarded {
            Some(guarded) => Pin::new(guarded).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}
