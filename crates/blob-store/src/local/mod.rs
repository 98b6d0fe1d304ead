//! Objects as files.
//!
//! ```text
//! <root>/object/<key>                              an object, whole
//! <root>/partial/<upload>/<epoch>-<start>-<nonce>  a segment of an unfinished upload
//! <root>/temporary/…                               what is being made, of no account after a crash
//! ```

mod complete;
mod durable;
mod list;
mod read;
mod writer;

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;
use uuid::Uuid;

use crate::blocking::blocking;
use crate::config::{Backend, LocalConfig};
use crate::error::StorageError;
use crate::key::ObjectKey;
use crate::meta::{Fetched, ObjectMeta, Source};
use crate::state::PartialState;
use crate::stream::{ObjectStream, clip};

pub(crate) use list::{objects, partials};
pub(crate) use writer::LocalWriter;

/// The local backend; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct LocalStore {
    layout: Layout,
    write_back_bytes: u64,
}

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: Arc<Path>,
}

impl Layout {
    pub(crate) fn objects(&self) -> PathBuf {
        self.root.join("object")
    }

    pub(crate) fn partials(&self) -> PathBuf {
        self.root.join("partial")
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("temporary")
    }

    fn object(&self, key: &ObjectKey) -> PathBuf {
        self.objects().join(key.as_str())
    }

    fn partial(&self, upload: Uuid) -> PathBuf {
        self.partials().join(upload.as_hyphenated().to_string())
    }

    /// A file to make an object in; gone when it is dropped before it was placed.
    fn temporary_file(&self) -> Result<NamedTempFile, StorageError> {
        Ok(NamedTempFile::new_in(self.temporary())?)
    }
}

impl LocalStore {
    pub(crate) async fn open(config: &LocalConfig) -> Result<Self, StorageError> {
        let layout = Layout { root: Arc::from(config.root.as_path()) };
        let store = Self { layout: layout.clone(), write_back_bytes: config.write_back_bytes };
        blocking(move || {
            for folder in [layout.objects(), layout.partials(), layout.temporary()] {
                durable::make_folder(&folder)?;
            }
            durable::sync_folder(&layout.root)?;
            list::sweep(&layout.temporary());
            Ok(store)
        })
        .await
    }

    /// Whether something could be written now.
    pub(crate) async fn ping(&self) -> Result<(), StorageError> {
        let layout = self.layout.clone();
        blocking(move || Ok(layout.temporary_file()?.write_all(b"ping")?)).await
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) async fn begin(&self, upload: Uuid, epoch: i64) -> Result<LocalWriter, StorageError> {
        LocalWriter::begin(self.layout.clone(), self.write_back_bytes, upload, epoch).await
    }

    pub(crate) async fn resume(
        &self,
        upload: Uuid,
        epoch: i64,
        state: &PartialState,
    ) -> Result<LocalWriter, StorageError> {
        state.check(Backend::Local)?;
        LocalWriter::resume(self.layout.clone(), self.write_back_bytes, upload, epoch, state.clone()).await
    }

    pub(crate) async fn read_partial(
        &self,
        upload: Uuid,
        state: &PartialState,
    ) -> Result<ObjectStream, StorageError> {
        state.check(Backend::Local)?;
        let (layout, state) = (self.layout.clone(), state.clone());
        blocking(move || {
            let segments = complete::open_segments(&layout, upload, &state)?;
            let pieces = segments.into_iter().map(|(file, bytes)| (file, 0..bytes)).collect();
            Ok(read::stream(pieces))
        })
        .await
    }

    pub(crate) async fn complete(
        &self,
        upload: Uuid,
        state: &PartialState,
        key: &ObjectKey,
    ) -> Result<ObjectMeta, StorageError> {
        state.check(Backend::Local)?;
        let (layout, state, key) = (self.layout.clone(), state.clone(), key.clone());
        blocking(move || complete::complete(&layout, upload, &state, &key)).await
    }

    pub(crate) async fn discard(&self, upload: Uuid) -> Result<(), StorageError> {
        let layout = self.layout.clone();
        blocking(move || durable::remove_partial(&layout, upload)).await
    }

    pub(crate) async fn put(&self, key: &ObjectKey, source: Source) -> Result<ObjectMeta, StorageError> {
        let (layout, key) = (self.layout.clone(), key.clone());
        blocking(move || {
            let mut made = layout.temporary_file()?;
            match source {
                Source::Bytes(bytes) => made.write_all(&bytes)?,
                Source::File(path) => {
                    // From file to file: the kernel copies.
                    io::copy(&mut File::open(path)?, made.as_file_mut())?;
                }
            }
            durable::place(&layout, made, &layout.object(&key))?;
            required(&layout, &key)
        })
        .await
    }

    pub(crate) async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StorageError> {
        let (layout, key) = (self.layout.clone(), key.clone());
        blocking(move || look_up(&layout, &key)).await
    }

    pub(crate) async fn read(
        &self,
        key: &ObjectKey,
        range: Option<Range<u64>>,
    ) -> Result<ObjectStream, StorageError> {
        let (layout, key) = (self.layout.clone(), key.clone());
        blocking(move || {
            let meta = required(&layout, &key)?;
            // The object may be replaced in between: the file that is open decides.
            let file = File::open(layout.object(&meta.key))?;
            let range = clip(range, file.metadata()?.len());
            Ok(read::stream(vec![(file, range)]))
        })
        .await
    }

    pub(crate) async fn fetch(&self, key: &ObjectKey) -> Result<Fetched, StorageError> {
        let (layout, key) = (self.layout.clone(), key.clone());
        blocking(move || {
            required(&layout, &key)?;
            Ok(Fetched::in_place(layout.object(&key)))
        })
        .await
    }

    pub(crate) async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        let (layout, key) = (self.layout.clone(), key.clone());
        blocking(move || match look_up(&layout, &key)? {
            Some(_) => durable::remove_object(&layout, &layout.object(&key)),
            None => Ok(()),
        })
        .await
    }
}

/// What is known of an object; a folder is none.
fn look_up(layout: &Layout, key: &ObjectKey) -> Result<Option<ObjectMeta>, StorageError> {
    match std::fs::metadata(layout.object(key)) {
        Ok(found) if found.is_file() => {
            Ok(Some(ObjectMeta { key: key.clone(), bytes: found.len(), modified: found.modified()? }))
        }
        Ok(_) => Ok(None),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn required(layout: &Layout, key: &ObjectKey) -> Result<ObjectMeta, StorageError> {
    look_up(layout, key)?.ok_or_else(|| StorageError::NotFound(key.to_string()))
}
