//! A connection whose output can be spoilt: the server above writes good HTTP, the client gets bytes that are not.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const GARBAGE: &[u8] = b"\x15\x03\x01 This is no answer\r\n\x00\xff\xfe HTTP/7 nonsense\r\n\r\n";

/// From the moment it is used the connection carries garbage.
#[derive(Clone)]
pub(super) struct Spoiler(Arc<AtomicBool>);

impl Spoiler {
    pub(super) fn spoil(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct Wire {
    stream: TcpStream,
    spoilt: Arc<AtomicBool>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> (Self, Spoiler) {
        let spoilt = Arc::new(AtomicBool::new(false));
        (Self { stream, spoilt: Arc::clone(&spoilt) }, Spoiler(spoilt))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.spoilt.load(Ordering::Relaxed) {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        // A part of the garbage is garbage too.
        ready!(Pin::new(&mut self.stream).poll_write(cx, GARBAGE))?;
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
