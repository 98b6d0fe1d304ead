//! The bodies of a forwarded exchange. Neither is held unless its route says so: each chunk is asked for when there is room
//! for it.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

mod progress;
mod read_ahead;
mod request;
mod response;
mod resumed;
mod spool;

pub(crate) use progress::{Permission, Progress};
pub(crate) use read_ahead::ReadAhead;
pub(crate) use request::{BodyFault, RequestBody};
pub(crate) use response::{Carried, ResponseBody};
pub(crate) use resumed::{Resumed, TakenIn, take_in};
pub(crate) use spool::{SpoolError, Spooled, spool};

use crate::compress::Compressed;

/// What the server underneath takes as the error of a body.
pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// How long the client may take its time before the rate of its body counts.
pub(crate) const BODY_GRACE: Duration = Duration::from_secs(10);

/// What the gateway answers with.
pub(crate) enum GatewayBody {
    /// No bytes.
    Empty,
    /// Bytes of the gateway's own.
    Full(Option<Bytes>),
    /// The answer to HEAD: only how long the body would be, where that is known.
    Untold(Option<u64>),
    /// An upstream's, as it is.
    Forwarded(UpstreamBody),
    /// An upstream's, compressed here.
    Compressed(Box<Compressed<UpstreamBody>>),
}

/// An answer's body, streamed or read ahead (U-A10), or begun by the cache.
pub(crate) enum UpstreamBody {
    /// Asked for piece by piece.
    Streamed(ResponseBody),
    /// Taken as fast as it comes, to a bound.
    Buffered(ReadAhead),
    /// Begun before.
    Resumed(Resumed),
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Streamed(body) => Pin::new(body).poll_frame(cx),
            Self::Buffered(body) => Pin::new(body).poll_frame(cx),
            Self::Resumed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Streamed(body) => body.is_end_stream(),
            Self::Buffered(body) => body.is_end_stream(),
            Self::Resumed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Streamed(body) => body.size_hint(),
            Self::Buffered(body) => body.size_hint(),
            Self::Resumed(body) => body.size_hint(),
        }
    }
}

/// A frame without the trailers that must not pass.
fn clean(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        super::headers::strip_trailers(trailers);
    }
    frame
}

impl From<Bytes> for GatewayBody {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Full(Some(bytes)) }
    }
}

impl Body for GatewayBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Empty | Self::Untold(_) => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Forwarded(body) => Pin::new(body).poll_frame(cx),
            Self::Compressed(body) => Pin::new(body.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_none(),
            // The server asks before it writes the head; it must not take the length for zero.
            Self::Untold(length) => *length == Some(0),
            Self::Forwarded(body) => body.is_end_stream(),
            Self::Compressed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => SizeHint::with_exact(
                bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            ),
            Self::Untold(length) => length.map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Forwarded(body) => body.size_hint(),
            Self::Compressed(body) => body.size_hint(),
        }
    }
}
