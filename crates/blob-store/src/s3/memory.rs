//! The parts that are in memory: no more than allowed, in buffers that are used again.
//!
//! A buffer of megabytes that is allocated and freed for each part, on whatever thread reads it, makes the allocator keep
//! some of them for every thread: four times what is in use was seen.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::blocking::blocking;
use crate::error::StorageError;

/// Room for a number of parts; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    permits: Arc<Semaphore>,
    idle: Idle,
}

/// The buffers that nobody uses.
type Idle = Arc<Mutex<Vec<Vec<u8>>>>;

/// Room for one part. It is given back when the content read into it is not used any more.
pub(super) struct Room {
    buffer: Vec<u8>,
    /// How much of the buffer is content.
    filled: usize,
    idle: Idle,
    /// Given back after the buffer.
    _permit: OwnedSemaphorePermit,
}

impl Memory {
    pub(super) fn new(parts: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(parts)), idle: Idle::default() }
    }

    /// Waits until there is room for a part.
    pub(super) async fn room(&self) -> Result<Room, StorageError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|closed| StorageError::Io(Box::new(closed)))?;
        let buffer = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Ok(Room { buffer, filled: 0, idle: Arc::clone(&self.idle), _permit: permit })
    }
}

impl Room {
    /// Reads a piece of a file, which must have it, and gives the file back.
    pub(super) async fn read(
        mut self,
        file: File,
        offset: u64,
        bytes: u64,
    ) -> Result<(Bytes, File), StorageError> {
        blocking(move || {
            self.filled = usize::try_from(bytes).map_err(|error| StorageError::Io(Box::new(error)))?;
            if self.buffer.len() < self.filled {
                self.buffer.resize(self.filled, 0);
            }
            if let Some(place) = self.buffer.get_mut(..self.filled) {
                file.read_exact_at(place, offset)?;
            }
            Ok((Bytes::from_owner(self), file))
        })
        .await
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn room_comes_back_with_the_last_use_of_the_content_and_is_used_again() {
        let memory = Memory::new(1);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let (first, file) = memory.room().await.unwrap().read(file, 0, 10).await.unwrap();
        let (place, slice) = (first.as_ptr(), first.slice(3..5));
        drop(first);
        assert_eq!((&slice[..], memory.permits.available_permits()), (&b"34"[..], 0));
        drop(slice);
        let (second, _) = memory.room().await.unwrap().read(file, 7, 2).await.unwrap();
        assert_eq!((&second[..], second.as_ptr()), (&b"78"[..], place));
    }
}
