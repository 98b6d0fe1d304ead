//! Real, playable files of a wanted size.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use tokio::process::Command;

/// A clip that is repeated until it is long enough.
const CLIP: &str = "data/media/bigbuckbunny.mp4";
/// The smallest box of an MP4: its length and its type.
const BOX_HEAD: usize = 8;

/// A file in memory, so that reading it costs a client nothing.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// A video of exactly so many bytes; made once, and kept in `folder`.
pub(crate) async fn video(folder: &Path, bytes: usize) -> anyhow::Result<Media> {
    let name = format!("video-{bytes}.mp4");
    let file = folder.join(&name);
    if !fs::metadata(&file).is_ok_and(|found| found.len() == bytes as u64) {
        make_video(folder, &file, bytes).await.context("ffmpeg makes the video")?;
    }
    Ok(Media { name, bytes: fs::read(&file)?.into() })
}

/// The clip as often as it fits, and behind it a box that players pass over.
async fn make_video(folder: &Path, file: &Path, bytes: usize) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let clip = fs::metadata(CLIP).with_context(|| format!("{CLIP} is read from the repository's folder"))?;
    let often = bytes as u64 * 98 / 100 / clip.len().max(1);
    let part = file.with_extension("part.mp4");
    ffmpeg(&["-stream_loop", &often.saturating_sub(1).to_string(), "-i", CLIP, "-c", "copy"], &part).await?;
    let whole = padded(&fs::read(&part)?, bytes).context("the clip is too long already")?;
    fs::write(file, whole)?;
    Ok(fs::remove_file(part)?)
}

/// A second of moving colours that costs next to nothing to process.
pub(crate) async fn short_video(folder: &Path) -> anyhow::Result<Media> {
    let source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=1"];
    made(folder, "short.mp4", &[source.as_slice(), &["-c:v", "libx264", "-pix_fmt", "yuv420p"]].concat())
        .await
}

/// A small picture, likewise.
pub(crate) async fn small_picture(folder: &Path) -> anyhow::Result<Media> {
    let source = ["-f", "lavfi", "-i", "testsrc2=size=400x300", "-frames:v", "1", "-q:v", "2"];
    made(folder, "small.jpg", &source).await
}

async fn made(folder: &Path, name: &str, arguments: &[&str]) -> anyhow::Result<Media> {
    fs::create_dir_all(folder)?;
    let file = folder.join(name);
    if !file.exists() {
        // Under its name only when it is whole.
        let part = folder.join(format!("part-{name}"));
        ffmpeg(arguments, &part).await?;
        fs::rename(part, &file)?;
    }
    Ok(Media { name: name.to_owned(), bytes: fs::read(&file)?.into() })
}

/// A file of the repository.
pub(crate) fn sample(name: &str) -> anyhow::Result<Media> {
    let file = PathBuf::from("data/media").join(name);
    let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Media { name: name.to_owned(), bytes: bytes.into() })
}

async fn ffmpeg(arguments: &[&str], file: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-y", "-v", "error"]).args(arguments);
    command.args(["-movflags", "+faststart"]).arg(file).stdin(Stdio::null());
    let status = command.kill_on_drop(true).status().await.context("cannot run ffmpeg")?;
    anyhow::ensure!(status.success(), "ffmpeg: {status}");
    Ok(())
}

/// An MP4 with a box of nothing behind it, so that it has this length. None when there is no room for one.
pub(crate) fn padded(mp4: &[u8], bytes: usize) -> Option<Vec<u8>> {
    with_box(mp4, &vec![0; bytes.checked_sub(mp4.len())?.checked_sub(BOX_HEAD)?])
}

/// The same picture or film with these bytes in a place that nothing shows: two with other bytes have another digest. What
/// is neither MP4 nor JPEG stays as it is.
pub(crate) fn marked(file: &[u8], mark: &[u8; 16]) -> Vec<u8> {
    if let [0xff, 0xd8, rest @ ..] = file {
        // A comment of JPEG, whose length counts itself.
        return [&[0xff, 0xd8, 0xff, 0xfe, 0, 18], mark.as_slice(), rest].concat();
    }
    let is_mp4 = file.get(4..8) == Some(b"ftyp");
    is_mp4.then(|| with_box(file, mark)).flatten().unwrap_or_else(|| file.to_vec())
}

fn with_box(mp4: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(BOX_HEAD + content.len()).ok()?;
    Some([mp4, &length.to_be_bytes(), b"free", content].concat())
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MP4: &[u8] = b"\0\0\0\x08ftyp";

    #[test]
    fn a_padded_film_has_exactly_the_wanted_length() {
        assert_eq!(padded(MP4, 16).unwrap(), b"\0\0\0\x08ftyp\0\0\0\x08free");
        assert_eq!(padded(MP4, 100).unwrap().len(), 100);
        assert_eq!(padded(MP4, 15), None);
    }

    #[test]
    fn a_mark_changes_the_digest_and_keeps_the_type() {
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 1];
        for file in [MP4, &jpeg] {
            let (one, other) = (marked(file, &[1; 16]), marked(file, &[2; 16]));
            assert_ne!(sha256(&one), sha256(&other));
            assert_eq!(one.get(..2), file.get(..2));
        }
        assert_eq!(marked(&jpeg, &[7; 16]).len(), jpeg.len() + 20);
        assert_eq!(marked(b"\x89PNG", &[1; 16]), b"\x89PNG");
    }
}
