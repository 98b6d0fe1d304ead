//! A store of either kind, and what tests do with one.

use std::path::PathBuf;

use blob_store::{
    Backend, BlobStore, LocalConfig, ObjectKey, ObjectStream, PartialState, PartialWriter, S3Config,
    StorageConfig,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use tempfile::TempDir;
use uuid::Uuid;

use crate::s3_server::{BUCKET, KEY_ID, S3Server, SECRET};

/// The smallest part that S3 takes.
pub(crate) const PART: usize = 5 * 1024 * 1024;
const CHUNK: usize = 256 * 1024;

pub(crate) struct Bench {
    pub(crate) store: BlobStore,
    pub(crate) config: StorageConfig,
    pub(crate) server: Option<S3Server>,
    folder: TempDir,
}

impl Bench {
    pub(crate) async fn local() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let local = LocalConfig { root: folder.path().join("root"), ..LocalConfig::default() };
        let config = StorageConfig { local, ..StorageConfig::default() };
        Self { store: BlobStore::open(&config).await.unwrap(), config, server: None, folder }
    }

    pub(crate) async fn s3() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let server = S3Server::start(&root).await;
        let s3 = S3Config {
            endpoint: Some(server.url.clone()),
            bucket: BUCKET.to_owned(),
            access_key_id: KEY_ID.into(),
            secret_access_key: SECRET.into(),
            allow_http: true,
            part_bytes: PART as u64,
            spool: folder.path().join("spool"),
            parts_in_memory: 2,
            ..S3Config::default()
        };
        let config = StorageConfig { backend: Backend::S3, s3, ..StorageConfig::default() };
        Self { store: BlobStore::open(&config).await.unwrap(), config, server: Some(server), folder }
    }

    /// What another process has: a store of its own on the same storage.
    pub(crate) async fn another(&self) -> BlobStore {
        BlobStore::open(&self.config).await.unwrap()
    }

    pub(crate) fn is_local(&self) -> bool {
        self.server.is_none()
    }

    /// An empty folder.
    pub(crate) fn scratch(&self) -> PathBuf {
        let scratch = self.folder.path().join("scratch");
        std::fs::create_dir_all(&scratch).unwrap();
        scratch
    }

    /// Where the storage keeps its files, whichever it is.
    pub(crate) fn root(&self) -> PathBuf {
        let root = self.folder.path().join("root");
        if self.is_local() { root } else { root.join(BUCKET) }
    }

    /// The files of an unfinished upload, as the storage has them, sorted.
    pub(crate) fn segments(&self, upload: Uuid) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.root().join("partial").join(upload.to_string())) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// Multipart uploads that the server still keeps.
    pub(crate) fn multiparts(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path().join("root")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".upload")).count()
    }

    /// An object's bytes; `None` when there is none.
    pub(crate) async fn content(&self, key: &ObjectKey) -> Option<Vec<u8>> {
        self.store.stat(key).await.unwrap()?;
        Some(read(self.store.read(key, None).await.unwrap()).await)
    }

    pub(crate) async fn partial(&self, upload: Uuid, state: &PartialState) -> Vec<u8> {
        read(self.store.read_partial(upload, state).await.unwrap()).await
    }

    /// The uploads that are listed.
    pub(crate) async fn listed(&self) -> Vec<Uuid> {
        let mut uploads: Vec<Uuid> =
            self.store.partials().map_ok(|partial| partial.upload).try_collect().await.unwrap();
        uploads.sort();
        uploads
    }

    /// Writes an upload and closes it.
    pub(crate) async fn upload(&self, upload: Uuid, epoch: i64, content: &Bytes) -> PartialState {
        let mut writer = self.store.begin(upload, epoch).await.unwrap();
        write(&mut writer, content).await;
        stored(writer.close().await.unwrap())
    }
}

pub(crate) async fn read(mut stream: ObjectStream) -> Vec<u8> {
    let mut content = Vec::new();
    let promised = stream.bytes();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.unwrap();
        assert!(chunk.len() <= CHUNK, "a chunk of {}", chunk.len());
        content.extend_from_slice(&chunk);
    }
    assert_eq!(content.len() as u64, promised);
    content
}

pub(crate) async fn write(writer: &mut PartialWriter, content: &Bytes) {
    let mut left = content.clone();
    while !left.is_empty() {
        let chunk = left.split_to(left.len().min(CHUNK));
        writer.write(chunk).await.unwrap();
    }
}

/// How many bytes of the test's content a state has.
pub(crate) fn durable(state: &PartialState) -> usize {
    usize::try_from(state.offset()).unwrap()
}

/// The state as it comes back from a database.
pub(crate) fn stored(state: PartialState) -> PartialState {
    serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap()
}

pub(crate) fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).unwrap()
}

/// Bytes that look random and differ with the seed.
pub(crate) fn content(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    Bytes::from(bytes)
}

/// The first part that differs, not megabytes of it.
pub(crate) fn assert_same(found: &[u8], expected: &[u8]) {
    assert_eq!(found.len(), expected.len(), "the lengths differ");
    let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
    assert_eq!(differs, None, "the first byte that differs");
}

pub(crate) fn joined(pieces: &[&Bytes]) -> Bytes {
    pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
}
