//! A file that is being made: there only if it was finished.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The file. Unless it is [kept](Self::keep), it is removed when this is dropped, as when a future is cancelled.
#[derive(Debug)]
pub(crate) struct Unfinished {
    path: PathBuf,
    kept: bool,
}

impl Unfinished {
    /// Makes it, empty, so that the sandbox can allow this file and nothing beside it. What was there is overwritten.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        Ok(Self { path: path.canonicalize()?, kept: false })
    }

    /// Absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.path.metadata().is_ok_and(|metadata| metadata.len() == 0)
    }

    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.kept {
            // Whoever cleans the directory finds it otherwise.
            let _left_behind = fs::remove_file(&self.path);
        }
    }
}

/// A directory that is being filled. Unless it is kept, it is emptied when this is dropped.
#[derive(Debug)]
pub(crate) struct Filling {
    path: PathBuf,
    kept: bool,
}

impl Filling {
    /// Takes an empty directory.
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        if fs::read_dir(&path)?.next().is_some() {
            return Err(io::Error::new(io::ErrorKind::DirectoryNotEmpty, "the directory is not empty"));
        }
        Ok(Self { path, kept: false })
    }

    /// Absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All files in it and below, relative to it, in order.
    pub(crate) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if let Ok(relative) = entry.path().strip_prefix(&self.path) {
                    files.push(relative.to_owned());
                }
            }
        }
        files.sort();
        Ok(files)
    }

    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        for entry in entries.filter(|_| !self.kept) {
            let path = entry.path();
            let _left_behind = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let unfinished = Unfinished::create(&path).unwrap();
        assert!(unfinished.is_empty() && path.exists());
        drop(unfinished);
        assert!(!path.exists());
        Unfinished::create(&path).unwrap().keep();
        assert!(path.exists());
    }

    #[test]
    fn a_directory_is_taken_empty_and_left_empty() {
        let directory = tempfile::tempdir().unwrap();
        let filling = Filling::begin(directory.path()).unwrap();
        fs::create_dir(directory.path().join("a")).unwrap();
        fs::write(directory.path().join("a/2"), "").unwrap();
        fs::write(directory.path().join("1"), "").unwrap();
        assert_eq!(filling.files().unwrap(), [PathBuf::from("1"), PathBuf::from("a/2")]);
        assert!(Filling::begin(directory.path()).is_err());
        drop(filling);
        Filling::begin(directory.path()).unwrap();
    }
}
