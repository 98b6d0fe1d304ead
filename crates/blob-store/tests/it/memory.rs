//! How much memory an upload takes. Each measurement has a process of its own, undisturbed by other tests.

use std::process::Command;

use blob_store::BlobStore;
use bytes::Bytes;
use futures_util::StreamExt;
use uuid::Uuid;

use crate::bench::{Bench, PART, key};

const MIB: u64 = 1024 * 1024;

/// Set in the process that is measured: where its S3 server is, or nothing for the disk.
const MEASURED: &str = "BLOB_STORE_TEST_MEASURED";

/// Runs the test that calls this in a process of its own, where [`MEASURED`] is set.
async fn measure(test: &'static str, endpoint: String) {
    let run = move || {
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.args(["--exact", test, "--nocapture"]).env(MEASURED, endpoint).output().unwrap()
    };
    let outcome = tokio::task::spawn_blocking(run).await.unwrap();
    let output =
        String::from_utf8_lossy(&outcome.stdout).into_owned() + &String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success() && output.contains("1 passed"), "{output}");
    println!("{output}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_takes_the_same_memory_whatever_its_size_on_disk() {
    if std::env::var(MEASURED).is_err() {
        let test = "memory::an_upload_takes_the_same_memory_whatever_its_size_on_disk";
        return measure(test, String::new()).await;
    }
    let grown = growth(&Bench::local().await.store, 200 * MIB).await;
    assert!(grown < 32 * MIB, "{grown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_takes_the_same_memory_whatever_its_size_on_s3() {
    let mut bench = Bench::s3().await;
    let Ok(endpoint) = std::env::var(MEASURED) else {
        // The server that is used stays in this process: its memory is not measured.
        let test = "memory::an_upload_takes_the_same_memory_whatever_its_size_on_s3";
        return measure(test, bench.config.s3.endpoint.unwrap()).await;
    };
    bench.config.s3.endpoint = Some(endpoint);
    let grown = growth(&bench.another().await, 60 * MIB).await;
    // Two parts in memory are allowed.
    assert!(grown < 2 * PART as u64 + 10 * MIB, "{grown}");
}

fn resident_bytes() -> u64 {
    const PAGE: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * PAGE
}

/// Writes, takes over, completes and reads; returns by how much the process grew at most.
async fn growth(store: &BlobStore, bytes: u64) -> u64 {
    let (upload, name) = (Uuid::new_v4(), key("v"));
    let chunk = || Bytes::from(vec![7; 256 * 1024]);
    let before = resident_bytes();
    let mut peak = before;
    let mut writer = store.begin(upload, 1).await.unwrap();
    while writer.written() < bytes {
        writer.write(chunk()).await.unwrap();
        if writer.written() == bytes / 2 {
            let state = writer.close().await.unwrap();
            writer = store.resume(upload, 2, &state).await.unwrap();
        }
        peak = peak.max(resident_bytes());
    }
    let state = writer.close().await.unwrap();
    let object = store.complete(upload, &state, &name).await.unwrap();
    assert_eq!(object.bytes, bytes);
    peak = peak.max(resident_bytes());
    let mut content = store.read(&name, None).await.unwrap();
    while let Some(chunk) = content.next().await {
        assert!(!chunk.unwrap().is_empty());
        peak = peak.max(resident_bytes());
    }
    println!("grew by {} KiB", (peak - before) / 1024);
    peak - before
}
