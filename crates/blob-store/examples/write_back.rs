//! What early write-back is worth: 100 MB written in 256 KiB chunks, then closed and completed.
//!
//! `cargo run -p blob-store --example write_back -- FOLDER [ROUNDS]`, with a folder on the disk that is asked about.

use std::path::{Path, PathBuf};
use std::time::Duration;

use blob_store::{BlobStore, LocalConfig, ObjectKey, StorageConfig};
use bytes::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

const BYTES: u64 = 100_000_000;
const CHUNK: u64 = 250_000;
const MIB: u64 = 1024 * 1024;
/// What a link of 1 Gbit/s brings.
const LINK_BYTES_PER_SEC: u64 = 118_000_000;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder")?);
    let rounds: u32 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    println!("100 MB, median of {rounds} in ms: all, of it write, close (the last sync), complete");
    for (pace, limit) in [("as fast as it goes", None), ("at 1 Gbit/s", Some(LINK_BYTES_PER_SEC))] {
        for every in [0, 1, 4, 8, 32] {
            let mut taken = Vec::new();
            for _ in 0..rounds {
                taken.push(measure(&folder, every * MIB, limit).await?);
            }
            taken.sort_by_key(|times| times.iter().sum::<Duration>());
            let [write, close, complete] = taken.swap_remove(taken.len() / 2).map(|time| time.as_millis());
            let all = write + close + complete;
            println!("{pace}, write-back every {every:>2} MiB: {all:>5} {write:>5} {close:>5} {complete:>5}");
        }
    }
    Ok(())
}

async fn measure(folder: &Path, write_back_bytes: u64, limit: Option<u64>) -> Result<[Duration; 3], Failure> {
    let root = tempfile::tempdir_in(folder)?;
    let local = LocalConfig { root: root.path().to_owned(), write_back_bytes };
    let store = BlobStore::open(&StorageConfig { local, ..StorageConfig::default() }).await?;
    let (upload, chunk) = (Uuid::new_v4(), Bytes::from(vec![7; usize::try_from(CHUNK)?]));
    let start = Instant::now();
    let mut writer = store.begin(upload, 1).await?;
    while writer.written() < BYTES {
        writer.write(chunk.clone()).await?;
        if let Some(limit) = limit {
            tokio::time::sleep_until(start + Duration::from_millis(writer.written() * 1000 / limit)).await;
        }
    }
    let written = start.elapsed();
    let state = writer.close().await?;
    let closed = start.elapsed();
    store.complete(upload, &state, &ObjectKey::new("video")?).await?;
    Ok([written, closed - written, start.elapsed() - closed])
}
