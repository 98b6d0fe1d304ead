//! Content on its way out.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt as _};

use crate::error::StorageError;

/// The most a chunk has.
pub(crate) const CHUNK: usize = 256 * 1024;

/// The bytes of an object or of an upload, in chunks of at most 256 KiB.
///
/// It ends after exactly [`ObjectStream::bytes`] bytes or with an error, never early without one.
pub struct ObjectStream {
    chunks: BoxStream<'static, Result<Bytes, StorageError>>,
    bytes: u64,
    /// How many are still to come.
    left: u64,
    /// What came in a piece larger than a chunk.
    rest: Bytes,
}

impl ObjectStream {
    pub(crate) fn new(
        bytes: u64,
        chunks: impl Stream<Item = Result<Bytes, StorageError>> + Send + 'static,
    ) -> Self {
        Self { chunks: chunks.boxed(), bytes, left: bytes, rest: Bytes::new() }
    }

    pub(crate) fn empty() -> Self {
        Self::new(0, futures_util::stream::empty())
    }

    /// How many bytes it gives in all.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn next_of_rest(&mut self) -> Result<Bytes, StorageError> {
        let chunk = self.rest.split_to(self.rest.len().min(CHUNK));
        match self.left.checked_sub(chunk.len() as u64) {
            Some(left) => self.left = left,
            None => return Err(self.fail("more bytes came than are stored")),
        }
        Ok(chunk)
    }

    fn fail(&mut self, what: &str) -> StorageError {
        let detail = format!("{what}: {} of {} were missing", self.left, self.bytes);
        self.left = 0;
        self.rest = Bytes::new();
        StorageError::Corrupt { detail }
    }
}

impl Stream for ObjectStream {
    type Item = Result<Bytes, StorageError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if !self.rest.is_empty() {
                return Poll::Ready(Some(self.next_of_rest()));
            }
            if self.left == 0 {
                return Poll::Ready(None);
            }
            match std::task::ready!(self.chunks.poll_next_unpin(cx)) {
                Some(Ok(chunk)) => self.rest = chunk,
                Some(Err(error)) => {
                    self.left = 0;
                    return Poll::Ready(Some(Err(error)));
                }
                None => return Poll::Ready(Some(Err(self.fail("the content ended early")))),
            }
        }
    }
}

impl std::fmt::Debug for ObjectStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectStream").field("bytes", &self.bytes).field("left", &self.left).finish()
    }
}

/// The part of `range` that exists in `bytes` bytes; empty when none does.
pub(crate) fn clip(range: Option<std::ops::Range<u64>>, bytes: u64) -> std::ops::Range<u64> {
    match range {
        None => 0..bytes,
        Some(range) => {
            let end = range.end.min(bytes);
            range.start.min(end)..end
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn read(promised: u64, chunks: &[usize]) -> (Vec<usize>, Option<StorageError>) {
        let chunks: Vec<_> = chunks.iter().map(|&len| Ok(Bytes::from(vec![0; len]))).collect();
        let mut stream = ObjectStream::new(promised, stream::iter(chunks));
        let mut sizes = Vec::new();
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => sizes.push(chunk.len()),
                Err(error) => {
                    assert!(stream.next().await.is_none());
                    return (sizes, Some(error));
                }
            }
        }
        (sizes, None)
    }

    #[tokio::test]
    async fn a_large_piece_is_cut_and_an_empty_one_passed_over() {
        let (sizes, error) = read(600_000, &[0, 600_000]).await;
        assert_eq!(sizes, [CHUNK, CHUNK, 600_000 - 2 * CHUNK]);
        assert!(error.is_none());
    }

    #[tokio::test]
    async fn content_that_ends_early_or_late_is_an_error() {
        assert!(
            matches!(read(10, &[4, 5]).await, (sizes, Some(StorageError::Corrupt { .. })) if sizes == [4, 5])
        );
        assert!(matches!(read(4, &[5]).await.1, Some(StorageError::Corrupt { .. })));
    }

    #[test]
    fn a_range_is_cut_to_what_exists() {
        assert_eq!(clip(None, 5), 0..5);
        assert_eq!(clip(Some(1..3), 5), 1..3);
        assert_eq!(clip(Some(3..9), 5), 3..5);
        for none in [2..2, 5..9, 7..9] {
            assert!(clip(Some(none), 5).is_empty());
        }
        let backwards = std::ops::Range { start: 4, end: 2 };
        assert!(clip(Some(backwards), 5).is_empty());
    }
}
