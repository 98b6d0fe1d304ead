//! What is there, and what was left behind.

use std::fs::{self, DirEntry, Metadata, ReadDir};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, SystemTime};

use futures_util::stream::{self, Stream};
use tokio::sync::mpsc::{Sender, channel};
use uuid::Uuid;

use super::Layout;
use crate::error::StorageError;
use crate::key::ObjectKey;
use crate::meta::{ObjectMeta, PartialMeta};

/// How far a walk may be ahead of its reader.
const AHEAD: usize = 64;
/// A temporary file that was not written to for so long belongs to nobody any more.
const STALE: Duration = Duration::from_secs(3600);

/// The reader left.
struct Gone;

/// Every object, in no order. Folders are gone through as they are read: one is open on each level, and nothing is gathered.
pub(crate) fn objects(layout: &Layout) -> impl Stream<Item = Result<ObjectMeta, StorageError>> + use<> {
    let top = layout.objects();
    walk(move |found| {
        let mut levels = Vec::from_iter(open(&top, found)?);
        while let Some(level) = levels.last_mut() {
            let Some(entry) = next(level, found)? else {
                levels.pop();
                continue;
            };
            match stat(&entry, found)? {
                Some(meta) if meta.is_dir() => levels.extend(open(&entry.path(), found)?),
                Some(meta) => report_object(&top, &entry.path(), &meta, found)?,
                None => {}
            }
        }
        Ok(())
    })
}

/// Every upload of which something is there, in no order.
pub(crate) fn partials(layout: &Layout) -> impl Stream<Item = Result<PartialMeta, StorageError>> + use<> {
    let top = layout.partials();
    walk(move |found| {
        let Some(mut uploads) = open(&top, found)? else { return Ok(()) };
        while let Some(entry) = next(&mut uploads, found)? {
            let name = entry.file_name();
            let Some(upload) = name.to_str().and_then(|name| Uuid::try_parse(name).ok()) else {
                tracing::warn!(path = %entry.path().display(), "this is no upload of ours");
                continue;
            };
            if let Some(folder) = stat(&entry, found)? {
                let partial = measure(upload, &entry.path(), &folder, found)?;
                found.blocking_send(Ok(partial)).map_err(|_| Gone)?;
            }
        }
        Ok(())
    })
}

/// Runs a walk on a blocking thread, as fast as its results are taken. It ends when nobody takes them any more.
fn walk<T: Send + 'static>(
    work: impl FnOnce(&Sender<Result<T, StorageError>>) -> Result<(), Gone> + Send + 'static,
) -> impl Stream<Item = Result<T, StorageError>> {
    let (found, results) = channel(AHEAD);
    let walking = tokio::task::spawn_blocking(move || work(&found));
    stream::unfold((results, Some(walking)), |(mut results, mut walking)| async move {
        if let Some(result) = results.recv().await {
            return Some((result, (results, walking)));
        }
        // A walk that panicked must not look like one that is through.
        let lost = walking.take()?.await.err()?;
        Some((Err(StorageError::Io(Box::new(lost))), (results, None)))
    })
}

/// Opens a folder; none when it is gone meanwhile.
fn open<T>(folder: &Path, found: &Sender<Result<T, StorageError>>) -> Result<Option<ReadDir>, Gone> {
    unless_gone(fs::read_dir(folder), found)
}

/// The next entry of an open folder; none at its end, and where it cannot be read any further.
fn next<T>(folder: &mut ReadDir, found: &Sender<Result<T, StorageError>>) -> Result<Option<DirEntry>, Gone> {
    folder.next().map_or(Ok(None), |entry| unless_gone(entry, found))
}

fn stat<T>(entry: &DirEntry, found: &Sender<Result<T, StorageError>>) -> Result<Option<Metadata>, Gone> {
    unless_gone(entry.metadata(), found)
}

/// What was read. None when it is gone meanwhile, and when it cannot be read, which the reader is told.
fn unless_gone<T, F>(
    read: io::Result<T>,
    found: &Sender<Result<F, StorageError>>,
) -> Result<Option<T>, Gone> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => found.blocking_send(Err(error.into())).map(|()| None).map_err(|_| Gone),
    }
}

fn report_object(
    top: &Path,
    path: &Path,
    meta: &Metadata,
    found: &Sender<Result<ObjectMeta, StorageError>>,
) -> Result<(), Gone> {
    let key = path.strip_prefix(top).ok().and_then(Path::to_str).and_then(|text| ObjectKey::new(text).ok());
    let Some(key) = key else {
        tracing::warn!(path = %path.display(), "this is no object of ours");
        return Ok(());
    };
    let object = ObjectMeta { key, bytes: meta.len(), modified: modified(meta) };
    found.blocking_send(Ok(object)).map_err(|_| Gone)
}

fn measure(
    upload: Uuid,
    folder: &Path,
    meta: &Metadata,
    found: &Sender<Result<PartialMeta, StorageError>>,
) -> Result<PartialMeta, Gone> {
    let mut partial = PartialMeta { upload, bytes: 0, modified: modified(meta) };
    let Some(mut segments) = open(folder, found)? else { return Ok(partial) };
    while let Some(entry) = next(&mut segments, found)? {
        if let Some(segment) = stat(&entry, found)? {
            partial.bytes = partial.bytes.saturating_add(segment.len());
            partial.modified = partial.modified.max(modified(&segment));
        }
    }
    Ok(partial)
}

/// Linux knows the time of every file.
fn modified(meta: &Metadata) -> SystemTime {
    meta.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Removes what crashes left half made. What cannot be removed stays for the next start.
pub(super) fn sweep(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|meta| meta.modified()).map(|time| time.elapsed());
        if age.is_ok_and(|age| age.is_ok_and(|age| age > STALE)) {
            let removed = fs::remove_file(entry.path());
            tracing::info!(path = %entry.path().display(), done = removed.is_ok(), "left behind by a crash");
        }
    }
}
