//! One MP4 that everything plays.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::watermark::Watermark;
use super::{NO_METADATA, check};
use crate::codecs;
use crate::error::MediaError;
use crate::failure;
use crate::find::Ffmpeg;
use crate::fit::Size;
use crate::invocation::Job;
use crate::output::Unfinished;
use crate::probe::{Examined, Probe, VideoStream};
use crate::progress::Progress;

/// Seconds between two frames from which decoding can begin.
const GOP_SECS: f64 = 2.0;

/// What is to be made.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RenditionSpec {
    /// Pixels in a row, even (default 1280).
    pub width: u32,
    /// Rows, even (default 720).
    pub height: u32,
    /// How a video of another shape comes into that (default: padded).
    pub fit: Fit,
    /// What is longer is cut, in seconds (default 30). `None`: all of it.
    pub max_secs: Option<u32>,
    /// Whether there is sound (default false).
    pub audio: bool,
    /// A picture over each frame (default none).
    pub watermark: Option<Watermark>,
    /// Quality, from 0 (perfect) to 51 (default 23). Six less doubles the size.
    pub crf: u32,
    /// How much time the encoder takes to make it small (default: fast).
    pub preset: Preset,
    /// Frames in a second at most (default 30). A video that has fewer keeps them.
    pub max_fps: u32,
}

/// How a video of another shape comes into a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// As large as it goes, in the middle, on black: the result has exactly the size of the box.
    Pad,
    /// Not larger than the box and not larger than it is.
    Inside,
}

/// x264's presets, from the fastest to the slowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "x264's names, which say what they mean")]
pub enum Preset {
    Ultrafast,
    Superfast,
    Veryfast,
    Faster,
    Fast,
    Medium,
    Slow,
    Slower,
    Veryslow,
}

impl Preset {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ultrafast => "ultrafast",
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Fast => "fast",
            Self::Medium => "medium",
            Self::Slow => "slow",
            Self::Slower => "slower",
            Self::Veryslow => "veryslow",
        }
    }
}

impl Default for RenditionSpec {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            fit: Fit::Pad,
            max_secs: Some(30),
            audio: false,
            watermark: None,
            crf: 23,
            preset: Preset::Fast,
            max_fps: 30,
        }
    }
}

impl RenditionSpec {
    /// The same with the box turned upright when the video is upright, or lying when it is lying.
    #[must_use]
    pub fn turned_for(mut self, probe: &Probe) -> Self {
        let upright = probe.video.height > probe.video.width;
        if upright != (self.height > self.width) {
            std::mem::swap(&mut self.width, &mut self.height);
        }
        self
    }

    fn check(&self) -> Result<(), MediaError> {
        let is_side = |side: u32| side.is_multiple_of(2) && (16..=8192).contains(&side);
        check(&[
            (is_side(self.width), "width: must be even and from 16 to 8192"),
            (is_side(self.height), "height: must be even and from 16 to 8192"),
            (self.crf <= 51, "crf: must be at most 51"),
            ((1..=240).contains(&self.max_fps), "max_fps: must be from 1 to 240"),
            (self.max_secs != Some(0), "max_secs: must not be 0"),
        ])?;
        self.watermark.as_ref().map_or(Ok(()), Watermark::check)
    }

    /// How long the result lasts, in milliseconds.
    fn lasts_ms(&self, probe: &Probe) -> u64 {
        let most = self.max_secs.map_or(u64::MAX, |secs| u64::from(secs) * 1000);
        probe.duration_ms.min(most)
    }

    fn filter(&self, examined: &Examined) -> String {
        let video = &examined.probe.video;
        let room = Size::new(self.width, self.height);
        let shown = Size::new(video.width, video.height);
        let size = match self.fit {
            Fit::Pad => shown.filling(room),
            Fit::Inside => shown.shrunk_into(room),
        };
        let mut frames = format!(
            "[0:{}]{}scale={}:{},setsar=1",
            examined.video_index,
            slow_down(video, self.max_fps),
            size.width,
            size.height
        );
        if self.fit == Fit::Pad && size != room {
            // Two pixels share a colour, so the picture begins at an even one.
            let (x, y) = (((room.width - size.width) / 4) * 2, ((room.height - size.height) / 4) * 2);
            frames.push_str(&format!(",pad={}:{}:{x}:{y}:color=black", room.width, room.height));
        }
        let frames = self.watermark.as_ref().map_or(frames.clone(), |mark| mark.filter(&frames));
        format!("{frames},format=yuv420p[out]")
    }
}

impl Ffmpeg {
    /// Writes an MP4 with H.264 (High, 4:2:0), its index first, without metadata. `progress` is told how far it is, from 0
    /// to 1, never going back; 1 comes only if it succeeded.
    ///
    /// # Errors
    /// [`MediaError`]. Then, and when the future is dropped, there is no file.
    pub async fn rendition(
        &self,
        input: &Path,
        output: &Path,
        spec: &RenditionSpec,
        progress: impl FnMut(f32) + Send,
    ) -> Result<(), MediaError> {
        spec.check()?;
        let examined = self.examine(input).await?;
        let made = Unfinished::create(output)?;
        let job = self.rendition_job(&examined, spec, made.path())?;
        let mut progress = Progress::new(spec.lasts_ms(&examined.probe), progress);
        let finished = self.run(&job, |line| progress.line(line)).await?;
        check_whole(&finished.stderr, progress.reached_ms())?;
        made.keep();
        progress.finish();
        Ok(())
    }

    fn rendition_job(
        &self,
        examined: &Examined,
        spec: &RenditionSpec,
        output: &Path,
    ) -> Result<Job, MediaError> {
        let threads = self.config().threads.to_string();
        let mut job = Job::ffmpeg(self, "/");
        job.arguments(&["-threads", &threads]);
        job.input(&examined.source)?;
        if let Some(mark) = &spec.watermark {
            job.picture(&mark.image.canonicalize()?)?;
        }
        job.arguments(&["-filter_complex", &spec.filter(examined), "-map", "[out]"]);
        job.arguments(&["-c:v", "libx264", "-profile:v", "high", "-preset", spec.preset.name()]);
        job.arguments(&["-crf", &spec.crf.to_string(), "-threads", &threads]);
        job.arguments(&["-g", &gop(&examined.probe.video, spec.max_fps), "-flags", "+cgop+bitexact"]);
        audio(&mut job, examined, spec.audio)?;
        if let Some(secs) = spec.max_secs {
            job.arguments(&["-t", &secs.to_string()]);
        }
        job.arguments(&NO_METADATA);
        job.arguments(&["-movflags", "+faststart", "-f", "mp4"]);
        job.output(output)?;
        Ok(job)
    }
}

/// ffmpeg makes what it can of a file that is cut off, and of one without a single good frame, and calls it success.
pub(super) fn check_whole(said: &str, reached_ms: u64) -> Result<(), MediaError> {
    if failure::is_cut_off(said) || reached_ms == 0 {
        return Err(MediaError::Damaged { detail: said.to_owned() });
    }
    Ok(())
}

/// A filter that drops frames, if there are too many in a second.
pub(super) fn slow_down(video: &VideoStream, max_fps: u32) -> String {
    if video.frame_rate > f64::from(max_fps) { format!("fps={max_fps},") } else { String::new() }
}

/// Frames between two from which decoding can begin.
pub(super) fn gop(video: &VideoStream, max_fps: u32) -> String {
    let rate =
        if video.frame_rate > 0.0 { video.frame_rate.min(f64::from(max_fps)) } else { f64::from(max_fps) };
    format!("{:.0}", (rate * GOP_SECS).ceil().max(1.0))
}

/// Maps the sound, in stereo, if it is wanted and there is any.
pub(super) fn audio(job: &mut Job, examined: &Examined, wanted: bool) -> Result<(), MediaError> {
    let audio = examined.probe.audio.as_ref().zip(examined.audio_index).filter(|_| wanted);
    let Some((stream, index)) = audio else {
        job.arguments(&["-an"]);
        return Ok(());
    };
    if !codecs::is_taken_as_audio(&stream.codec) {
        return Err(MediaError::UnsupportedCodec { codec: stream.codec.clone() });
    }
    job.arguments(&[
        "-map",
        &format!("0:{index}"),
        "-c:a",
        "aac",
        "-b:a",
        "128k",
        "-ac",
        "2",
        "-ar",
        "48000",
    ]);
    job.arguments(&["-flags:a", "+bitexact"]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(width: u32, height: u32, frame_rate: f64) -> Probe {
        let video =
            VideoStream { width, height, codec: "h264".to_owned(), frame_rate, bit_rate: None, rotation: 0 };
        Probe { container: "mp4".to_owned(), duration_ms: 5_000, video, audio: None }
    }

    #[test]
    fn a_box_is_turned_only_for_what_stands_the_other_way() {
        let spec = RenditionSpec::default();
        let upright = spec.clone().turned_for(&probe(1080, 1920, 30.0));
        assert_eq!((upright.width, upright.height), (720, 1280));
        assert_eq!(upright.clone().turned_for(&probe(1080, 1920, 30.0)), upright);
        assert_eq!(spec.clone().turned_for(&probe(1920, 1080, 30.0)), spec);
        assert_eq!(upright.turned_for(&probe(1920, 1080, 30.0)), spec);
    }

    #[test]
    fn settings_name_their_faults() {
        let odd = RenditionSpec { width: 1279, ..RenditionSpec::default() };
        assert!(matches!(odd.check(), Err(MediaError::BadSpec { fault }) if fault.starts_with("width")));
        let loud = RenditionSpec { crf: 52, ..RenditionSpec::default() };
        assert!(matches!(loud.check(), Err(MediaError::BadSpec { fault }) if fault.starts_with("crf")));
        RenditionSpec::default().check().unwrap();
    }

    #[test]
    fn frames_are_dropped_only_when_there_are_too_many() {
        assert_eq!(slow_down(&probe(2, 2, 60.0).video, 30), "fps=30,");
        assert_eq!(slow_down(&probe(2, 2, 25.0).video, 30), "");
        assert_eq!(gop(&probe(2, 2, 29.97).video, 30), "60");
        assert_eq!(gop(&probe(2, 2, 0.0).video, 30), "60");
    }

    #[test]
    fn the_end_comes_with_the_shorter_of_the_two() {
        let spec = RenditionSpec::default();
        assert_eq!(spec.lasts_ms(&probe(2, 2, 1.0)), 5_000);
        assert_eq!(RenditionSpec { max_secs: Some(2), ..spec }.lasts_ms(&probe(2, 2, 1.0)), 2_000);
    }
}
