//! From segments to an object, and from segments to nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::PutPayload;
use uuid::Uuid;

use super::calls::Multipart;
use super::{S3Store, assemble, object_path, partial_path};
use crate::error::StorageError;
use crate::key::ObjectKey;
use crate::meta::ObjectMeta;
use crate::state::{PartialState, Segment};

/// Names the multipart upload that joins the segments, so that one which a crash left can be ended: S3 keeps its bytes, and
/// shows them in no listing of objects.
const ASSEMBLING: &str = "assembling";

/// Makes the object, or finds that an earlier call which was cut short has made it. Segments are deleted only after the
/// object is there, so a missing one means that it is.
pub(super) async fn complete(
    store: &S3Store,
    upload: Uuid,
    state: &PartialState,
    key: &ObjectKey,
) -> Result<ObjectMeta, StorageError> {
    let stored = store.segments(upload).await?;
    match missing(state, &stored)? {
        Some(missing) => {
            let made = store.stat(key).await?;
            if made.is_none_or(|object| object.bytes != state.offset()) {
                return Err(StorageError::NotFound(missing));
            }
        }
        None => make(store, upload, state, key, &stored).await?,
    }
    let object = store.confirm(key, state.offset()).await?;
    if let Err(error) = discard(store, upload).await {
        // The object is there; what is left over is listed, and removed by whoever looks after leftovers.
        tracing::warn!(%upload, error = %error, "segments of a completed upload are left");
    }
    Ok(object)
}

/// The first segment that is not there at all. One that is there with another length is an error.
pub(super) fn missing(
    state: &PartialState,
    stored: &BTreeMap<String, u64>,
) -> Result<Option<String>, StorageError> {
    let mut missing = None;
    for segment in state.filled() {
        let name = segment.name();
        match stored.get(&name) {
            Some(&bytes) if bytes == segment.bytes => {}
            Some(bytes) => {
                let detail = format!("segment {name} has {bytes} of {} bytes", segment.bytes);
                return Err(StorageError::Corrupt { detail });
            }
            None => missing = missing.or(Some(name)),
        }
    }
    Ok(missing)
}

async fn make(
    store: &S3Store,
    upload: Uuid,
    state: &PartialState,
    key: &ObjectKey,
    stored: &BTreeMap<String, u64>,
) -> Result<(), StorageError> {
    let path = object_path(key);
    let pieces: Vec<&Segment> = state.filled().collect();
    match pieces.as_slice() {
        [] => store.put_object(&path, PutPayload::new()).await,
        [only] => store.copy_object(&partial_path(upload, &only.name()), &path).await,
        many => {
            if stored.contains_key(ASSEMBLING) {
                end_assembly(store, upload).await?;
            }
            let multipart = store.create_multipart(&path).await?;
            let note = serde_json::to_vec(&multipart).map_err(|error| StorageError::Io(Box::new(error)))?;
            store.put_object(&partial_path(upload, ASSEMBLING), note.into()).await?;
            let pieces = many.iter().map(|piece| partial_path(upload, &piece.name())).collect();
            assemble::join(store, &multipart, pieces).await
        }
    }
}

/// Ends the multipart upload that an earlier call left.
async fn end_assembly(store: &S3Store, upload: Uuid) -> Result<(), StorageError> {
    let path = partial_path(upload, ASSEMBLING);
    let Some((bytes, _)) = store.head(&path).await? else { return Ok(()) };
    let chunks: Vec<Bytes> = store.get(&path, 0..bytes).await?.try_collect().await?;
    let multipart: Multipart = serde_json::from_slice(&chunks.concat())
        .map_err(|error| StorageError::corrupt(format!("{path} cannot be read: {error}")))?;
    match store.abort_multipart(&multipart).await {
        // Some servers call one that has ended forbidden.
        Ok(()) | Err(StorageError::Denied(_)) => store.delete_object(&path).await,
        Err(other) => Err(other),
    }
}

/// Deletes everything of an upload; the note of its assembly first, while it can still be read.
pub(super) async fn discard(store: &S3Store, upload: Uuid) -> Result<(), StorageError> {
    let stored = store.segments(upload).await?;
    if stored.contains_key(ASSEMBLING) {
        end_assembly(store, upload).await?;
    }
    for name in stored.keys().filter(|name| name.as_str() != ASSEMBLING) {
        store.delete_object(&partial_path(upload, name)).await?;
    }
    Ok(())
}
