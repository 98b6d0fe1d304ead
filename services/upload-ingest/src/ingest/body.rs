//! A body as it arrives: in pieces, within its limits, until it ends one way or another.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::future::{Fuse, FusedFuture as _, LocalBoxFuture};
use futures_util::stream::LocalBoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use problem::{Problem, registry};
use service_error::ServiceError;
use tokio::sync::oneshot;

use super::writers::taken_over;
use crate::problems;

/// How long what comes after a refusal is read…
const LINGER: Duration = Duration::from_secs(5);
/// …and how much of it.
const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// How a body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// All of it came.
    Whole,
    /// The connection ended first.
    Cut,
    /// The client sent nothing for too long.
    Stalled,
    /// Another request goes on with the upload.
    TakenOver,
    /// This process is to stop.
    Draining,
    /// There is more of it than may be.
    TooLarge,
    /// It could not be decoded.
    Malformed,
    /// Something stands behind the file.
    Trailing,
}

impl BodyEnd {
    /// The problem that it is, unless all is well.
    pub(crate) fn problem(self) -> Option<ServiceError> {
        let problem = match self {
            Self::Whole => return None,
            // Nobody is left to read this one, but for logs and metrics.
            Self::Cut => Problem::new(&registry::MALFORMED_REQUEST).detail("the body ended early"),
            Self::Stalled => Problem::new(&problems::UPLOAD_STALLED),
            Self::TakenOver => return Some(taken_over()),
            Self::Draining => Problem::new(&registry::UNAVAILABLE)
                .detail("this instance is being stopped; what has come is kept")
                .header("Retry-After", "1"),
            Self::TooLarge => Problem::new(&registry::PAYLOAD_TOO_LARGE),
            Self::Trailing => Problem::new(&registry::VALIDATION_FAILED).field(
                "/file",
                "not_last",
                "the file must be the last part: say everything else before it",
            ),
            Self::Malformed => {
                Problem::new(&registry::MALFORMED_REQUEST).detail("the body could not be decoded")
            }
        };
        Some(problem.into())
    }
}

/// Says that nobody waits for the answer any more, when it is dropped with the handler that holds it.
pub(crate) struct Waiting(#[expect(dead_code, reason = "its end is the message")] oneshot::Sender<()>);

/// The body of one request.
pub(crate) struct Body {
    pieces: LocalBoxStream<'static, Result<Bytes, BodyEnd>>,
    /// Ends when nobody waits for the answer any more.
    gone: Fuse<LocalBoxFuture<'static, ()>>,
    /// Ends when the body is not to be read any further, and says why.
    stop: Fuse<LocalBoxFuture<'static, BodyEnd>>,
    stall: Duration,
    limit: u64,
    received: u64,
    /// When the last piece came.
    last: Instant,
}

impl Body {
    /// No body at all.
    pub(crate) fn none() -> Self {
        Self::of_pieces(futures_util::stream::empty(), 0, Duration::MAX).0
    }

    /// The payload of a request, of which at most `limit` bytes are taken. What is returned beside it stays with the handler.
    pub(crate) fn of(
        payload: impl futures_util::Stream<Item = Result<Bytes, PayloadError>> + 'static,
        limit: u64,
        stall: Duration,
    ) -> (Self, Waiting) {
        let pieces = payload.map(|piece| {
            piece.map_err(|error| match error {
                PayloadError::Incomplete(_) | PayloadError::Io(_) => BodyEnd::Cut,
                PayloadError::Overflow => BodyEnd::TooLarge,
                _ => BodyEnd::Malformed,
            })
        });
        Self::of_pieces(pieces, limit, stall)
    }

    /// The same for pieces that were taken out of something else.
    pub(crate) fn of_pieces(
        pieces: impl futures_util::Stream<Item = Result<Bytes, BodyEnd>> + 'static,
        limit: u64,
        stall: Duration,
    ) -> (Self, Waiting) {
        let (waiting, gone) = oneshot::channel::<()>();
        // actix drops the handler of a client that left; whether it also ends the payload depends on where it was.
        let body = Self {
            pieces: pieces.boxed_local(),
            gone: gone.map(drop).boxed_local().fuse(),
            stop: Fuse::terminated(),
            stall,
            limit,
            received: 0,
            last: Instant::now(),
        };
        (body, Waiting(waiting))
    }

    /// Ends also when `stop` says so.
    pub(super) fn until(&mut self, stop: impl Future<Output = BodyEnd> + 'static) {
        self.stop = stop.boxed_local().fuse();
    }

    /// Takes less from now on: what it is has turned out.
    pub(super) fn limit_to(&mut self, limit: u64) {
        self.limit = self.limit.min(limit);
    }

    /// The next piece, or how the body ended.
    pub(super) async fn next(&mut self) -> Result<Bytes, BodyEnd> {
        if self.received > self.limit {
            return Err(BodyEnd::TooLarge);
        }
        let next = Next { body: self };
        let stall = next.body.stall;
        let piece = match tokio::time::timeout(stall, next).await {
            Err(_) => return Err(BodyEnd::Stalled),
            Ok(piece) => piece?,
        };
        self.last = Instant::now();
        self.received += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.received > self.limit { Err(BodyEnd::TooLarge) } else { Ok(piece) }
    }

    /// Throws away what still comes, for a moment and up to a bound.
    pub(super) async fn linger(&mut self) {
        let read = async {
            let mut bytes = 0;
            while let Some(Ok(piece)) = self.pieces.next().await {
                bytes += piece.len();
                if bytes > LINGER_BYTES {
                    return;
                }
            }
        };
        // Who still sends after this is cut off.
        let _ = tokio::time::timeout(LINGER, read).await;
    }

    /// When the last piece came.
    pub(super) fn last(&self) -> Instant {
        self.last
    }
}

/// What has arrived is taken before the client is known to be gone; but whoever has it stopped does not wait for that.
struct Next<'a> {
    body: &'a mut Body,
}

impl Future for Next<'_> {
    type Output = Result<Bytes, BodyEnd>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let body = &mut *self.body;
        if !body.stop.is_terminated()
            && let Poll::Ready(end) = body.stop.poll_unpin(cx)
        {
            return Poll::Ready(Err(end));
        }
        match body.pieces.poll_next_unpin(cx) {
            Poll::Ready(None) => Poll::Ready(Err(BodyEnd::Whole)),
            Poll::Ready(Some(piece)) => Poll::Ready(piece),
            Poll::Pending if body.gone.is_terminated() || body.gone.poll_unpin(cx).is_ready() => {
                Poll::Ready(Err(BodyEnd::Cut))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    const STALL: Duration = Duration::from_secs(30);

    fn pieces(texts: &'static [&'static str]) -> impl futures_util::Stream<Item = Result<Bytes, BodyEnd>> {
        stream::iter(texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))))
    }

    async fn read(body: &mut Body) -> (usize, BodyEnd) {
        let mut bytes = 0;
        loop {
            match body.next().await {
                Ok(piece) => bytes += piece.len(),
                Err(end) => return (bytes, end),
            }
        }
    }

    #[tokio::test]
    async fn a_body_ends_with_its_last_piece() {
        let (mut body, _waiting) = Body::of_pieces(pieces(&["abc", "de"]), 5, STALL);
        assert_eq!(read(&mut body).await, (5, BodyEnd::Whole));
    }

    #[tokio::test]
    async fn a_body_beyond_its_limit_is_not_read_to_its_end() {
        let (mut body, _waiting) = Body::of_pieces(pieces(&["abc", "def", "ghi"]), 5, STALL);
        assert_eq!(read(&mut body).await, (3, BodyEnd::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_nothing_is_not_waited_for() {
        let (mut body, _waiting) = Body::of_pieces(pieces(&["abc"]).chain(stream::pending()), 5, STALL);
        assert_eq!(read(&mut body).await, (3, BodyEnd::Stalled));
    }

    #[tokio::test]
    async fn what_has_arrived_is_taken_before_the_client_is_known_to_be_gone() {
        let (mut body, waiting) = Body::of_pieces(pieces(&["abc"]).chain(stream::pending()), 5, STALL);
        drop(waiting);
        assert_eq!(read(&mut body).await, (3, BodyEnd::Cut));
        assert_eq!(body.next().await, Err(BodyEnd::Cut), "and it stays gone");
    }

    #[tokio::test]
    async fn another_request_ends_it() {
        let (mut body, _waiting) = Body::of_pieces(stream::pending(), 5, STALL);
        body.until(std::future::ready(BodyEnd::TakenOver));
        assert_eq!(body.next().await, Err(BodyEnd::TakenOver));
    }
}
