//! The HLS ladder of a video: a folder of playlists and segments that is named by the digest of all of them.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use ffmpeg::{HlsSpec, Rung};

use super::Task;
use crate::domain::layout;
use crate::worker::error::StageError;
use crate::worker::settle::{Made, Yield};
use crate::worker::workshop::{Measured, Workshop, measure};

/// The playlist that names the others.
const MASTER: &str = "master.m3u8";
/// Its media type.
const CONTENT_TYPE: &str = "application/vnd.apple.mpegurl";

/// Makes the ladder.
pub(super) async fn run(workshop: &Workshop, task: Task<'_>) -> Result<Yield, StageError> {
    let original = workshop.original(task.asset_id, task.scratch).await?;
    let folder = task.scratch.join("hls");
    tokio::fs::create_dir(&folder).await?;
    let spec = HlsSpec { audio: workshop.config.audio, ..HlsSpec::default() };
    let progress = task.progress;
    let tell = |part| {
        progress.send_replace(part);
    };
    let files = workshop.ffmpeg.hls(original.path(), &folder, &ladder(), &spec, tell).await?;
    let files = measured(&folder, files).await?;
    let digest = layout::short_digest(&digest_of(&files));
    let mut made = Yield::default();
    for (name, measured) in files {
        let key = layout::playlist_key(task.asset_id, &digest, &name);
        made.objects.push(workshop.put_file(task.log, folder.join(&name), measured, key).await?);
    }
    made.renditions.push(Made {
        name: layout::PLAYLIST.to_owned(),
        format: layout::PLAYLIST_FORMAT,
        content_type: CONTENT_TYPE,
        key: layout::playlist_key(task.asset_id, &digest, MASTER),
        digest,
        bytes: made.objects.iter().map(|stored| stored.bytes).sum(),
        width: None,
        height: None,
    });
    Ok(made)
}

/// From the smallest to the largest; one that would enlarge the video is left out.
fn ladder() -> [Rung; 3] {
    [("360p", 640, 360, 800), ("540p", 960, 540, 1_600), ("720p", 1280, 720, 3_000)]
        .map(|(name, width, height, max_kbps)| Rung { name: name.to_owned(), width, height, max_kbps })
}

/// The files of the folder by name, each with its length and digest.
async fn measured(folder: &Path, files: Vec<PathBuf>) -> Result<Vec<(String, Measured)>, StageError> {
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        let name = file.to_str().ok_or(StageError::Defect("a file of ours has a name that is no text"))?;
        all.push((name.to_owned(), measure(folder.join(&file)).await?));
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(all)
}

/// Digest of names and contents: the same names may hold other segments.
fn digest_of(files: &[(String, Measured)]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for (name, measured) in files {
        context.update(name.as_bytes());
        context.update(b"\n");
        context.update(&measured.sha256);
    }
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_segments_have_another_address() {
        let file = |name: &str, byte| (name.to_owned(), Measured { bytes: 1, sha256: vec![byte; 32] });
        let digest = |first, second| digest_of(&[file("360p/1.m4s", first), file(MASTER, second)]);
        assert_eq!(digest(1, 2), digest(1, 2));
        assert_ne!(digest(1, 2), digest(2, 2));
        assert_ne!(digest(1, 2), digest_of(&[file("360p/2.m4s", 1), file(MASTER, 2)]));
    }
}
