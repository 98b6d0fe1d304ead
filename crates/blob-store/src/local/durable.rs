//! Changes of folders that survive a loss of power.
//!
//! A file is durable when its content is (`fdatasync`) and when every folder on the way to it is (`fsync`). The second is easily
//! forgotten: without it a power cut may take a whole object back that was reported as stored (U-C1).

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tempfile::NamedTempFile;
use uuid::Uuid;

use super::Layout;
use crate::error::StorageError;

/// How often a removal of the same folder may get in the way before it is no accident any more.
const ATTEMPTS: usize = 32;

/// Makes a folder and those above it, for this user alone. It is there already: fine.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes the entries durable that lead from `top` down to `folder`.
///
/// All of them, also those that were there before: another writer may have made one a moment ago and not synced it yet.
pub(super) fn sync_folders(folder: &Path, top: &Path) -> io::Result<()> {
    for ancestor in folder.ancestors().take_while(|ancestor| ancestor.starts_with(top)) {
        sync_folder(ancestor)?;
    }
    Ok(())
}

/// Makes a finished temporary file the object at `target`, at once and durably.
pub(super) fn place(layout: &Layout, made: NamedTempFile, target: &Path) -> Result<(), StorageError> {
    made.as_file().sync_data()?;
    let (_file, path) = made.into_parts();
    rename(layout, &path, target)?;
    // Nothing is there any more that a drop could remove.
    let _ = path.keep();
    Ok(())
}

/// Moves a file whose content is durable to `target`, replacing what is there.
pub(super) fn rename(layout: &Layout, source: &Path, target: &Path) -> Result<(), StorageError> {
    let folder = target.parent().unwrap_or(target);
    let mut attempt = 1;
    loop {
        match make_folder(folder).and_then(|()| fs::rename(source, target)) {
            Err(error) if attempt < ATTEMPTS && is_removal_nearby(&error) && source.exists() => attempt += 1,
            outcome => {
                outcome?;
                return Ok(sync_folders(folder, &layout.objects())?);
            }
        }
    }
}

/// Whether a deletion has just removed a folder on the way that was empty: it is missing, or was there for `mkdir` and is no
/// folder any more for the look that follows.
fn is_removal_nearby(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists)
}

/// Removes an object and the folders that are empty without it.
pub(super) fn remove_object(layout: &Layout, path: &Path) -> Result<(), StorageError> {
    ignore_missing(fs::remove_file(path))?;
    let top = layout.objects();
    for folder in path.ancestors().skip(1).take_while(|folder| *folder != top && folder.starts_with(&top)) {
        if fs::remove_dir(folder).is_err() {
            // It is in use, or gone: the deletion is to be durable in the lowest that is still there.
            ignore_missing(sync_folder(folder))?;
            return Ok(());
        }
    }
    Ok(sync_folder(&top)?)
}

/// Removes everything of an unfinished upload.
pub(super) fn remove_partial(layout: &Layout, upload: Uuid) -> Result<(), StorageError> {
    let folder = layout.partial(upload);
    let mut attempt = 1;
    loop {
        match ignore_missing(fs::remove_dir_all(&folder)) {
            // A writer that was taken over opened a segment meanwhile.
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty && attempt < ATTEMPTS => attempt += 1,
            outcome => return Ok(outcome?),
        }
    }
}

fn ignore_missing(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
