//! The body of a request: shared bytes in pieces, so that sending copies nothing and holds nothing twice.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// What is handed over at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The bytes that are still to be sent, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    left: VecDeque<Bytes>,
}

impl Pieces {
    pub(crate) fn of(parts: impl IntoIterator<Item = Bytes>) -> Self {
        Self { left: parts.into_iter().filter(|part| !part.is_empty()).collect() }
    }

    /// How long the body is.
    pub(crate) fn bytes(&self) -> u64 {
        self.left.iter().map(|part| part.len() as u64).sum()
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(front) = self.left.front_mut() else { return Poll::Ready(None) };
        let piece = front.split_to(front.len().min(PIECE_BYTES));
        if front.is_empty() {
            self.left.pop_front();
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn all_bytes_come_in_order_and_in_pieces() {
        let long = Bytes::from(vec![7; PIECE_BYTES + 1]);
        let mut body = Pieces::of([Bytes::from_static(b"head"), Bytes::new(), long]);
        assert_eq!(body.bytes(), (PIECE_BYTES + 5) as u64);
        let mut lengths = Vec::new();
        while let Some(frame) = body.frame().await {
            lengths.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(lengths, [4, PIECE_BYTES, 1]);
    }
}
