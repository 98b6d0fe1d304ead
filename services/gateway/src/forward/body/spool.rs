//! A request body taken in whole before an upstream is asked: in memory while it is small, then in a temporary file.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use telemetry::request::Part;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeekExt as _, AsyncWriteExt as _, ReadBuf};
use tokio::time::Instant;

use super::{BODY_GRACE, BodyFault};

/// More than this goes to a file.
const MOST_IN_MEMORY: usize = 64 * 1024;
/// How much of a file is read at a time.
const PIECE: usize = 64 * 1024;

/// A whole request body.
pub(crate) struct Spooled {
    content: Content,
    length: u64,
}

enum Content {
    Memory(Bytes),
    File(File),
}

/// Why a body could not be taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    #[error(transparent)]
    Body(#[from] BodyFault),
    #[error("the client stopped sending")]
    Stalled,
    #[error("the temporary file of a request body")]
    File(#[from] io::Error),
}

/// Takes in all of `incoming`, at most `limit` bytes, while no pause is longer than `longest_pause` and, after a grace, no fewer
/// than `min_rate` bytes a second have come.
pub(crate) async fn spool(
    mut incoming: Incoming,
    limit: Option<u64>,
    longest_pause: Duration,
    min_rate: Option<u64>,
) -> Result<Spooled, SpoolError> {
    let started = Instant::now();
    let mut memory = BytesMut::new();
    let mut file: Option<File> = None;
    let mut length: u64 = 0;
    loop {
        let earned = |rate: u64| Duration::from_secs(length.checked_div(rate).unwrap_or(u64::from(u32::MAX)));
        let slowest = min_rate.map(|rate| started + BODY_GRACE + earned(rate));
        let pause = Instant::now() + longest_pause;
        let next =
            tokio::time::timeout_at(slowest.map_or(pause, |slowest| slowest.min(pause)), incoming.frame());
        let waiting = telemetry::request::enter(Part::Client);
        let next = next.await;
        drop(waiting);
        let Some(frame) = next.map_err(|_elapsed| SpoolError::Stalled)? else { break };
        let frame = frame.map_err(|error| BodyFault::of(&error))?;
        // A body of known length has no trailers (RFC 9112 §6.5): they end here, as they may.
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        if limit.is_some_and(|limit| length > limit) {
            return Err(BodyFault::TooLarge.into());
        }
        keep(&mut memory, &mut file, &data).await?;
    }
    let content = match file {
        None => Content::Memory(memory.freeze()),
        Some(mut file) => {
            file.flush().await?;
            file.rewind().await?;
            Content::File(file)
        }
    };
    Ok(Spooled { content, length })
}

async fn keep(memory: &mut BytesMut, file: &mut Option<File>, data: &[u8]) -> io::Result<()> {
    if let Some(file) = file {
        return file.write_all(data).await;
    }
    if memory.len() + data.len() <= MOST_IN_MEMORY {
        memory.extend_from_slice(data);
        return Ok(());
    }
    // Without a name from the start: nothing is left behind, whatever happens to this process.
    let made = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(io::Error::other)??;
    let mut made = File::from_std(made);
    made.write_all(&std::mem::take(memory)).await?;
    made.write_all(data).await?;
    *file = Some(made);
    Ok(())
}

impl Spooled {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn into_reader(self) -> SpoolReader {
        SpoolReader { content: Some(self.content), buffer: Vec::new() }
    }
}

/// Gives a spooled body out again.
pub(super) struct SpoolReader {
    content: Option<Content>,
    buffer: Vec<u8>,
}

impl SpoolReader {
    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match self.content.take() {
            Some(Content::Memory(bytes)) if !bytes.is_empty() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Content::File(mut file)) => {
                self.buffer.resize(PIECE, 0);
                let mut buffer = ReadBuf::new(&mut self.buffer);
                match Pin::new(&mut file).poll_read(cx, &mut buffer) {
                    Poll::Pending => {
                        self.content = Some(Content::File(file));
                        Poll::Pending
                    }
                    Poll::Ready(Err(_)) => Poll::Ready(Some(Err(BodyFault::Spool))),
                    Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(None),
                    Poll::Ready(Ok(())) => {
                        let piece = Bytes::copy_from_slice(buffer.filled());
                        self.content = Some(Content::File(file));
                        Poll::Ready(Some(Ok(Frame::data(piece))))
                    }
                }
            }
            _ => Poll::Ready(None),
        }
    }
}
