//! Making one large object of many pieces.

use std::fs::File;
use std::path::PathBuf;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::PutPayload;
use object_store::multipart::PartId;
use object_store::path::Path as S3Path;

use super::S3Store;
use super::calls::Multipart;
use crate::blocking::blocking;
use crate::error::StorageError;

/// How many copies the server is asked for at once.
const COPIES: usize = 8;

/// Has the server join objects into one. Each but the last has at least 5 MiB.
pub(super) async fn join(
    store: &S3Store,
    multipart: &Multipart,
    pieces: Vec<S3Path>,
) -> Result<(), StorageError> {
    let parts: Vec<PartId> = stream::iter(pieces.into_iter().enumerate())
        .map(|(index, piece)| async move { store.copy_part(multipart, index, &piece).await })
        .buffered(COPIES)
        .try_collect()
        .await?;
    store.complete_multipart(multipart, parts).await
}

/// Sends a file and returns its length: in one call when it is no larger than a part, else part by part.
pub(super) async fn put_file(store: &S3Store, path: &S3Path, file: PathBuf) -> Result<u64, StorageError> {
    let (file, bytes) = blocking(move || {
        let file = File::open(file)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    })
    .await?;
    if bytes <= store.0.part_bytes {
        let (content, _) = store.0.memory.room().await?.read(file, 0, bytes).await?;
        store.put_object(path, PutPayload::from_bytes(content)).await?;
        return Ok(bytes);
    }
    let multipart = store.create_multipart(path).await?;
    match put_parts(store, &multipart, file, bytes).await {
        Ok(()) => Ok(bytes),
        Err(error) => {
            if let Err(left) = store.abort_multipart(&multipart).await {
                tracing::warn!(path = %multipart.path, error = %left, "a multipart upload is left");
            }
            Err(error)
        }
    }
}

async fn put_parts(
    store: &S3Store,
    multipart: &Multipart,
    mut file: File,
    bytes: u64,
) -> Result<(), StorageError> {
    let mut parts = Vec::new();
    let mut offset = 0;
    while offset < bytes {
        let len = store.0.part_bytes.min(bytes.saturating_sub(offset));
        let content;
        (content, file) = store.0.memory.room().await?.read(file, offset, len).await?;
        parts.push(store.put_part(multipart, parts.len(), PutPayload::from_bytes(content)).await?);
        offset = offset.saturating_add(len);
    }
    store.complete_multipart(multipart, parts).await
}
