//! An answer read from its upstream faster than the client takes it, so that a slow client does not hold the upstream.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{BoxError, ResponseBody};

/// Most that is held of one answer; a power of two well under a semaphore's capacity.
const MOST_AHEAD: u32 = 1024 * 1024;

type Piece = Result<Frame<Bytes>, BoxError>;

/// What has been read and not yet passed on; the reader stops when it is dropped.
pub(crate) struct ReadAhead {
    pieces: UnboundedReceiver<Piece>,
    room: Rc<Semaphore>,
    size: SizeHint,
    ended: bool,
}

impl ReadAhead {
    /// Starts reading. Call it on a worker.
    pub(crate) fn start(body: ResponseBody) -> Self {
        let (sender, pieces) = unbounded_channel();
        let room = Rc::new(Semaphore::new(MOST_AHEAD as usize));
        let size = body.size_hint();
        let ended = body.is_end_stream();
        // Not kept: it ends with the body, or when the receiver or the room goes.
        drop(tokio::task::spawn_local(read(body, sender, Rc::clone(&room))));
        Self { pieces, room, size, ended }
    }
}

async fn read(mut body: ResponseBody, sender: UnboundedSender<Piece>, room: Rc<Semaphore>) {
    loop {
        let piece = tokio::select! {
            () = sender.closed() => return,
            piece = body.frame() => piece,
        };
        let Some(piece) = piece else { return };
        let bytes = piece.as_ref().ok().and_then(Frame::data_ref).map_or(0, Bytes::len);
        let bytes = u32::try_from(bytes).unwrap_or(MOST_AHEAD).min(MOST_AHEAD);
        let Ok(permit) = room.acquire_many(bytes).await else { return };
        permit.forget();
        if sender.send(piece).is_err() {
            return;
        }
    }
}

impl Body for ReadAhead {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let piece = std::task::ready!(self.pieces.poll_recv(cx));
        match &piece {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len).min(MOST_AHEAD as usize);
                self.room.add_permits(bytes);
            }
            Some(Err(_)) | None => self.ended = true,
        }
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }
}

impl Drop for ReadAhead {
    fn drop(&mut self) {
        self.room.close();
    }
}
