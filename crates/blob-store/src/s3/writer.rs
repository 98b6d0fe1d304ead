//! Writing an upload to S3.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::PutPayload;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::complete::missing;
use super::{S3Store, partial_path};
use crate::blocking::blocking;
use crate::config::Backend;
use crate::error::StorageError;
use crate::state::{PartialState, Segment};

/// What S3 joins at most.
const MAX_PARTS: usize = 10_000;

/// One writer of one upload. It gathers a part in a file without a name, then sends it while the next is gathered.
#[derive(Debug)]
pub(crate) struct S3Writer {
    store: S3Store,
    upload: Uuid,
    epoch: i64,
    nonce: Uuid,
    /// The whole parts that are stored, without gaps from 0.
    whole: Vec<Segment>,
    /// The tail that an earlier writer left. It counts until a whole part, which begins with it, is stored.
    tail: Option<Segment>,
    /// The parts on their way; ended when the writer is dropped.
    sending: JoinSet<Result<Segment, StorageError>>,
    /// Where the part begins that is being gathered.
    start: u64,
    /// `None` while a call is under way, and after one that was abandoned or failed: what is in it is not known then.
    spool: Option<File>,
    /// How much of it counts.
    spooled: u64,
}

impl S3Writer {
    pub(super) async fn begin(store: S3Store, upload: Uuid, epoch: i64) -> Result<Self, StorageError> {
        Self::new(store, upload, epoch, Vec::new(), None).await
    }

    pub(super) async fn resume(
        store: S3Store,
        upload: Uuid,
        epoch: i64,
        state: &PartialState,
    ) -> Result<Self, StorageError> {
        let stored = store.segments(upload).await?;
        if let Some(missing) = missing(state, &stored)? {
            return Err(StorageError::NotFound(missing));
        }
        // This state is the caller's truth now, so nobody needs what it replaced.
        for old in state.superseded.iter().filter(|old| stored.contains_key(&old.name())) {
            store.delete_object(&partial_path(upload, &old.name())).await?;
        }
        let mut whole: Vec<Segment> = state.filled().cloned().collect();
        let tail = whole.pop_if(|last| last.bytes < store.0.part_bytes);
        let mut writer = Self::new(store, upload, epoch, whole, tail.clone()).await?;
        if let Some(tail) = tail {
            writer.load(&tail).await?;
        }
        Ok(writer)
    }

    async fn new(
        store: S3Store,
        upload: Uuid,
        epoch: i64,
        whole: Vec<Segment>,
        tail: Option<Segment>,
    ) -> Result<Self, StorageError> {
        let folder = store.0.spool.clone();
        let spool = Some(blocking(move || Ok(tempfile::tempfile_in(folder)?)).await?);
        let start = whole.last().map_or(0, Segment::end);
        let (sending, nonce) = (JoinSet::new(), Uuid::new_v4());
        Ok(Self { store, upload, epoch, nonce, whole, tail, sending, start, spool, spooled: 0 })
    }

    /// Takes up the tail that an earlier writer left.
    async fn load(&mut self, tail: &Segment) -> Result<(), StorageError> {
        let mut content = self.store.read_segment(self.upload, tail).await?;
        while let Some(chunk) = content.next().await {
            self.gather(chunk?).await?;
        }
        Ok(())
    }

    pub(crate) fn written(&self) -> u64 {
        self.start.saturating_add(self.spooled)
    }

    pub(crate) async fn write(&mut self, mut chunk: Bytes) -> Result<(), StorageError> {
        self.collect_sent()?;
        while !chunk.is_empty() {
            let room = self.store.0.part_bytes.saturating_sub(self.spooled);
            let fits = usize::try_from(room).unwrap_or(usize::MAX).min(chunk.len());
            self.gather(chunk.split_to(fits)).await?;
            if self.spooled == self.store.0.part_bytes {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Adds to the part; `chunk` fits.
    async fn gather(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        let spool = self.spool.take().ok_or_else(StorageError::broken_writer)?;
        let (at, len) = (self.spooled, chunk.len() as u64);
        let (outcome, spool) = blocking(move || Ok((spool.write_all_at(&chunk, at), spool))).await?;
        self.spool = Some(spool);
        outcome?;
        self.spooled = at.saturating_add(len);
        Ok(())
    }

    /// Takes what is gathered into memory, as soon as there is room for it, and sends it.
    async fn send(&mut self) -> Result<(), StorageError> {
        if self.whole.len().saturating_add(self.sending.len()) >= MAX_PARTS {
            let detail = format!("an upload of more than {MAX_PARTS} parts needs a larger s3.part_bytes");
            return Err(StorageError::Config(detail));
        }
        let spool = self.spool.take().ok_or_else(StorageError::broken_writer)?;
        let room = self.store.0.memory.room().await?;
        let (content, spool) = room.read(spool, 0, self.spooled).await?;
        let segment =
            Segment { epoch: self.epoch, start: self.start, nonce: self.nonce, bytes: self.spooled };
        let (store, path) = (self.store.clone(), partial_path(self.upload, &segment.name()));
        self.start = segment.end();
        self.spooled = 0;
        self.spool = Some(spool);
        self.sending.spawn(async move {
            store.put_object(&path, PutPayload::from_bytes(content)).await?;
            Ok(segment)
        });
        Ok(())
    }

    /// Notes which parts have arrived, without waiting.
    fn collect_sent(&mut self) -> Result<(), StorageError> {
        while let Some(sent) = self.sending.try_join_next() {
            self.note(sent)?;
        }
        Ok(())
    }

    fn note(
        &mut self,
        sent: Result<Result<Segment, StorageError>, tokio::task::JoinError>,
    ) -> Result<(), StorageError> {
        match sent {
            Ok(Ok(segment)) => {
                self.whole.push(segment);
                Ok(())
            }
            failed => {
                // Its bytes are nowhere any more: the sender has to repeat them from the last state.
                self.spool = None;
                failed.map_err(|lost| StorageError::Io(Box::new(lost))).flatten().map(|_| ())
            }
        }
    }

    pub(crate) async fn sync(&mut self) -> Result<PartialState, StorageError> {
        while let Some(sent) = self.sending.join_next().await {
            self.note(sent)?;
        }
        if self.spool.is_none() {
            return Err(StorageError::broken_writer());
        }
        self.whole.sort_by_key(|segment| segment.start);
        Ok(self.state(None))
    }

    pub(crate) async fn close(mut self) -> Result<PartialState, StorageError> {
        let synced = self.sync().await?;
        if synced.offset() == self.written() {
            return Ok(synced);
        }
        self.send().await?;
        let rest = self.sending.join_next().await;
        let tail = match rest {
            Some(Ok(sent)) => sent?,
            Some(Err(lost)) => return Err(StorageError::Io(Box::new(lost))),
            None => return Err(StorageError::broken_writer()),
        };
        Ok(self.state(Some(tail)))
    }

    /// The whole parts and a tail: the new one, or else the old one if nothing has replaced it.
    fn state(&self, new_tail: Option<Segment>) -> PartialState {
        let mut segments = self.whole.clone();
        let mut superseded = Vec::new();
        let end = segments.last().map_or(0, Segment::end);
        match (new_tail, &self.tail) {
            (Some(new), old) => {
                superseded.extend(old.clone());
                segments.push(new);
            }
            (None, Some(old)) if old.start == end => segments.push(old.clone()),
            (None, old) => superseded.extend(old.clone()),
        }
        PartialState { backend: Backend::S3, epoch: self.epoch, segments, superseded }
    }
}
