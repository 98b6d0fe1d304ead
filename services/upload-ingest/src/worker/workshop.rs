//! What stages work with: the store, ffmpeg, and a budget of pixels that all stages of the process share.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256, digest};
use blob_store::{BlobStore, Fetched, ObjectKey, Source, StorageError};
use bytes::Bytes;
use ffmpeg::Ffmpeg;
use image_variants::{DecodeAdmission, Header, Limits, Picture, inspect};
use uuid::Uuid;

use super::error::StageError;
use super::meters::Meters;
use crate::config::ProcessingConfig;
use crate::domain::layout;
use crate::store::to_db;

/// What is read from a file at once, to take its digest.
const CHUNK: usize = 256 * 1024;

/// What stages work with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Workshop {
    /// Where originals lie and results go.
    pub(crate) blobs: BlobStore,
    /// Videos, and what only ffmpeg encodes.
    pub(crate) ffmpeg: Ffmpeg,
    /// Megapixels that are decoded at once, over all stages.
    pub(crate) admission: DecodeAdmission,
    /// What pictures are decoded at all.
    pub(crate) limits: Limits,
    /// The settings.
    pub(crate) config: Arc<ProcessingConfig>,
    /// What is counted.
    pub(crate) meters: Meters,
}

/// The keys of what an attempt puts, also of one that is dropped in the middle.
#[derive(Debug, Default)]
pub(crate) struct PutLog(Mutex<Vec<ObjectKey>>);

impl PutLog {
    fn note(&self, key: &ObjectKey) {
        // A list is whole at every step, so poison is ignored.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(key.clone());
    }

    /// All of them so far.
    pub(crate) fn keys(&self) -> Vec<ObjectKey> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An object that was put into the store, as its row will have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its key.
    pub(crate) key: String,
    /// Its length.
    pub(crate) bytes: i64,
    /// Its digest.
    pub(crate) sha256: Vec<u8>,
}

/// Length and digest of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Its length.
    pub(crate) bytes: u64,
    /// SHA-256 of its content.
    pub(crate) sha256: Vec<u8>,
}

impl Workshop {
    /// The original of an asset as a file: the object itself where it is on disk, else a copy in `scratch`.
    ///
    /// # Errors
    /// Of the store; [`StageError::OriginalMissing`] when it is not there.
    pub(crate) async fn original(&self, asset_id: Uuid, scratch: &Path) -> Result<Fetched, StageError> {
        let key = object_key(layout::original_key(asset_id))?;
        self.blobs.fetch(&key, scratch).await.map_err(|error| match error {
            missing @ StorageError::NotFound(_) => StageError::OriginalMissing(missing),
            other => other.into(),
        })
    }

    /// What the header of a picture says, if it may be decoded.
    ///
    /// # Errors
    /// When it is no picture, or has more pixels than are taken.
    pub(crate) async fn header(&self, path: PathBuf) -> Result<Header, StageError> {
        let limits = self.limits;
        blocking(move || {
            let header = inspect(BufReader::new(File::open(path)?))?;
            limits.check(&header)?;
            Ok(header)
        })
        .await
    }

    /// Decodes a picture once there is room for its pixels.
    ///
    /// # Errors
    /// When it cannot be decoded, or has more pixels than are taken.
    pub(crate) async fn decode(&self, path: PathBuf) -> Result<Picture, StageError> {
        let header = self.header(path.clone()).await?;
        let admitted = self.admission.admit(&header).await?;
        let counted = self.meters.decoding(admitted.pixels());
        let limits = self.limits;
        // Leave goes with the work: a thread cannot be broken off, and holds its memory until it is through.
        blocking(move || {
            let picture = Picture::decode(BufReader::new(File::open(path)?), &limits)?;
            drop((admitted, counted));
            Ok(picture)
        })
        .await
    }

    /// Puts what is in memory under the key that `key_of` makes of its digest.
    ///
    /// # Errors
    /// Of the store.
    pub(crate) async fn put_bytes(
        &self,
        log: &PutLog,
        bytes: Vec<u8>,
        key_of: impl FnOnce(&str) -> String,
    ) -> Result<Stored, StageError> {
        let sha256 = digest(&SHA256, &bytes).as_ref().to_vec();
        let length = bytes.len() as u64;
        let key = object_key(key_of(&layout::short_digest(&sha256)))?;
        log.note(&key);
        self.blobs.put(&key, Source::Bytes(Bytes::from(bytes))).await?;
        Ok(Stored { key: key.into(), bytes: to_db(length), sha256 })
    }

    /// Puts a file that was measured under this key.
    ///
    /// # Errors
    /// Of the store.
    pub(crate) async fn put_file(
        &self,
        log: &PutLog,
        path: PathBuf,
        measured: Measured,
        key: String,
    ) -> Result<Stored, StageError> {
        let key = object_key(key)?;
        log.note(&key);
        self.blobs.put(&key, Source::File(path)).await?;
        Ok(Stored { key: key.into(), bytes: to_db(measured.bytes), sha256: measured.sha256 })
    }
}

/// Length and digest of a file, read piece by piece.
///
/// # Errors
/// Of the file system.
pub(crate) async fn measure(path: PathBuf) -> Result<Measured, StageError> {
    blocking(move || {
        let mut file = File::open(path)?;
        let mut context = Context::new(&SHA256);
        let mut chunk = vec![0; CHUNK];
        let mut bytes = 0_u64;
        loop {
            let read = file.read(&mut chunk)?;
            let Some(part) = chunk.get(..read).filter(|part| !part.is_empty()) else { break };
            context.update(part);
            bytes += part.len() as u64;
        }
        Ok(Measured { bytes, sha256: context.finish().as_ref().to_vec() })
    })
    .await
}

/// Runs work that blocks, on the disk or on the processor, in the span of whoever asks for it.
///
/// # Errors
/// What it returns, or [`StageError::Broken`].
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StageError> + Send + 'static,
) -> Result<T, StageError> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await?
}

fn object_key(key: String) -> Result<ObjectKey, StageError> {
    ObjectKey::new(key).map_err(|_| StageError::Defect("a key of ours is none of the store's"))
}
