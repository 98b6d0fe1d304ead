//! Storage that is full, refuses, or is not there.

use std::path::PathBuf;
use std::process::Command;

use blob_store::{BlobStore, LocalConfig, Source, StorageConfig, StorageError};
use secrecy::SecretString;
use uuid::Uuid;

use crate::bench::{Bench, assert_same, content, key};

const FULL_ROOT: &str = "BLOB_STORE_TEST_FULL_ROOT";

fn local(root: impl Into<PathBuf>) -> StorageConfig {
    StorageConfig {
        local: LocalConfig { root: root.into(), ..LocalConfig::default() },
        ..StorageConfig::default()
    }
}

#[tokio::test]
async fn a_root_that_cannot_be_written_to_is_denied() {
    // Nobody, root included, makes a folder there.
    let opened = BlobStore::open(&local("/sys/blob-store")).await;
    assert!(matches!(opened, Err(StorageError::Denied(_))), "{opened:?}");
}

#[tokio::test]
async fn settings_with_faults_open_nothing() {
    let opened = BlobStore::open(&local("")).await;
    assert!(
        matches!(&opened, Err(StorageError::Config(text)) if text == "local.root is missing"),
        "{opened:?}"
    );
}

/// Runs the test that calls this in a namespace where a disk of 3 MB is mounted, named by [`FULL_ROOT`].
fn on_a_small_disk(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=3m tmpfs \"$0\" && exec \"$@\"";
    let outcome = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(FULL_ROOT, folder.path())
        .output();
    let outcome = outcome.unwrap_or_else(|error| panic!("unshare, of util-linux, cannot be run: {error}"));
    let output =
        String::from_utf8_lossy(&outcome.stdout).into_owned() + &String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success() && output.contains("1 passed"), "{output}");
}

#[tokio::test]
async fn a_full_disk_is_full_and_nothing_partial_becomes_visible() {
    let Ok(root) = std::env::var(FULL_ROOT) else {
        return on_a_small_disk("faults::a_full_disk_is_full_and_nothing_partial_becomes_visible");
    };
    let store = BlobStore::open(&local(root)).await.unwrap();
    let (upload, bytes) = (Uuid::new_v4(), content(1, 8_000_000));
    let mut writer = store.begin(upload, 1).await.unwrap();
    let mut refused = None;
    for chunk in bytes.chunks(256 * 1024) {
        if let Err(error) = writer.write(bytes::Bytes::copy_from_slice(chunk)).await {
            refused = Some(error);
            break;
        }
    }
    assert!(matches!(refused, Some(StorageError::Full(_))), "{refused:?}");
    let put = store.put(&key("o"), Source::Bytes(bytes.clone())).await;
    assert!(matches!(put, Err(StorageError::Full(_))), "{put:?}");
    assert!(store.stat(&key("o")).await.unwrap().is_none());

    // What fitted is kept, and goes on when there is room again.
    let state = writer.close().await.unwrap();
    let found = crate::bench::read(store.read_partial(upload, &state).await.unwrap()).await;
    assert!(!found.is_empty());
    assert_same(&found, &bytes[..found.len()]);
    // Joining two segments needs their room twice.
    let taken_over = store.resume(upload, 2, &state).await.unwrap().close().await.unwrap();
    let completed = store.complete(upload, &taken_over, &key("v")).await;
    assert!(matches!(completed, Err(StorageError::Full(_))), "{completed:?}");
    assert!(store.stat(&key("v")).await.unwrap().is_none());
    store.complete(upload, &state, &key("v")).await.unwrap();
    assert_eq!(store.stat(&key("v")).await.unwrap().unwrap().bytes, state.offset());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let mut bench = Bench::s3().await;
    bench.config.s3.endpoint = Some("http://127.0.0.1:1".to_owned());
    let store = bench.another().await;
    for outcome in [
        store.ping().await.err(),
        store.stat(&key("o")).await.err(),
        store.put(&key("o"), Source::Bytes(content(1, 10))).await.err(),
    ] {
        let error = outcome.expect("nobody listens");
        assert!(error.is_unavailable(), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_refuses_is_not_taken_for_an_outage() {
    let mut bench = Bench::s3().await;
    bench.config.s3.secret_access_key = SecretString::from("wrong");
    let store = bench.another().await;
    let denied = store.put(&key("o"), Source::Bytes(content(1, 10))).await;
    assert!(matches!(denied, Err(StorageError::Denied(_))), "{denied:?}");
    assert!(matches!(store.ping().await, Err(StorageError::Denied(_))));

    let mut bench = Bench::s3().await;
    bench.config.s3.bucket = "another".to_owned();
    let store = bench.another().await;
    assert!(matches!(store.ping().await, Err(StorageError::Config(_))));
}
