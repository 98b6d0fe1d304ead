//! The store: one set of promises over two backends.

use std::ops::Range;
use std::path::Path;

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, Stream};
use uuid::Uuid;

use crate::config::{Backend, StorageConfig};
use crate::error::StorageError;
use crate::key::ObjectKey;
use crate::local::{self, LocalStore};
use crate::meta::{Fetched, ObjectMeta, PartialMeta, Source};
use crate::s3::{self, S3Store};
use crate::state::PartialState;
use crate::stream::ObjectStream;
use crate::writer::PartialWriter;

/// Where large objects lie; clones share it.
#[derive(Clone, Debug)]
pub struct BlobStore(Inner);

#[derive(Clone, Debug)]
enum Inner {
    Local(LocalStore),
    S3(S3Store),
}

impl BlobStore {
    /// Makes the folders that are missing, for this user alone. S3 is not spoken to before it is needed.
    ///
    /// # Errors
    /// [`StorageError::Config`] with all faults of the settings; what the disk reports.
    pub async fn open(config: &StorageConfig) -> Result<Self, StorageError> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(StorageError::Config(faults.join("; ")));
        }
        Ok(Self(match config.backend {
            Backend::Local => Inner::Local(LocalStore::open(&config.local).await?),
            Backend::S3 => Inner::S3(S3Store::open(&config.s3).await?),
        }))
    }

    /// Whether it works now, for readiness: writes a byte to disk, or asks S3 for a listing of one.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        match &self.0 {
            Inner::Local(store) => store.ping().await,
            Inner::S3(store) => store.ping().await,
        }
    }

    /// `local` or `s3`.
    pub fn backend(&self) -> &'static str {
        match &self.0 {
            Inner::Local(_) => Backend::Local.as_str(),
            Inner::S3(_) => Backend::S3.as_str(),
        }
    }

    /// Begins an upload. `epoch` counts up whenever somebody else takes it over. Begun twice, it begins from nothing twice.
    ///
    /// # Errors
    /// What the disk reports; S3 is not asked.
    pub async fn begin(&self, upload: Uuid, epoch: i64) -> Result<PartialWriter, StorageError> {
        match &self.0 {
            Inner::Local(store) => store.begin(upload, epoch).await.map(PartialWriter::local),
            Inner::S3(store) => store.begin(upload, epoch).await.map(PartialWriter::s3),
        }
    }

    /// Goes on from `state`: what was written beyond it is forgotten.
    ///
    /// Whatever writers before are still alive, of an older epoch or of this one, cannot change what this one writes.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when it was completed or discarded meanwhile, [`StorageError::Corrupt`] when less is
    /// stored than the state says.
    pub async fn resume(
        &self,
        upload: Uuid,
        epoch: i64,
        state: &PartialState,
    ) -> Result<PartialWriter, StorageError> {
        match &self.0 {
            Inner::Local(store) => store.resume(upload, epoch, state).await.map(PartialWriter::local),
            Inner::S3(store) => Box::pin(store.resume(upload, epoch, state)).await.map(PartialWriter::s3),
        }
    }

    /// The bytes from 0 to the state's offset, to compute a digest anew.
    ///
    /// # Errors
    /// As [`BlobStore::resume`]; on S3 from the stream and not from this call.
    pub async fn read_partial(
        &self,
        upload: Uuid,
        state: &PartialState,
    ) -> Result<ObjectStream, StorageError> {
        match &self.0 {
            Inner::Local(store) => store.read_partial(upload, state).await,
            Inner::S3(store) => store.read_partial(upload, state),
        }
    }

    /// Makes the upload the object `key`, replacing what is there. When this returns, the object is durable and visible and
    /// has exactly the length `state.offset()`; before, nothing of it is visible.
    ///
    /// After a crash in the middle it is called again with the same arguments. That it was through is seen from an object
    /// of the right length where the upload's segments are gone: a key must belong to one upload.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is neither the upload nor such an object, [`StorageError::Corrupt`] when less
    /// is stored than the state says; nothing is visible then.
    pub async fn complete(
        &self,
        upload: Uuid,
        state: &PartialState,
        key: &ObjectKey,
    ) -> Result<ObjectMeta, StorageError> {
        match &self.0 {
            Inner::Local(store) => store.complete(upload, state, key).await,
            Inner::S3(store) => Box::pin(store.complete(upload, state, key)).await,
        }
    }

    /// Joins finished uploads, in their order, into the new one `upload`, in constant memory. The parts stay.
    ///
    /// # Errors
    /// As [`BlobStore::resume`], of any of the parts.
    pub async fn concatenate(
        &self,
        parts: &[(Uuid, PartialState)],
        upload: Uuid,
        epoch: i64,
    ) -> Result<PartialState, StorageError> {
        let mut writer = self.begin(upload, epoch).await?;
        for (part, state) in parts {
            let mut content = self.read_partial(*part, state).await?;
            while let Some(chunk) = content.next().await {
                writer.write(chunk?).await?;
            }
        }
        Box::pin(writer.close()).await
    }

    /// Removes everything of an unfinished upload, also what no state names. Nothing is there: fine.
    ///
    /// # Errors
    /// What the storage reports; call it again.
    pub async fn discard(&self, upload: Uuid, _state: Option<&PartialState>) -> Result<(), StorageError> {
        match &self.0 {
            Inner::Local(store) => store.discard(upload).await,
            Inner::S3(store) => Box::pin(store.discard(upload)).await,
        }
    }

    /// Stores an object, replacing what is there. Durable when this returns; visible as a whole or not at all.
    ///
    /// # Errors
    /// What the storage reports, or the source file; nothing is changed then.
    pub async fn put(&self, key: &ObjectKey, source: Source) -> Result<ObjectMeta, StorageError> {
        match &self.0 {
            Inner::Local(store) => store.put(key, source).await,
            Inner::S3(store) => Box::pin(store.put(key, source)).await,
        }
    }

    /// What is known of an object; `None` when there is none.
    ///
    /// # Errors
    /// What the storage reports.
    pub async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StorageError> {
        match &self.0 {
            Inner::Local(store) => store.stat(key).await,
            Inner::S3(store) => store.stat(key).await,
        }
    }

    /// An object's bytes, or the part of `range` that it has, which may be nothing.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is none; what the storage reports.
    pub async fn read(
        &self,
        key: &ObjectKey,
        range: Option<Range<u64>>,
    ) -> Result<ObjectStream, StorageError> {
        match &self.0 {
            Inner::Local(store) => store.read(key, range).await,
            Inner::S3(store) => store.read(key, range).await,
        }
    }

    /// An object as a file for programs that want one: on disk the object itself, from S3 a copy in `scratch` that is removed
    /// with the value.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is none; what the storage or the scratch folder's disk reports.
    pub async fn fetch(&self, key: &ObjectKey, scratch: &Path) -> Result<Fetched, StorageError> {
        match &self.0 {
            Inner::Local(store) => store.fetch(key).await,
            Inner::S3(store) => store.fetch(key, scratch).await,
        }
    }

    /// Removes an object, durably. There is none: fine.
    ///
    /// # Errors
    /// What the storage reports.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        match &self.0 {
            Inner::Local(store) => store.delete(key).await,
            Inner::S3(store) => store.delete(key).await,
        }
    }

    /// Every object, in no order that is promised. What is made or deleted meanwhile may be in it or not.
    pub fn objects(&self) -> impl Stream<Item = Result<ObjectMeta, StorageError>> + Send + Unpin + use<> {
        match &self.0 {
            Inner::Local(store) => local::objects(store.layout()).boxed(),
            Inner::S3(store) => s3::objects(store).boxed(),
        }
    }

    /// Every upload that takes up room, finished ones included whose removal was cut short.
    ///
    /// On S3 a multipart upload is not seen that a crash left between its creation and the note of it in the upload's
    /// folder, or in the middle of [`BlobStore::put`] of a file larger than a part: only the bucket's lifecycle rule ends that.
    pub fn partials(&self) -> impl Stream<Item = Result<PartialMeta, StorageError>> + Send + Unpin + use<> {
        let partials: BoxStream<'static, _> = match &self.0 {
            Inner::Local(store) => local::partials(store.layout()).boxed(),
            Inner::S3(store) => s3::partials(store).boxed(),
        };
        partials
    }
}
