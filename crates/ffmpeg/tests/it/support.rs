//! What several tests need: the programs in the sandbox, and the same programs outside of it to make and to examine files.

use std::path::{Path, PathBuf};
use std::process::Command;

use ffmpeg::{Ffmpeg, FfmpegConfig};
use sandbox::Launcher;

/// A host that intercepts; the main of a test does not.
pub(crate) const HOST: &str = env!("CARGO_BIN_EXE_inspect-video");

pub(crate) fn ffmpeg() -> Ffmpeg {
    with(&FfmpegConfig::default())
}

pub(crate) fn with(config: &FfmpegConfig) -> Ffmpeg {
    Ffmpeg::find(Launcher::at(HOST), config).unwrap()
}

/// A real clip of this repository.
pub(crate) fn media(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/media").join(name);
    path.canonicalize().expect("data/media")
}

/// Runs ffmpeg outside of the sandbox, on what the test itself made.
pub(crate) fn make(arguments: &[&str], output: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"]).args(arguments).arg(output);
    let made = command.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// A small video with moving content: `size` is `320x180`, say.
pub(crate) fn clip(directory: &Path, name: &str, size: &str, seconds: u32, more: &[&str]) -> PathBuf {
    let path = directory.join(name);
    let source = format!("testsrc2=s={size}:r=25:d={seconds}");
    let arguments =
        [&["-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p", "-preset", "ultrafast"][..], more].concat();
    make(&arguments, &path);
    path
}

/// Values of the first stream of a kind (`v` or `a`), by ffprobe outside of the sandbox.
pub(crate) fn stream(path: &Path, kind: &str, entries: &str) -> String {
    ffprobe(&["-select_streams", kind, "-show_entries", &format!("stream={entries}")], path)
}

pub(crate) fn ffprobe(arguments: &[&str], path: &Path) -> String {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "default=nw=1:nk=1"]).args(arguments).arg(path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Decodes all of it; anything that ffmpeg complains about fails the test. Returns the number of frames.
pub(crate) fn decode(path: &Path) -> u64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-xerror", "-progress", "pipe:1", "-i"]);
    command.arg(path).args(["-map", "0", "-f", "null", "-"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let progress = String::from_utf8(output.stdout).unwrap();
    let frames = progress.lines().rev().find_map(|line| line.strip_prefix("frame="));
    frames.unwrap().trim().parse().unwrap()
}

/// One frame as it is shown, at a moment in seconds.
pub(crate) fn frame(path: &Path, at: &str) -> image::RgbImage {
    let directory = tempfile::tempdir().unwrap();
    let picture = directory.path().join("frame.png");
    make(&["-ss", at, "-i", path.to_str().unwrap(), "-frames:v", "1", "-update", "1"], &picture);
    image::open(picture).unwrap().into_rgb8()
}

/// The mean of red, green and blue.
pub(crate) fn mean(picture: &image::RgbImage) -> [f64; 3] {
    let mut sums = [0_u64; 3];
    for pixel in picture.pixels() {
        for (sum, value) in sums.iter_mut().zip(pixel.0) {
            *sum += u64::from(value);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean of small numbers")]
    sums.map(|sum| sum as f64 / (f64::from(picture.width()) * f64::from(picture.height())))
}

pub(crate) fn is_empty(directory: &Path) -> bool {
    directory.read_dir().unwrap().next().is_none()
}
