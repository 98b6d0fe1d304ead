//! Writing an upload to disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use rustix::fs::Advice;
use uuid::Uuid;

use super::complete::check_length;
use super::{Layout, durable};
use crate::blocking::blocking;
use crate::config::Backend;
use crate::error::StorageError;
use crate::state::{PartialState, Segment};

/// One writer of one upload. It writes to one segment, which it alone has open.
#[derive(Debug)]
pub(crate) struct LocalWriter {
    layout: Layout,
    upload: Uuid,
    epoch: i64,
    /// What other writers made durable before.
    earlier: Vec<Segment>,
    /// What this one writes; its `bytes` are those known to be durable.
    own: Segment,
    /// `None` while a call is under way: one that was abandoned may still be writing, so nothing may follow it. And
    /// after a sync that failed: the kernel reports a lost page once and then forgets it.
    file: Option<Arc<File>>,
    /// How much of the segment is written.
    position: u64,
    /// Whether the folders that lead to the segment are durable.
    placed: bool,
    write_back: WriteBack,
}

/// Has the disk begin early, so that the last sync finds little to do.
#[derive(Clone, Copy, Debug)]
struct WriteBack {
    /// 0: never.
    every: u64,
    /// Where it was begun last.
    from: u64,
}

impl LocalWriter {
    pub(super) async fn begin(
        layout: Layout,
        write_back_bytes: u64,
        upload: Uuid,
        epoch: i64,
    ) -> Result<Self, StorageError> {
        let none =
            PartialState { backend: Backend::Local, epoch, segments: Vec::new(), superseded: Vec::new() };
        Self::resume(layout, write_back_bytes, upload, epoch, none).await
    }

    pub(super) async fn resume(
        layout: Layout,
        write_back_bytes: u64,
        upload: Uuid,
        epoch: i64,
        state: PartialState,
    ) -> Result<Self, StorageError> {
        blocking(move || {
            let folder = layout.partial(upload);
            if state.segments.is_empty() {
                durable::make_folder(&folder)?;
            }
            let (earlier, own, file) = open(&folder, epoch, state)?;
            let write_back = WriteBack { every: write_back_bytes, from: own.bytes };
            let (position, file) = (own.bytes, Some(Arc::new(file)));
            Ok(Self { layout, upload, epoch, earlier, own, file, position, placed: false, write_back })
        })
        .await
    }

    pub(crate) fn written(&self) -> u64 {
        self.own.start.saturating_add(self.position)
    }

    pub(crate) async fn write(&mut self, chunk: Bytes) -> Result<(), StorageError> {
        let file = self.file.take().ok_or_else(StorageError::broken_writer)?;
        let (at, len) = (self.position, chunk.len() as u64);
        let mut write_back = self.write_back;
        let (outcome, write_back, file) = blocking(move || {
            let outcome = file.write_all_at(&chunk, at);
            if outcome.is_ok() {
                write_back.written_to(&file, at.saturating_add(len));
            }
            Ok((outcome, write_back, file))
        })
        .await?;
        self.file = Some(file);
        // Half a chunk, when the disk is full: it is not counted, and overwritten by the next attempt.
        outcome?;
        self.write_back = write_back;
        self.position = at.saturating_add(len);
        Ok(())
    }

    pub(crate) async fn sync(&mut self) -> Result<PartialState, StorageError> {
        let file = self.file.take().ok_or_else(StorageError::broken_writer)?;
        if self.own.bytes < self.position || !self.placed {
            let (folder, top) = (self.layout.partial(self.upload), self.layout.partials());
            let placed = self.placed;
            let synced = Arc::clone(&file);
            blocking(move || {
                synced.sync_data()?;
                if !placed {
                    durable::sync_folders(&folder, &top)?;
                }
                Ok(())
            })
            .await?;
        }
        self.file = Some(file);
        self.own.bytes = self.position;
        self.placed = true;
        Ok(self.state())
    }

    fn state(&self) -> PartialState {
        let segments = self.earlier.iter().chain([&self.own]).cloned().collect();
        PartialState { backend: Backend::Local, epoch: self.epoch, segments, superseded: Vec::new() }
    }
}

impl WriteBack {
    /// Blocks for as long as it takes to tell the disk, which is not as long as the disk takes.
    fn written_to(&mut self, file: &File, position: u64) {
        let due = self.every > 0 && position.saturating_sub(self.from) >= self.every;
        let Some(len) = NonZeroU64::new(position.saturating_sub(self.from)).filter(|_| due) else { return };
        // "Not needed" makes Linux begin to write what is dirty in the range, and drop what is clean, of which there is none.
        // A disk that fails is told of by the sync that follows in any case; one that takes no advice is as good as before.
        let _ = rustix::fs::fadvise(file, self.from, Some(len), Advice::DontNeed);
        self.from = position;
    }
}

/// The segment to write to, locked, and those before it.
fn open(
    folder: &Path,
    epoch: i64,
    mut state: PartialState,
) -> Result<(Vec<Segment>, Segment, File), StorageError> {
    for segment in state.filled() {
        check_length(segment, &File::open(folder.join(segment.name()))?)?;
    }
    let start = state.offset();
    if let Some(last) = state.segments.pop_if(|last| last.epoch == epoch) {
        if let Some(file) = reopen(folder, &last)? {
            return Ok((state.segments, last, file));
        }
        state.segments.push(last);
    }
    state.segments.retain(|segment| segment.bytes > 0);
    let own = Segment { epoch, start, nonce: Uuid::new_v4(), bytes: 0 };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(own.name()))?;
    // Nobody else knows the name. Where locks do not exist, none can be had by those who would rely on it either.
    let _ = file.try_lock();
    Ok((state.segments, own, file))
}

/// Goes on in a segment of this epoch, unless somebody still has it open: a call that was abandoned, or a process that is
/// not as dead as its successor thinks.
fn reopen(folder: &Path, segment: &Segment) -> Result<Option<File>, StorageError> {
    let path = folder.join(segment.name());
    let file = OpenOptions::new().write(true).open(&path)?;
    if file.try_lock().is_err() {
        return Ok(None);
    }
    if !is_in_place(&path, &file)? {
        return Err(StorageError::NotFound(path.display().to_string()));
    }
    check_length(segment, &file)?;
    // What a crashed writer wrote beyond is cut off.
    file.set_len(segment.bytes)?;
    Ok(Some(file))
}

/// Whether `file` is still what `path` names. It may have become an object between the opening and the lock; then it is not
/// ours to write to.
fn is_in_place(path: &Path, file: &File) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(named) => {
            let open = file.metadata()?;
            Ok((named.dev(), named.ino()) == (open.dev(), open.ino()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_that_became_an_object_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let (segment, object) = (folder.path().join("segment"), folder.path().join("object"));
        let file = File::create(&segment).unwrap();
        assert!(is_in_place(&segment, &file).unwrap());
        std::fs::rename(&segment, &object).unwrap();
        assert!(!is_in_place(&segment, &file).unwrap());
        File::create(&segment).unwrap();
        assert!(!is_in_place(&segment, &file).unwrap(), "another of the same name");
    }
}
