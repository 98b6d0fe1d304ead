//! A picture as AVIF.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::check;
use crate::error::MediaError;
use crate::find::Ffmpeg;
use crate::fit::Size;
use crate::invocation::Job;
use crate::output::Unfinished;

/// Shortest side that the fast encoder takes, in pixels. It takes only even sizes, too.
const FAST_MIN_SIDE: u32 = 64;

/// A PNG's first bytes: its mark, and the head of the box with its size.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// From sRGB to what decoders take for granted in a picture that says so: all 256 levels, the colours of BT.709, and the
/// curve of sRGB. Eight bits and 4:2:0, which every decoder knows.
const COLOURS: [&str; 8] =
    ["-color_range", "pc", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "iec61966-2-1"];
const TO_YUV: &str = "scale=out_color_matrix=bt709:out_range=full,format=yuv420p";

/// How an AVIF is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AvifSpec {
    /// Quality, from 0 (best) to 63 (default 32).
    pub crf: u32,
    /// How fast, from 0 (a minute) to 13 (default 8).
    pub preset: u32,
}

impl Default for AvifSpec {
    fn default() -> Self {
        Self { crf: 32, preset: 8 }
    }
}

impl Ffmpeg {
    /// Writes a PNG as AVIF of the same size. Transparency is lost.
    ///
    /// SVT-AV1 encodes it. Where that cannot (an odd side, or one below 64 pixels) it is libaom, which takes longer.
    ///
    /// # Errors
    /// [`MediaError`]. Then, and when the future is dropped, there is no file.
    pub async fn avif(&self, input: &Path, output: &Path, spec: &AvifSpec) -> Result<(), MediaError> {
        check(&[
            (spec.crf <= 63, "crf: must be at most 63"),
            (spec.preset <= 13, "preset: must be at most 13"),
        ])?;
        let input = input.to_owned();
        let (input, size) = tokio::task::spawn_blocking(move || -> Result<_, MediaError> {
            let input = input.canonicalize()?;
            let size = png_size(&input)?;
            Ok((input, size))
        })
        .await
        .map_err(io::Error::from)??;
        if u64::from(size.width) * u64::from(size.height) > self.config().max_pixels {
            return Err(MediaError::TooLarge { width: size.width, height: size.height });
        }
        let made = Unfinished::create(output)?;
        let mut job = Job::ffmpeg(self, "/");
        job.picture(&input)?;
        job.arguments(&["-vf", TO_YUV, "-frames:v", "1"]);
        job.arguments(&COLOURS);
        encoder(&mut job, size, spec, self.config().threads);
        job.arguments(&["-map_metadata", "-1", "-f", "avif"]);
        job.output(made.path())?;
        let finished = self.run(&job, |_| ()).await?;
        if made.is_empty() {
            return Err(MediaError::Damaged { detail: finished.stderr });
        }
        made.keep();
        Ok(())
    }
}

fn encoder(job: &mut Job, size: Size, spec: &AvifSpec, threads: u32) {
    let (crf, preset, threads) = (spec.crf.to_string(), spec.preset.to_string(), threads.to_string());
    if is_for_the_fast_one(size) {
        job.arguments(&["-c:v", "libsvtav1", "-crf", &crf, "-preset", &preset]);
        job.arguments(&["-svtav1-params", &format!("lp={threads}")]);
    } else {
        let speed = spec.preset.min(8).to_string();
        job.arguments(&["-c:v", "libaom-av1", "-crf", &crf, "-cpu-used", &speed, "-still-picture", "1"]);
        job.arguments(&["-threads", &threads]);
    }
}

fn is_for_the_fast_one(size: Size) -> bool {
    [size.width, size.height].into_iter().all(|side| side >= FAST_MIN_SIDE && side.is_multiple_of(2))
}

fn png_size(path: &Path) -> Result<Size, MediaError> {
    let mut head = Vec::new();
    File::open(path)?.take(24).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(MediaError::Empty);
    }
    let sides = head.strip_prefix(PNG).and_then(|rest| rest.split_first_chunk::<4>());
    let size = sides.and_then(|(width, rest)| {
        let height = rest.first_chunk::<4>()?;
        Some(Size::new(u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
    });
    size.filter(|size| size.width > 0 && size.height > 0).ok_or(MediaError::NotAPicture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_encoder_gets_what_it_takes() {
        assert!(is_for_the_fast_one(Size::new(64, 1080)));
        assert!(!is_for_the_fast_one(Size::new(63, 64)));
        assert!(!is_for_the_fast_one(Size::new(451, 300)));
    }

    #[test]
    fn only_a_png_has_a_size() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(png_size(file.path()), Err(MediaError::Empty)));
        let head = [PNG, &300_u32.to_be_bytes(), &200_u32.to_be_bytes(), b"more"].concat();
        std::fs::write(file.path(), head).unwrap();
        assert_eq!(png_size(file.path()).unwrap(), Size::new(300, 200));
        std::fs::write(file.path(), "<svg/>").unwrap();
        assert!(matches!(png_size(file.path()), Err(MediaError::NotAPicture)));
    }
}
