//! A body that is compressed while it passes: nothing is held but the coder's own window.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use bytes::Bytes;
use conditional::Coding;
use futures_util::FutureExt as _;
use http::HeaderMap;
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use tokio::io::AsyncWrite;

/// Why a body ended early.
type BoxError = Box<dyn Error + Send + Sync>;

/// What a body answers when it is polled.
type Step = Poll<Option<Result<Frame<Bytes>, BoxError>>>;

/// Levels chosen so that a worker is not held for more than about a millisecond by one chunk.
const ZSTD_LEVEL: i32 = 3;
const BROTLI_LEVEL: i32 = 4;
const GZIP_LEVEL: i32 = 5;

/// What cannot happen: a coder into a vector that has to wait.
const WAITING: &str = "the coder waits for nothing";

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
///
/// Trailers of `inner` follow the coder's end mark. When `inner` fails there is no end mark.
pub(crate) struct Compressed<B> {
    inner: B,
    coding: Coding,
    /// `None` once the body is over.
    encoder: Option<Encoder>,
    trailers: Option<HeaderMap>,
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
        Self { inner, coding, encoder: Some(encoder), trailers: None, flush_when_idle, unflushed: false }
    }

    /// Takes a chunk into the coder; gives what comes out, which may be nothing yet.
    fn write(encoder: &mut Encoder, cx: &mut Context<'_>, mut data: &[u8]) -> Poll<io::Result<Bytes>> {
        while !data.is_empty() {
            match ready!(encoder.writer().poll_write(cx, data))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => data = data.get(written..).unwrap_or_default(),
            }
        }
        Poll::Ready(Ok(encoder.take()))
    }

    /// Ends without the coder's end mark: the answer is not complete, and its reader must see that.
    fn fail(&mut self, error: BoxError) -> Step {
        (self.encoder, self.trailers) = (None, None);
        Poll::Ready(Some(Err(error)))
    }

    /// Writes the coder's end mark; trailers follow it.
    fn finish(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(mut encoder) = self.encoder.take() else { return Poll::Ready(self.next_trailers()) };
        match encoder.writer().poll_shutdown(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return self.fail(error.into()),
            Poll::Pending => return self.fail(WAITING.into()),
        }
        let rest = encoder.take();
        if rest.is_empty() {
            return Poll::Ready(self.next_trailers());
        }
        Poll::Ready(Some(Ok(Frame::data(rest))))
    }

    fn next_trailers(&mut self) -> Option<Result<Frame<Bytes>, BoxError>> {
        self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))
    }
}

impl<B> Body for Compressed<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step {
        let this = &mut *self;
        loop {
            let Some(encoder) = this.encoder.as_mut() else { return Poll::Ready(this.next_trailers()) };
            let out = match Pin::new(&mut this.inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(chunk) => {
                        this.unflushed = true;
                        Self::write(encoder, cx, &chunk)
                    }
                    Err(frame) => {
                        // A kind of frame nobody knows cannot be passed through a coder.
                        let Ok(mut trailers) = frame.into_trailers() else { continue };
                        super::recode_validators(&mut trailers, this.coding);
                        this.trailers = Some(trailers);
                        return this.finish(cx);
                    }
                },
                Poll::Ready(Some(Err(error))) => return this.fail(error.into()),
                Poll::Ready(None) => return this.finish(cx),
                Poll::Pending if this.flush_when_idle && this.unflushed => {
                    this.unflushed = false;
                    match encoder.writer().poll_flush(cx) {
                        // Whoever gave nothing will wake us.
                        Poll::Ready(Ok(())) => match encoder.take() {
                            out if out.is_empty() => return Poll::Pending,
                            out => Poll::Ready(Ok(out)),
                        },
                        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                        Poll::Pending => Poll::Pending,
                    }
                }
                Poll::Pending => return Poll::Pending,
            };
            match out {
                Poll::Ready(Ok(out)) if out.is_empty() => {}
                Poll::Ready(Ok(out)) => return Poll::Ready(Some(Ok(Frame::data(out)))),
                Poll::Ready(Err(error)) => return this.fail(error.into()),
                // A vector takes everything at once; nobody would wake us.
                Poll::Pending => return this.fail(WAITING.into()),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.trailers.is_none()
    }
}

/// All of `body` in `coding`, at once. What is large holds the thread for a while.
///
/// # Errors
/// A fault of the coder.
pub(crate) fn compress(body: Bytes, coding: Coding) -> Result<Bytes, BoxError> {
    let coded = Compressed::new(Full::new(body), coding, false).collect().now_or_never();
    coded.unwrap_or_else(|| Err(WAITING.into())).map(|coded| coded.to_bytes())
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
