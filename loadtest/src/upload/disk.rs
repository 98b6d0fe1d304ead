//! How fast the disk takes bytes that have to stay: what no server that syncs can beat for long.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;

const PIECE_BYTES: usize = 256 * 1024;

/// Bytes a second of one file that is written in pieces and synced at its end.
pub(super) async fn rate(folder: &Path, bytes: usize) -> anyhow::Result<f64> {
    let file = folder.join("disk");
    let took = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
        // Not zeros: some file systems keep those for nothing.
        let piece: Vec<u8> = (0_u8..=255).cycle().take(PIECE_BYTES).collect();
        let began = Instant::now();
        let mut written = File::create(&file)?;
        for _ in 0..bytes.div_ceil(PIECE_BYTES) {
            written.write_all(&piece)?;
        }
        written.sync_data()?;
        let took = began.elapsed();
        fs::remove_file(file)?;
        Ok(took)
    });
    let took = took.await?.context("cannot measure the disk")?;
    Ok(bytes as f64 / took.as_secs_f64())
}
