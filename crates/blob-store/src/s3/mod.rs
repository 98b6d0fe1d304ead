//! Objects in a bucket.
//!
//! ```text
//! object/<key>                              an object
//! partial/<upload>/<epoch>-<start>-<nonce>  a segment of an unfinished upload: a whole part, or its tail
//! partial/<upload>/assembling               the multipart upload that joins the segments, while it runs
//! ```
//!
//! The segments of an upload are objects and not the parts of one long multipart upload. So they can be read again, listed
//! and deleted; no writer can replace what another wrote, since a part's number is shared and an object's name is not; and
//! the key need not be known before the end. Only to complete, a multipart upload is made under the key and the server told
//! to copy each segment into it: no byte comes back here.

mod assemble;
mod calls;
mod complete;
mod list;
mod memory;
mod writer;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::PutPayload;
use object_store::aws::AmazonS3;
use object_store::client::HttpClient;
use object_store::path::Path as S3Path;
use uuid::Uuid;

use crate::blocking::blocking;
use crate::config::{Backend, S3Config};
use crate::error::StorageError;
use crate::key::ObjectKey;
use crate::meta::{Fetched, ObjectMeta, Source};
use crate::state::{PartialState, Segment};
use crate::stream::{ObjectStream, clip};

use memory::Memory;

pub(crate) use list::{objects, partials};
pub(crate) use writer::S3Writer;

/// The S3 backend; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct S3Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: AmazonS3,
    /// For the one call that the client lacks.
    http: HttpClient,
    bucket: String,
    part_bytes: u64,
    spool: PathBuf,
    memory: Memory,
}

fn object_path(key: &ObjectKey) -> S3Path {
    S3Path::from(format!("{OBJECTS}/{key}"))
}

fn partial_path(upload: Uuid, name: &str) -> S3Path {
    S3Path::from(format!("{PARTIALS}/{upload}/{name}"))
}

const OBJECTS: &str = "object";
const PARTIALS: &str = "partial";

impl S3Store {
    pub(crate) async fn open(config: &S3Config) -> Result<Self, StorageError> {
        let spool = config.spool.clone();
        blocking(move || {
            use std::os::unix::fs::DirBuilderExt as _;
            Ok(std::fs::DirBuilder::new().recursive(true).mode(0o700).create(spool)?)
        })
        .await?;
        let (client, http) = calls::clients(config)?;
        Ok(Self(Arc::new(Shared {
            client,
            http,
            bucket: config.bucket.clone(),
            part_bytes: config.part_bytes,
            spool: config.spool.clone(),
            memory: Memory::new(config.parts_in_memory),
        })))
    }

    pub(crate) async fn ping(&self) -> Result<(), StorageError> {
        self.list_one().await
    }

    pub(crate) async fn begin(&self, upload: Uuid, epoch: i64) -> Result<S3Writer, StorageError> {
        S3Writer::begin(self.clone(), upload, epoch).await
    }

    pub(crate) async fn resume(
        &self,
        upload: Uuid,
        epoch: i64,
        state: &PartialState,
    ) -> Result<S3Writer, StorageError> {
        state.check(Backend::S3)?;
        S3Writer::resume(self.clone(), upload, epoch, state).await
    }

    pub(crate) fn read_partial(
        &self,
        upload: Uuid,
        state: &PartialState,
    ) -> Result<ObjectStream, StorageError> {
        use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
        state.check(Backend::S3)?;
        let segments: Vec<Segment> = state.filled().cloned().collect();
        let store = self.clone();
        let chunks = stream::iter(segments).then(move |segment| {
            let store = store.clone();
            async move { store.read_segment(upload, &segment).await }
        });
        Ok(ObjectStream::new(state.offset(), chunks.try_flatten()))
    }

    async fn read_segment(&self, upload: Uuid, segment: &Segment) -> Result<ObjectStream, StorageError> {
        self.get(&partial_path(upload, &segment.name()), 0..segment.bytes).await
    }

    pub(crate) async fn complete(
        &self,
        upload: Uuid,
        state: &PartialState,
        key: &ObjectKey,
    ) -> Result<ObjectMeta, StorageError> {
        state.check(Backend::S3)?;
        complete::complete(self, upload, state, key).await
    }

    pub(crate) async fn discard(&self, upload: Uuid) -> Result<(), StorageError> {
        complete::discard(self, upload).await
    }

    pub(crate) async fn put(&self, key: &ObjectKey, source: Source) -> Result<ObjectMeta, StorageError> {
        let path = object_path(key);
        let bytes = match source {
            Source::Bytes(bytes) => {
                let len = bytes.len() as u64;
                self.put_object(&path, PutPayload::from_bytes(bytes)).await?;
                len
            }
            Source::File(file) => assemble::put_file(self, &path, file).await?,
        };
        self.confirm(key, bytes).await
    }

    pub(crate) async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectMeta>, StorageError> {
        let found = self.head(&object_path(key)).await?;
        Ok(found.map(|(bytes, modified)| ObjectMeta { key: key.clone(), bytes, modified }))
    }

    /// The object as it is now, which must have the length that was acknowledged (U-C1).
    async fn confirm(&self, key: &ObjectKey, bytes: u64) -> Result<ObjectMeta, StorageError> {
        match self.stat(key).await? {
            Some(object) if object.bytes == bytes => Ok(object),
            Some(object) => {
                Err(StorageError::corrupt(format!("{key} has {} of {bytes} bytes", object.bytes)))
            }
            None => Err(StorageError::corrupt(format!("{key} is missing after it was made"))),
        }
    }

    pub(crate) async fn read(
        &self,
        key: &ObjectKey,
        range: Option<Range<u64>>,
    ) -> Result<ObjectStream, StorageError> {
        let object = self.stat(key).await?.ok_or_else(|| StorageError::NotFound(key.to_string()))?;
        let range = clip(range, object.bytes);
        if range.is_empty() { Ok(ObjectStream::empty()) } else { self.get(&object_path(key), range).await }
    }

    /// Downloads an object to a file in `scratch`.
    pub(crate) async fn fetch(&self, key: &ObjectKey, scratch: &Path) -> Result<Fetched, StorageError> {
        use futures_util::StreamExt as _;
        let mut content = self.read(key, None).await?;
        let scratch = scratch.to_owned();
        let mut copy = blocking(move || Ok(tempfile::NamedTempFile::new_in(scratch)?)).await?;
        while let Some(chunk) = content.next().await {
            let chunk = chunk?;
            copy = blocking(move || {
                use std::io::Write as _;
                copy.write_all(&chunk)?;
                Ok(copy)
            })
            .await?;
        }
        Ok(Fetched::copy(copy.into_temp_path()))
    }

    pub(crate) async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        self.delete_object(&object_path(key)).await
    }
}
