//! What is known of objects and unfinished uploads, and how content goes in and out as files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use tempfile::TempPath;
use uuid::Uuid;

use crate::key::ObjectKey;

/// An object that is there, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Its name.
    pub key: ObjectKey,
    /// Its length.
    pub bytes: u64,
    /// When it was made, by the storage's clock.
    pub modified: SystemTime,
}

/// An upload that was begun and neither completed nor discarded, or whose removal was cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialMeta {
    /// Whose it is.
    pub upload: Uuid,
    /// How much room it takes. That may be more than its offset: writers that were taken over leave bytes that nobody reads.
    pub bytes: u64,
    /// When something of it was last written, by the storage's clock.
    pub modified: SystemTime,
}

/// Where the content of a new object comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Memory; for what is small.
    Bytes(Bytes),
    /// A file, which stays where it is and must not change meanwhile.
    File(PathBuf),
}

/// An object as a file, for programs that want a path. Only to be read.
#[derive(Debug)]
pub struct Fetched {
    path: PathBuf,
    /// Removes a downloaded copy when dropped.
    copy: Option<TempPath>,
}

impl Fetched {
    pub(crate) fn in_place(path: PathBuf) -> Self {
        Self { path, copy: None }
    }

    pub(crate) fn copy(copy: TempPath) -> Self {
        Self { path: copy.to_path_buf(), copy: Some(copy) }
    }

    /// Where the content is, as long as this value lives.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is the object's own file and no copy of it.
    pub fn is_in_place(&self) -> bool {
        self.copy.is_none()
    }
}
