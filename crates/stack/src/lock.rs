//! One command at a time changes a state directory.
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// Held while a command changes the state directory; the kernel releases it with its holder, however that one ends.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another command holds it: wait for that one or stop it.
    #[error(
        "another stack command (pid {holder}) is at work on {path}; wait for it, or stop it with `kill {holder}`"
    )]
    Held {
        /// What the holder wrote about itself; "unknown" in the instant before it did.
        holder: String,
        /// The state directory.
        path: String,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot lock {path}")]
    Io {
        /// The lock file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl StateLock {
    /// Takes the lock of `state_dir` without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] names the holder.
    pub fn take(state_dir: &Path) -> Result<Self, LockError> {
        let path = state_dir.join("lock");
        let failed = |source| LockError::Io { path: path.display().to_string(), source };
        // Never truncated on open: until the lock is ours the text is the holder's.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                let holder =
                    if holder.trim().is_empty() { "unknown".to_owned() } else { holder.trim().to_owned() };
                return Err(LockError::Held { holder, path: state_dir.display().to_string() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        write!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
