//! The octets of a body in one coding, and the file they may lie in as well.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::memory::octets;

/// From so many bytes on, handing the kernel a file costs less than copying them, though it takes one call more.
const LEAST_IN_FILE: usize = 24 * 1024;

/// Where large bodies that are asked for again lie once more: in files without a name, whose pages the kernel sends without
/// copying them. They are gone with the answer, and with the process.
#[derive(Debug)]
pub struct BodyFiles {
    directory: PathBuf,
    most: usize,
    open: Arc<AtomicUsize>,
}

impl BodyFiles {
    /// Files in `directory`, at most `most` open at once.
    ///
    /// # Errors
    /// The directory cannot hold such files.
    pub fn new(directory: &Path, most: usize) -> io::Result<Self> {
        tempfile::tempfile_in(directory)?;
        Ok(Self { directory: directory.to_owned(), most, open: Arc::default() })
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// A file with these octets; `None` where as many are open as may be. Blocks as long as writing does.
    fn create(&self, octets: &[u8]) -> io::Result<Option<BodyFile>> {
        let one_more = |open| (open < self.most).then_some(open + 1);
        if self.open.fetch_update(Relaxed, Relaxed, one_more).is_err() {
            return Ok(None);
        }
        let counted = Counted(Arc::clone(&self.open));
        let mut file = tempfile::tempfile_in(&self.directory)?;
        file.write_all(octets)?;
        Ok(Some(BodyFile { file, _counted: counted }))
    }
}

/// A file that holds a body, whole and from its beginning. Nobody writes to it any more.
#[derive(Debug)]
pub struct BodyFile {
    file: File,
    _counted: Counted,
}

impl AsFd for BodyFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// One of the open files, until dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// A body as it is sent.
#[derive(Debug, Default)]
pub struct Content {
    octets: Bytes,
    file: OnceLock<Arc<BodyFile>>,
    /// Times it was sent, modulo 256.
    sent: AtomicU8,
}

impl Clone for Content {
    /// The same octets, and the same file.
    fn clone(&self) -> Self {
        Self { octets: self.octets.clone(), file: self.file.clone(), ..Self::default() }
    }
}

impl From<Bytes> for Content {
    fn from(octets: Bytes) -> Self {
        Self { octets, ..Self::default() }
    }
}

impl Content {
    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &Bytes {
        &self.octets
    }

    /// The file that has the same octets, if they lie in one.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<BodyFile>> {
        self.file.get()
    }

    /// Notes that it is sent whole. Whether it should be [put into a file](Self::put_into) now: it is large, and was sent before. Said
    /// the second time, and again every 256 times that it is still in none.
    #[must_use]
    pub fn wants_file(&self) -> bool {
        self.octets.len() >= LEAST_IN_FILE
            && self.file.get().is_none()
            && self.sent.fetch_add(1, Relaxed) == 1
    }

    /// Puts it into one of `files` from now on, if there is room for one more. Blocks as long as writing does.
    ///
    /// # Errors
    /// That of the file; then it is sent from memory as before.
    pub fn put_into(&self, files: &BodyFiles) -> io::Result<()> {
        if let Some(file) = files.create(&self.octets)? {
            self.file.get_or_init(|| Arc::new(file));
        }
        Ok(())
    }

    /// Memory of the octets; the pages of a file are the kernel's.
    pub(super) fn heap_bytes(&self) -> usize {
        octets(self.octets.len())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read as _, Seek as _};

    use super::*;

    fn content(length: usize) -> Content {
        Content::from(Bytes::from_iter((0..length).map(|at| u8::try_from(at % 251).unwrap())))
    }

    #[test]
    fn a_large_body_wants_a_file_when_it_is_sent_again_and_long_after() {
        let (small, large) = (content(LEAST_IN_FILE - 1), content(LEAST_IN_FILE));
        let asks = |content: &Content| (0..300).filter(|_| content.wants_file()).count();
        assert_eq!(asks(&small), 0);
        assert!(!large.wants_file());
        assert!(large.wants_file());
        assert_eq!(asks(&large), 1);
        let directory = tempfile::tempdir().unwrap();
        large.put_into(&BodyFiles::new(directory.path(), 1).unwrap()).unwrap();
        assert_eq!(asks(&large), 0);
    }

    #[test]
    fn a_file_has_the_octets_and_no_name_and_goes_with_the_last_who_holds_it() {
        let directory = tempfile::tempdir().unwrap();
        let files = BodyFiles::new(directory.path(), 1).unwrap();
        let (first, second) = (content(100_000), content(50_000));
        first.put_into(&files).unwrap();
        second.put_into(&files).unwrap();
        assert!(second.file().is_none(), "beyond the bound");
        assert_eq!((files.open(), fs::read_dir(directory.path()).unwrap().count()), (1, 0));

        let sending = Arc::clone(first.clone().file().unwrap());
        drop(first);
        assert_eq!(files.open(), 1);
        let mut read = Vec::new();
        let mut file = &sending.file;
        file.rewind().unwrap();
        file.read_to_end(&mut read).unwrap();
        assert_eq!(read, *content(100_000).octets());
        drop(sending);
        assert_eq!(files.open(), 0);
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error_at_once() {
        let directory = tempfile::tempdir().unwrap();
        assert!(BodyFiles::new(&directory.path().join("none"), 1).is_err());
    }
}
