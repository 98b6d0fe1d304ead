//! Taking an answer's body in, as far as it fits; what does not is passed on from its beginning all the same.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::{BoxError, UpstreamBody};

/// A body of which the beginning was read before.
pub(crate) struct Resumed {
    read: VecDeque<Frame<Bytes>>,
    rest: Box<UpstreamBody>,
}

/// How long a body without a known length may pause while it is taken in: who waits for it may be meant to see each piece.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// What became of taking a body in.
pub(crate) enum TakenIn {
    /// All of it.
    Whole(Bytes),
    /// It is larger than was allowed: here it is from its beginning.
    TooLarge(UpstreamBody),
    /// It pauses, or ends in trailers: here it is from its beginning.
    Streaming(UpstreamBody),
}

/// Reads `body` up to `limit` bytes; as long as that takes if its length is known.
///
/// # Errors
/// The body's own: it broke off.
pub(crate) async fn take_in(mut body: UpstreamBody, limit: usize) -> Result<TakenIn, BoxError> {
    let mut read = VecDeque::new();
    let mut length = 0_usize;
    let is_sized = body.size_hint().exact().is_some();
    let resumed = |read, body| UpstreamBody::Resumed(Resumed { read, rest: Box::new(body) });
    loop {
        let frame = match timeout(LONGEST_PAUSE, body.frame()).await {
            Ok(frame) => frame,
            Err(_) if is_sized => body.frame().await,
            Err(_) => return Ok(TakenIn::Streaming(resumed(read, body))),
        };
        let Some(frame) = frame.transpose()? else { break };
        let data = frame.data_ref().map(Bytes::len);
        length = length.saturating_add(data.unwrap_or(0));
        read.push_back(frame);
        if data.is_none() {
            return Ok(TakenIn::Streaming(resumed(read, body)));
        }
        if length > limit {
            return Ok(TakenIn::TooLarge(resumed(read, body)));
        }
    }
    let mut pieces = read.into_iter().filter_map(|frame| frame.into_data().ok());
    let first = pieces.next().unwrap_or_default();
    let Some(second) = pieces.next() else { return Ok(TakenIn::Whole(exact(&first))) };
    let mut whole = BytesMut::with_capacity(length);
    for piece in [first, second].into_iter().chain(pieces) {
        whole.extend_from_slice(&piece);
    }
    Ok(TakenIn::Whole(whole.freeze()))
}

/// A copy that does not keep the connection's whole read buffer alive for as long as it is stored.
fn exact(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

impl Body for Resumed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.read.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(self.rest.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }
}
