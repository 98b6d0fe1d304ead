//! Folders for what is being made. Those of a process lie in one that it holds locked: the lock ends with the process, however
//! it ends, so that the next one to start can tell what was left behind and remove it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use uuid::Uuid;

/// Names of the folders of processes begin like this.
const PREFIX: &str = "upload-worker-";
/// The file in one that is locked.
const LOCK: &str = "lock";

/// The folder of this process, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl Scratch {
    /// Makes the folder of this process below `parent`, and removes those of processes that are no more. Blocks.
    ///
    /// # Errors
    /// Of the file system.
    pub(crate) fn open(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        remove_abandoned(parent)?;
        // Made under another name, so that nobody sees it before it is locked.
        let made = tempfile::Builder::new().prefix(".new-").tempdir_in(parent)?;
        let lock = File::create(made.path().join(LOCK))?;
        lock.lock()?;
        let path = parent.join(format!("{PREFIX}{}", Uuid::now_v7().simple()));
        fs::rename(made.path(), &path)?;
        // It is there under its new name, and removed by that.
        let _renamed = made.keep();
        Ok(Self { path, _lock: lock })
    }

    /// A new folder in it, removed when it is dropped.
    ///
    /// # Errors
    /// Of the file system.
    pub(crate) fn folder(&self) -> io::Result<TempDir> {
        tempfile::Builder::new().prefix("job-").tempdir_in(&self.path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is abandoned from here on, and the next process tries again.
        let _removed = fs::remove_dir_all(&self.path);
    }
}

/// Removes folders whose process holds no lock any more.
fn remove_abandoned(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        // One that is being removed by another process has no such file any more.
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            let removed = fs::remove_dir_all(entry.path());
            tracing::info!(path = %entry.path().display(), done = removed.is_ok(), "left behind by a worker");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(parent: &Path) -> usize {
        fs::read_dir(parent).unwrap().count()
    }

    #[test]
    fn what_a_process_made_is_gone_with_it() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(parent.path()).unwrap();
        let folder = scratch.folder().unwrap();
        fs::write(folder.path().join("half"), "made").unwrap();
        drop(folder);
        assert_eq!(fs::read_dir(&scratch.path).unwrap().count(), 1);
        drop(scratch);
        assert_eq!(folders(parent.path()), 0);
    }

    #[test]
    fn only_what_nobody_holds_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let alive = Scratch::open(parent.path()).unwrap();
        let dead = parent.path().join(format!("{PREFIX}dead"));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("half"), "made").unwrap();
        let next = Scratch::open(parent.path()).unwrap();
        assert!(!dead.exists() && alive.path.exists() && next.path.exists());
        assert_eq!(folders(parent.path()), 2);
    }
}
