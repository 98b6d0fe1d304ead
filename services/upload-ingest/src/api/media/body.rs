//! Bodies of media: streamed from the store, or of a length that is told without any.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use blob_store::{ObjectStream, StorageError};
use bytes::Bytes;
use futures_util::Stream as _;

/// What the store gives, a chunk at a time. Of a known length: one that ends early is cut, never made complete.
pub(super) struct Streamed(pub(super) ObjectStream);

impl MessageBody for Streamed {
    type Error = StorageError;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.bytes())
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, StorageError>>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

/// The answer to HEAD: the length, and nothing read.
pub(super) struct Untouched(pub(super) u64);

impl MessageBody for Untouched {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(None)
    }
}
