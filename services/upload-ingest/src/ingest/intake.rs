//! From pieces to the store in one pass: gathered, then hashed, looked at and written at the same time (U-D2), while the next
//! buffer is being gathered.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blob_store::{PartialState, PartialWriter};
use bytes::{Bytes, BytesMut};
use content_inspect::{Checkpoint, ContentType, Inspector, Verifier};
use problem::{Problem, registry};
use prometheus_client::metrics::counter::Counter;
use service_error::ServiceError;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use super::Inner;
use super::body::{Body, BodyEnd};
use crate::error::{content_refused, storage_failed};

/// Marks kept: as many buffers as the largest part of a store that can only make whole parts durable.
const MAX_MARKS: usize = 512;

/// What looks at bytes while they are written. A part of a concatenation cannot be looked at by itself.
pub(super) enum Watch {
    /// Digest, type and structure.
    Content(Box<Inspector>),
    /// Nothing.
    Nothing,
}

/// What works on a buffer, moved to where the work is done and back.
pub(super) struct Hands {
    writer: PartialWriter,
    watch: Watch,
    /// Of this request's bytes alone.
    verifiers: Vec<Verifier>,
    /// States of the watch at the offsets at which buffers ended: whichever becomes durable can be gone on from. None where
    /// nobody will.
    marks: Option<VecDeque<(u64, Checkpoint)>>,
}

/// Times that do not overlap, nor the waits for the client, which the server keeps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timings {
    /// Waiting for a buffer to be hashed and written.
    pub(super) write: Duration,
    /// Waiting for stable storage.
    pub(super) sync: Duration,
}

/// A body on its way to the store.
pub(super) struct Intake {
    hands: Option<Hands>,
    at_work: Option<JoinHandle<(Hands, Result<(), ServiceError>)>>,
    gathered: BytesMut,
    buffer_bytes: usize,
    turns: Arc<Semaphore>,
    /// Offset up to which bytes were handed over.
    handed: u64,
    content_type: Option<ContentType>,
    bytes: Counter,
    pub(super) timings: Timings,
}

/// What a body amounted to.
pub(super) struct Taken {
    /// The writer, with everything handed to it.
    pub(super) writer: PartialWriter,
    /// What has looked at it.
    pub(super) watch: Watch,
    /// What has taken the request's own digests.
    pub(super) verifiers: Vec<Verifier>,
}

impl Intake {
    /// `resumable` is whether [`Intake::sync`] will be asked how far it is.
    pub(super) fn new(
        inner: &Inner,
        writer: PartialWriter,
        watch: Watch,
        verifiers: Vec<Verifier>,
        resumable: bool,
    ) -> Self {
        let handed = writer.written();
        let content_type = match &watch {
            Watch::Content(inspector) => inspector.content_type(),
            Watch::Nothing => None,
        };
        Self {
            hands: Some(Hands { writer, watch, verifiers, marks: resumable.then(VecDeque::new) }),
            at_work: None,
            gathered: BytesMut::new(),
            buffer_bytes: inner.config.buffer_bytes,
            turns: Arc::clone(&inner.turns),
            handed,
            content_type,
            bytes: inner.meters.bytes.clone(),
            timings: Timings::default(),
        }
    }

    /// Takes the next piece of the body. `None` when one was taken, else how the body ended.
    ///
    /// # Errors
    /// Of the store, and for content that is refused: as soon as that can be known.
    pub(super) async fn take(&mut self, body: &mut Body) -> Result<Option<BodyEnd>, ServiceError> {
        match body.next().await {
            Err(end) => Ok(Some(end)),
            Ok(piece) => {
                let worked = Instant::now();
                self.bytes.inc_by(u64::try_from(piece.len()).unwrap_or_default());
                let taken = self.gather(&piece).await;
                self.timings.write += worked.elapsed();
                taken.map(|()| None)
            }
        }
    }

    /// What it has turned out to be, once that is known.
    pub(super) fn content_type(&self) -> Option<ContentType> {
        self.content_type
    }

    /// Bytes taken, from the beginning of the upload.
    pub(super) fn offset(&self) -> u64 {
        self.handed + u64::try_from(self.gathered.len()).unwrap_or_default()
    }

    async fn gather(&mut self, mut piece: &[u8]) -> Result<(), ServiceError> {
        while !piece.is_empty() {
            let room = self.room();
            let (now, later) = piece.split_at(room.min(piece.len()));
            self.gathered.extend_from_slice(now);
            piece = later;
            let full = now.len() == room;
            // Until the type is known every piece is looked at as it comes, so that a wrong one is refused before much is sent.
            let unknown = self.content_type.is_none() && self.is_watched();
            if full || unknown {
                self.hand_over().await?;
            }
            if unknown {
                self.settle().await?;
            }
        }
        Ok(())
    }

    /// Bytes until the buffer is full. Buffers end at multiples of their size, counted from the upload's beginning, so that
    /// their ends meet those of a store's parts.
    fn room(&self) -> usize {
        let size = u64::try_from(self.buffer_bytes).unwrap_or(u64::MAX);
        usize::try_from(size - self.offset() % size).unwrap_or(self.buffer_bytes)
    }

    fn is_watched(&self) -> bool {
        match &self.hands {
            Some(hands) => matches!(hands.watch, Watch::Content(_)),
            // At work on a buffer of a type that is not known yet: only what is watched comes here.
            None => true,
        }
    }

    /// Starts work on what was gathered, after the work before it is done.
    async fn hand_over(&mut self) -> Result<(), ServiceError> {
        self.settle().await?;
        // Before the next buffer is gathered: of hundreds of uploads that wait for a turn each holds one buffer then, not two. Turns
        // are never closed; an error would only mean that nobody takes them.
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let Some(mut hands) = self.hands.take() else { return Err(lost()) };
        let piece =
            std::mem::replace(&mut self.gathered, BytesMut::with_capacity(self.buffer_bytes)).freeze();
        self.handed += u64::try_from(piece.len()).unwrap_or_default();
        let work = async move {
            let _turn = turn;
            let outcome = hands.work_on(piece).await;
            (hands, outcome)
        };
        self.at_work = Some(tokio::spawn(work.in_current_span()));
        Ok(())
    }

    /// Waits for the work that was started.
    async fn settle(&mut self) -> Result<(), ServiceError> {
        let Some(at_work) = self.at_work.take() else { return Ok(()) };
        let (hands, outcome) = at_work.await.map_err(|error| internal(&error))?;
        if let Watch::Content(inspector) = &hands.watch {
            self.content_type = inspector.content_type();
        }
        self.hands = Some(hands);
        outcome
    }

    /// Makes durable what can be, and says how far that is: the store's state, and the watch's at the same offset. `None` when
    /// nothing more is durable than before.
    ///
    /// # Errors
    /// Of the store, and for content that is refused.
    pub(super) async fn sync(&mut self) -> Result<Option<(PartialState, Option<Checkpoint>)>, ServiceError> {
        let began = Instant::now();
        self.settle().await?;
        let Some(hands) = &mut self.hands else { return Err(lost()) };
        let state = hands.writer.sync().await.map_err(storage_failed)?;
        let mark = hands.mark_at(state.offset());
        self.timings.sync += began.elapsed();
        let unwatched = matches!(hands.watch, Watch::Nothing);
        Ok((unwatched || mark.is_some()).then_some((state, mark)))
    }

    /// Ends the intake: everything that was taken is handed over and worked on.
    ///
    /// # Errors
    /// Of the store, and for content that is refused.
    pub(super) async fn end(mut self) -> Result<(Taken, Timings), ServiceError> {
        let worked = Instant::now();
        if !self.gathered.is_empty() {
            self.hand_over().await?;
        }
        self.settle().await?;
        self.timings.write += worked.elapsed();
        let Some(Hands { writer, watch, verifiers, .. }) = self.hands else { return Err(lost()) };
        Ok((Taken { writer, watch, verifiers }, self.timings))
    }
}

impl Hands {
    /// Writes a buffer and, at the same time on another thread, hashes it.
    async fn work_on(&mut self, piece: Bytes) -> Result<(), ServiceError> {
        let watch = std::mem::replace(&mut self.watch, Watch::Nothing);
        let (verifiers, looked_at) = (std::mem::take(&mut self.verifiers), piece.clone());
        let looking = tokio::task::spawn_blocking(move || look(watch, verifiers, &looked_at));
        let (written, looked) = tokio::join!(self.writer.write(piece), looking);
        let (watch, verifiers, refused) = looked.map_err(|error| internal(&error))?;
        (self.watch, self.verifiers) = (watch, verifiers);
        if let (Watch::Content(inspector), Some(marks)) = (&self.watch, &mut self.marks) {
            if marks.len() == MAX_MARKS {
                marks.pop_front();
            }
            marks.push_back((inspector.offset(), inspector.checkpoint()));
        }
        refused.map_err(content_refused)?;
        written.map_err(storage_failed)
    }

    fn mark_at(&mut self, offset: u64) -> Option<Checkpoint> {
        let marks = self.marks.as_mut()?;
        while marks.front().is_some_and(|(at, _)| *at < offset) {
            marks.pop_front();
        }
        marks.front().filter(|(at, _)| *at == offset).map(|(_, mark)| mark.clone())
    }
}

/// Hashes and looks at a buffer; blocks.
fn look(
    mut watch: Watch,
    mut verifiers: Vec<Verifier>,
    piece: &[u8],
) -> (Watch, Vec<Verifier>, Result<(), content_inspect::Refusal>) {
    let refused = match &mut watch {
        Watch::Content(inspector) => inspector.update(piece),
        Watch::Nothing => Ok(()),
    };
    verifiers.iter_mut().for_each(|verifier| verifier.update(piece));
    (watch, verifiers, refused)
}

/// Only after an error that ended the intake.
fn lost() -> ServiceError {
    Problem::new(&registry::INTERNAL).cause("an upload went on after it had failed").into()
}

fn internal(error: &tokio::task::JoinError) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error.to_string()).into()
}
