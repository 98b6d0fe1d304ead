//! A body that is compressed while it passes: nothing is held but the coder's own window.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use bytes::Bytes;
use conditional::Coding;
use tokio::io::AsyncWrite;

/// Levels chosen so that a worker is not held for more than about a millisecond by one chunk.
const ZSTD_LEVEL: i32 = 3;
const BROTLI_LEVEL: i32 = 4;
const GZIP_LEVEL: i32 = 5;

/// The coder writes into a plain vector, so its operations never wait.
enum Encoder {
    Zstd(ZstdEncoder<Vec<u8>>),
    Brotli(Box<BrotliEncoder<Vec<u8>>>),
    Gzip(GzipEncoder<Vec<u8>>),
}

impl Encoder {
    fn writer(&mut self) -> Pin<&mut (dyn AsyncWrite + Unpin)> {
        match self {
            Self::Zstd(encoder) => Pin::new(encoder),
            Self::Brotli(encoder) => Pin::new(encoder.as_mut()),
            Self::Gzip(encoder) => Pin::new(encoder),
        }
    }

    fn take(&mut self) -> Bytes {
        let out = match self {
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Gzip(encoder) => encoder.get_mut(),
        };
        Bytes::from(std::mem::take(out))
    }
}

/// `inner`, compressed. When `inner` has nothing to give for the moment, what was taken is flushed, so that a slow
/// stream of lines arrives line by line; `flush_when_idle` is false for bodies of known length, which gain nothing by it.
pub(crate) struct Compressed<B> {
    inner: B,
    encoder: Option<Encoder>,
    flush_when_idle: bool,
    unflushed: bool,
}

impl<B> Compressed<B> {
    /// A body in `coding`; for [`Coding::Identity`] callers send the body itself, so it counts as zstd here.
    pub(crate) fn new(inner: B, coding: Coding, flush_when_idle: bool) -> Self {
        let encoder = match coding {
            Coding::Brotli => {
                let encoder = BrotliEncoder::with_quality(Vec::new(), Level::Precise(BROTLI_LEVEL));
                Encoder::Brotli(Box::new(encoder))
            }
            Coding::Gzip => Encoder::Gzip(GzipEncoder::with_quality(Vec::new(), Level::Precise(GZIP_LEVEL))),
            Coding::Zstd | Coding::Identity => {
                Encoder::Zstd(ZstdEncoder::with_quality(Vec::new(), Level::Precise(ZSTD_LEVEL)))
            }
        };
        Self { inner, encoder: Some(encoder), flush_when_idle, unflushed: false }
    }
}

impl<B: MessageBody + Unpin> Compressed<B> {
    fn write(encoder: &mut Encoder, cx: &mut Context<'_>, mut data: &[u8]) -> Poll<io::Result<()>> {
        while !data.is_empty() {
            match encoder.writer().poll_write(cx, data) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => data = data.get(written..).unwrap_or_default(),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<B> MessageBody for Compressed<B>
where
    B: MessageBody + Unpin,
    B::Error: Into<Box<dyn StdError>>,
{
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = &mut *self;
        loop {
            let Some(encoder) = this.encoder.as_mut() else { return Poll::Ready(None) };
            let done = match Pin::new(&mut this.inner).poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    this.unflushed = true;
                    Self::write(encoder, cx, &chunk)
                }
                Poll::Ready(Some(Err(error))) => {
                    // The coder's end mark must not be written: the answer is not complete.
                    this.encoder = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                Poll::Ready(None) => {
                    let closed = encoder.writer().poll_shutdown(cx);
                    if let Poll::Ready(Ok(())) = closed {
                        let rest = encoder.take();
                        this.encoder = None;
                        return Poll::Ready((!rest.is_empty()).then_some(Ok(rest)));
                    }
                    closed
                }
                Poll::Pending if this.flush_when_idle && this.unflushed => {
                    this.unflushed = false;
                    match encoder.writer().poll_flush(cx) {
                        Poll::Ready(Ok(())) => {
                            let out = encoder.take();
                            if out.is_empty() {
                                return Poll::Pending;
                            }
                            return Poll::Ready(Some(Ok(out)));
                        }
                        other => other,
                    }
                }
                Poll::Pending => return Poll::Pending,
            };
            match done {
                Poll::Ready(Ok(())) => {
                    let out = encoder.take();
                    if !out.is_empty() {
                        return Poll::Ready(Some(Ok(out)));
                    }
                }
                Poll::Ready(Err(error)) => {
                    this.encoder = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                // A vector takes everything at once; nobody would wake us.
                Poll::Pending => {
                    this.encoder = None;
                    return Poll::Ready(Some(Err("the coder waits for nothing".into())));
                }
            }
        }
    }
}
