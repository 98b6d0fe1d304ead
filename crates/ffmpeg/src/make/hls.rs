//! A ladder of sizes in short segments, for players that adapt to the network.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rendition::{Preset, audio, check_whole, slow_down};
use super::{NO_METADATA, check};
use crate::error::MediaError;
use crate::find::Ffmpeg;
use crate::fit::Size;
use crate::invocation::Job;
use crate::output::Filling;
use crate::probe::Examined;
use crate::progress::Progress;

/// The playlist that names the others.
const MASTER: &str = "master.m3u8";

/// One size of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// The name of its directory: letters, digits, `-` and `_`.
    pub name: String,
    /// Pixels in a row at most; the shape is kept.
    pub width: u32,
    /// Rows at most.
    pub height: u32,
    /// Bits in a second at most, in thousands, on average over two seconds.
    pub max_kbps: u32,
}

/// What all sizes have in common.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HlsSpec {
    /// Length of a segment, in seconds (default 4). Shorter starts sooner and costs more requests.
    pub segment_secs: u32,
    /// What the segments are (default fragmented MP4).
    pub segments: Segments,
    /// Quality as long as the bits suffice, from 0 to 51 (default 23).
    pub crf: u32,
    /// How much time the encoder takes (default: fast).
    pub preset: Preset,
    /// Frames in a second at most (default 30).
    pub max_fps: u32,
    /// Whether there is sound (default true).
    pub audio: bool,
}

/// What segments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Segments {
    /// Fragmented MP4: smaller, and the same files serve DASH.
    Fmp4,
    /// MPEG transport streams, for old players.
    MpegTs,
}

impl Default for HlsSpec {
    fn default() -> Self {
        Self {
            segment_secs: 4,
            segments: Segments::Fmp4,
            crf: 23,
            preset: Preset::Fast,
            max_fps: 30,
            audio: true,
        }
    }
}

impl HlsSpec {
    fn check(&self, ladder: &[Rung]) -> Result<(), MediaError> {
        let is_side = |side: u32| (16..=8192).contains(&side);
        let is_name = |name: &str| {
            (1..=32).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let twice = |rung: &Rung| ladder.iter().filter(|other| other.name == rung.name).count() > 1;
        check(&[
            ((1..=60).contains(&self.segment_secs), "segment_secs: must be from 1 to 60"),
            (self.crf <= 51, "crf: must be at most 51"),
            ((1..=240).contains(&self.max_fps), "max_fps: must be from 1 to 240"),
            ((1..=8).contains(&ladder.len()), "ladder: must have from 1 to 8 rungs"),
            (ladder.iter().all(|rung| is_name(&rung.name)), "name: must be 1 to 32 letters, digits, - and _"),
            (!ladder.iter().any(twice), "name: must not be there twice"),
            (
                ladder.iter().all(|rung| is_side(rung.width) && is_side(rung.height)),
                "width, height: must be from 16 to 8192",
            ),
            (
                ladder.iter().all(|rung| (10..=1_000_000).contains(&rung.max_kbps)),
                "max_kbps: must be from 10 to 1000000",
            ),
        ])
    }
}

impl Ffmpeg {
    /// Fills an empty directory with `master.m3u8` and, for each rung, a directory with its playlist and segments. All names
    /// in the playlists are relative. A rung that would show the video larger than it is, is left out, but never all of them.
    /// Returns the files, relative to the directory, in order.
    ///
    /// `progress` is told how far it is, from 0 to 1, never going back; 1 comes only if it succeeded.
    ///
    /// # Errors
    /// [`MediaError`]. Then, and when the future is dropped, the directory is empty again.
    pub async fn hls(
        &self,
        input: &Path,
        directory: &Path,
        ladder: &[Rung],
        spec: &HlsSpec,
        progress: impl FnMut(f32) + Send,
    ) -> Result<Vec<PathBuf>, MediaError> {
        spec.check(ladder)?;
        let examined = self.examine(input).await?;
        let filling = Filling::begin(directory)?;
        let rungs = useful(ladder, shown(&examined));
        let job = self.hls_job(&examined, &rungs, spec, filling.path())?;
        let mut progress = Progress::new(examined.probe.duration_ms, progress);
        let finished = self.run(&job, |line| progress.line(line)).await?;
        check_whole(&finished.stderr, progress.reached_ms())?;
        let files = filling.files()?;
        filling.keep();
        progress.finish();
        Ok(files)
    }

    fn hls_job(
        &self,
        examined: &Examined,
        rungs: &[&Rung],
        spec: &HlsSpec,
        directory: &Path,
    ) -> Result<Job, MediaError> {
        let threads = self.config().threads.to_string();
        let sound = spec.audio && examined.probe.audio.is_some();
        let mut job = Job::ffmpeg(self, directory);
        job.arguments(&["-threads", &threads]);
        job.input(&examined.source)?;
        job.arguments(&["-filter_complex", &filter(examined, rungs, spec)]);
        for (index, rung) in rungs.iter().enumerate() {
            job.arguments(&["-map", &format!("[out{index}]")]);
            let (most, buffer) =
                (format!("{}k", rung.max_kbps), format!("{}k", u64::from(rung.max_kbps) * 2));
            job.arguments(&[&format!("-maxrate:v:{index}"), &most, &format!("-bufsize:v:{index}"), &buffer]);
            audio(&mut job, examined, sound)?;
        }
        job.arguments(&["-c:v", "libx264", "-profile:v", "high", "-preset", spec.preset.name()]);
        job.arguments(&["-crf", &spec.crf.to_string(), "-threads", &threads, "-flags", "+cgop+bitexact"]);
        // All sizes can be left for another at the same moments, and only there.
        let every = format!("expr:gte(t,n_forced*{})", spec.segment_secs);
        job.arguments(&["-force_key_frames", &every, "-sc_threshold", "0", "-g", "10000"]);
        job.arguments(&NO_METADATA);
        job.arguments(&segmenting(rungs, spec, sound).iter().map(String::as_str).collect::<Vec<_>>());
        job.fills_directory();
        Ok(job)
    }
}

fn shown(examined: &Examined) -> Size {
    Size::new(examined.probe.video.width, examined.probe.video.height)
}

/// The rungs that do not make the video larger, and the lowest in any case.
fn useful(ladder: &[Rung], shown: Size) -> Vec<&Rung> {
    let lowest = ladder.iter().min_by_key(|rung| u64::from(rung.width) * u64::from(rung.height));
    let fits = |rung: &&Rung| rung.width <= shown.width || rung.height <= shown.height;
    ladder.iter().filter(|rung| fits(rung) || lowest == Some(*rung)).collect()
}

fn filter(examined: &Examined, rungs: &[&Rung], spec: &HlsSpec) -> String {
    let parts: String = (0..rungs.len()).map(|index| format!("[part{index}]")).collect();
    let slower = slow_down(&examined.probe.video, spec.max_fps);
    let mut filter = format!("[0:{}]{slower}split={}{parts}", examined.video_index, rungs.len());
    for (index, rung) in rungs.iter().enumerate() {
        let size = shown(examined).shrunk_into(Size::new(rung.width, rung.height));
        filter.push_str(&format!(
            ";[part{index}]scale={}:{},setsar=1,format=yuv420p[out{index}]",
            size.width, size.height
        ));
    }
    filter
}

/// Arguments of the segmenter. Names are relative to the directory in which ffmpeg runs; `%v` is a rung's name.
fn segmenting(rungs: &[&Rung], spec: &HlsSpec, sound: bool) -> Vec<String> {
    let (kind, ending) = match spec.segments {
        Segments::Fmp4 => ("fmp4", "m4s"),
        Segments::MpegTs => ("mpegts", "ts"),
    };
    let variants: Vec<String> = rungs
        .iter()
        .enumerate()
        .map(|(index, rung)| {
            let audio = if sound { format!(",a:{index}") } else { String::new() };
            format!("v:{index}{audio},name:{}", rung.name)
        })
        .collect();
    let arguments = [
        ("-f", "hls".to_owned()),
        ("-hls_time", spec.segment_secs.to_string()),
        ("-hls_playlist_type", "vod".to_owned()),
        ("-hls_flags", "independent_segments".to_owned()),
        ("-hls_segment_type", kind.to_owned()),
        ("-hls_fmp4_init_filename", "init.mp4".to_owned()),
        ("-hls_segment_filename", format!("%v/%05d.{ending}")),
        ("-master_pl_name", MASTER.to_owned()),
        ("-var_stream_map", variants.join(" ")),
    ];
    let named = arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
    named.chain(["%v/index.m3u8".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(name: &str, width: u32, height: u32) -> Rung {
        Rung { name: name.to_owned(), width, height, max_kbps: 1000 }
    }

    #[test]
    fn nothing_is_made_larger_but_something_is_made() {
        let ladder = [rung("1080p", 1920, 1080), rung("720p", 1280, 720), rung("360p", 640, 360)];
        let names = |width, height| -> Vec<String> {
            useful(&ladder, Size::new(width, height)).into_iter().map(|rung| rung.name.clone()).collect()
        };
        assert_eq!(names(1280, 720), ["720p", "360p"]);
        assert_eq!(names(3840, 2160), ["1080p", "720p", "360p"]);
        assert_eq!(names(320, 180), ["360p"]);
    }

    #[test]
    fn a_name_cannot_leave_the_directory() {
        for name in ["", "../x", "a/b", "a b", "%v", "a,name:b"] {
            assert!(HlsSpec::default().check(&[rung(name, 640, 360)]).is_err(), "{name}");
        }
        HlsSpec::default().check(&[rung("360p", 640, 360)]).unwrap();
        assert!(HlsSpec::default().check(&[rung("x", 640, 360), rung("x", 320, 180)]).is_err());
    }
}
