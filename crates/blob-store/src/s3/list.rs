//! What is there.

use std::collections::BTreeMap;

use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path as S3Path;
use object_store::{ObjectMeta as Listed, ObjectStore as _};
use uuid::Uuid;

use super::{OBJECTS, PARTIALS, S3Store};
use crate::error::StorageError;
use crate::key::ObjectKey;
use crate::meta::{ObjectMeta, PartialMeta};

impl S3Store {
    fn list(&self, folder: &str) -> impl Stream<Item = Result<Listed, StorageError>> + use<> {
        self.0.client.list(Some(&S3Path::from(folder))).map(|listed| listed.map_err(StorageError::from))
    }

    /// Name and length of everything that is there of an upload.
    pub(super) async fn segments(&self, upload: Uuid) -> Result<BTreeMap<String, u64>, StorageError> {
        let folder = format!("{PARTIALS}/{upload}");
        let name = |listed: Listed| {
            let name = listed.location.filename().unwrap_or_default().to_owned();
            std::future::ready(Ok((name, listed.size)))
        };
        self.list(&folder).and_then(name).try_collect().await
    }
}

/// Every object, in the order of their keys.
pub(crate) fn objects(store: &S3Store) -> impl Stream<Item = Result<ObjectMeta, StorageError>> + use<> {
    store.list(OBJECTS).try_filter_map(|listed| {
        let text = listed.location.as_ref().strip_prefix("object/");
        let key = text.and_then(|text| ObjectKey::new(text).ok());
        if key.is_none() {
            tracing::warn!(path = %listed.location, "this is no object of ours");
        }
        let object =
            key.map(|key| ObjectMeta { key, bytes: listed.size, modified: listed.last_modified.into() });
        std::future::ready(Ok(object))
    })
}

/// Every upload of which something is there. Holds an entry for each in memory.
pub(crate) fn partials(store: &S3Store) -> impl Stream<Item = Result<PartialMeta, StorageError>> + use<> {
    let store = store.clone();
    stream::once(async move {
        let uploads = store.list(PARTIALS).try_fold(BTreeMap::new(), |mut uploads, listed| {
            add(&mut uploads, &listed);
            std::future::ready(Ok(uploads))
        });
        Ok::<_, StorageError>(stream::iter(uploads.await?.into_values().map(Ok)))
    })
    .try_flatten()
}

fn add(uploads: &mut BTreeMap<Uuid, PartialMeta>, listed: &Listed) {
    let owner = listed.location.as_ref().split('/').nth(1).and_then(|name| Uuid::try_parse(name).ok());
    let Some(upload) = owner else {
        tracing::warn!(path = %listed.location, "this is no upload of ours");
        return;
    };
    let modified = listed.last_modified.into();
    let partial = uploads.entry(upload).or_insert(PartialMeta { upload, bytes: 0, modified });
    partial.bytes = partial.bytes.saturating_add(listed.size);
    partial.modified = partial.modified.max(modified);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_as_young_as_its_newest_part() {
        let upload = Uuid::from_u128(7);
        let mut uploads = BTreeMap::new();
        for (part, secs) in [(0, 100), (1, 900), (2, 500)] {
            let listed = Listed {
                location: S3Path::from(format!("{PARTIALS}/{upload}/{part}")),
                last_modified: std::time::SystemTime::UNIX_EPOCH
                    .checked_add(std::time::Duration::from_secs(secs))
                    .unwrap()
                    .into(),
                size: 10,
                e_tag: None,
                version: None,
            };
            add(&mut uploads, &listed);
        }
        let newest = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(900);
        assert_eq!(uploads[&upload], PartialMeta { upload, bytes: 30, modified: newest });
    }
}
