//! What a file holds, by ffprobe, checked against what is taken.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::codecs;
use crate::config::FfmpegConfig;
use crate::error::MediaError;
use crate::find::Ffmpeg;
use crate::invocation::Job;
use crate::progress::Progress;
use crate::source::{Container, Source};

/// What a video file holds.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Probe {
    /// `mp4` (also MOV and 3GP) or `matroska` (also WebM).
    pub container: String,
    /// How long it lasts, in milliseconds; at least 1.
    pub duration_ms: u64,
    /// The first video stream that is not a cover picture.
    pub video: VideoStream,
    /// The first audio stream.
    pub audio: Option<AudioStream>,
}

/// A video stream.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct VideoStream {
    /// Pixels in a row as it is shown: turned upright, and with square pixels.
    pub width: u32,
    /// Rows as it is shown.
    pub height: u32,
    /// ffmpeg's name of the codec, `h264` for example.
    pub codec: String,
    /// Frames in a second, on average; 0 if the file does not say.
    pub frame_rate: f64,
    /// Bits in a second, of this stream or else of the whole file.
    pub bit_rate: Option<u64>,
    /// By how much a player turns it, clockwise: 0, 90, 180 or 270 degrees. `width` and `height` are what comes out.
    pub rotation: u16,
}

/// An audio stream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct AudioStream {
    /// ffmpeg's name of the codec, `aac` for example.
    pub codec: String,
    /// How many channels.
    pub channels: u32,
}

/// A file that passed, with what only ffmpeg's arguments need.
#[derive(Clone, Debug)]
pub(crate) struct Examined {
    pub(crate) source: Source,
    pub(crate) probe: Probe,
    pub(crate) video_index: u32,
    pub(crate) audio_index: Option<u32>,
}

impl Ffmpeg {
    /// Finds out what a file holds, without decoding it.
    ///
    /// # Errors
    /// [`MediaError`]; all codes but `not_a_picture` are possible.
    pub async fn probe(&self, input: &Path) -> Result<Probe, MediaError> {
        Ok(self.examine(input).await?.probe)
    }

    /// What stands before everything that decodes.
    pub(crate) async fn examine(&self, input: &Path) -> Result<Examined, MediaError> {
        let source = Source::open(input).await?;
        let mut job = Job::ffprobe();
        job.arguments(&["-show_format", "-show_streams", "-of", "json"]);
        job.input(&source)?;
        let answer = self.run(&job, |_| ()).await?;
        let mut file: File = serde_json::from_str(&answer.stdout)
            .map_err(|error| MediaError::Damaged { detail: format!("{error}: {}", answer.stderr) })?;
        let video = file.video()?;
        check_video(video, self.config())?;
        if file.duration_ms().is_none() {
            // A browser that records does not know the end when it writes the beginning.
            file.measured_ms = Some(self.measure(&source, video.index).await?);
        }
        file.examined(source, self.config())
    }

    /// How long the video lasts, by reading all of it, without decoding.
    async fn measure(&self, source: &Source, video_index: u32) -> Result<u64, MediaError> {
        let mut job = Job::ffmpeg(self, "/");
        job.input(source)?;
        job.arguments(&["-map", &format!("0:{video_index}"), "-c", "copy", "-f", "null", "-"]);
        let mut progress = Progress::new(1, |_| ());
        self.run(&job, |line| progress.line(line)).await?;
        Ok(progress.reached_ms())
    }
}

fn check_video(video: &Stream, config: &FfmpegConfig) -> Result<(), MediaError> {
    let codec = video.codec_name.as_deref().unwrap_or("unknown");
    if !codecs::is_taken_as_video(codec) {
        return Err(MediaError::UnsupportedCodec { codec: codec.to_owned() });
    }
    if video.width == 0 || video.height == 0 {
        return Err(MediaError::Damaged { detail: "its frames have no size".to_owned() });
    }
    if u64::from(video.width) * u64::from(video.height) > config.max_pixels {
        return Err(MediaError::TooLarge { width: video.width, height: video.height });
    }
    Ok(())
}

/// ffprobe's answer, as far as it is read.
#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
    #[serde(skip)]
    measured_ms: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct Format {
    duration: Option<String>,
    bit_rate: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Stream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    #[serde(default)]
    channels: u32,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    duration: Option<String>,
    bit_rate: Option<String>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

#[derive(Debug, Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Debug, Deserialize)]
struct SideData {
    /// Degrees against the clock.
    rotation: Option<f64>,
}

impl File {
    fn video(&self) -> Result<&Stream, MediaError> {
        let is_video = |stream: &&Stream| stream.is("video") && stream.disposition.attached_pic == 0;
        self.streams.iter().find(is_video).ok_or(MediaError::NoVideoStream)
    }

    fn duration_ms(&self) -> Option<u64> {
        let of_video = self.video().ok().and_then(|video| video.duration.as_deref());
        [self.format.duration.as_deref(), of_video]
            .into_iter()
            .flatten()
            .find_map(millis)
            .or(self.measured_ms)
    }

    fn examined(&self, source: Source, config: &FfmpegConfig) -> Result<Examined, MediaError> {
        let duration_ms = self.duration_ms().filter(|millis| *millis > 0);
        let duration_ms =
            duration_ms.ok_or_else(|| MediaError::Damaged { detail: "it lasts no time".to_owned() })?;
        if duration_ms > config.max_duration_secs.saturating_mul(1000) {
            return Err(MediaError::TooLong { duration_ms, max_secs: config.max_duration_secs });
        }
        let video = self.video()?;
        let audio = self.streams.iter().find(|stream| stream.is("audio"));
        let probe = Probe {
            container: container_name(source.container),
            duration_ms,
            video: video.as_video(self.format.bit_rate.as_deref()),
            audio: audio.map(Stream::as_audio),
        };
        Ok(Examined {
            source,
            probe,
            video_index: video.index,
            audio_index: audio.map(|stream| stream.index),
        })
    }
}

impl Stream {
    fn is(&self, kind: &str) -> bool {
        self.codec_type.as_deref() == Some(kind)
    }

    fn as_video(&self, bit_rate_of_file: Option<&str>) -> VideoStream {
        let rotation = self.rotation();
        let (across, up) = (square(self.width, self.sample_aspect_ratio.as_deref()), self.height);
        let (width, height) = if rotation.is_multiple_of(180) { (across, up) } else { (up, across) };
        let rates = [self.avg_frame_rate.as_deref(), self.r_frame_rate.as_deref()];
        VideoStream {
            width,
            height,
            codec: self.codec(),
            frame_rate: rates.into_iter().flatten().find_map(rate).unwrap_or(0.0),
            bit_rate: self.bit_rate.as_deref().or(bit_rate_of_file).and_then(|text| text.parse().ok()),
            rotation,
        }
    }

    fn as_audio(&self) -> AudioStream {
        AudioStream { codec: self.codec(), channels: self.channels }
    }

    fn codec(&self) -> String {
        self.codec_name.clone().unwrap_or_else(|| "unknown".to_owned())
    }

    /// Clockwise, in quarters.
    fn rotation(&self) -> u16 {
        let against = self.side_data_list.iter().find_map(|side| side.rotation).unwrap_or(0.0);
        let quarters = (-against / 90.0).round().rem_euclid(4.0);
        [0_u16, 90, 180, 270]
            .into_iter()
            .find(|turn| (quarters * 90.0 - f64::from(*turn)).abs() < 1.0)
            .unwrap_or(0)
    }
}

fn container_name(container: Container) -> String {
    container.name().to_owned()
}

fn millis(text: &str) -> Option<u64> {
    let seconds: f64 = text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)?;
    std::time::Duration::try_from_secs_f64(seconds).ok()?.as_millis().try_into().ok()
}

/// `30000/1001`; nothing for `0/0`.
fn rate(text: &str) -> Option<f64> {
    let (above, below) = ratio(text, '/')?;
    Some(f64::from(above) / f64::from(below))
}

/// The width with square pixels, when a pixel is `8:9` say. Less than one in a hundred is what rounding left of a square.
fn square(width: u32, aspect: Option<&str>) -> u32 {
    let Some((above, below)) = aspect.and_then(|text| ratio(text, ':')) else { return width };
    if u64::from(above.abs_diff(below)) * 100 < u64::from(below) {
        return width;
    }
    let wide = (u64::from(width) * u64::from(above)).div_ceil(u64::from(below));
    u32::try_from(wide).unwrap_or(width).max(1)
}

/// Two numbers, neither of them 0.
fn ratio(text: &str, between: char) -> Option<(u32, u32)> {
    let (above, below) = text.split_once(between)?;
    let (above, below): (u32, u32) = (above.parse().ok()?, below.parse().ok()?);
    (above > 0 && below > 0).then_some((above, below))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn examined(answer: &serde_json::Value) -> Result<Probe, MediaError> {
        let file: File = serde_json::from_value(answer.clone()).unwrap();
        let config = FfmpegConfig::default();
        check_video(file.video()?, &config)?;
        let source = Source { path: PathBuf::from("/x"), container: Container::Mp4 };
        Ok(file.examined(source, &config)?.probe)
    }

    fn video() -> serde_json::Value {
        serde_json::json!({"index": 1, "codec_type": "video", "codec_name": "h264", "width": 1920, "height": 1080,
            "avg_frame_rate": "30000/1001", "sample_aspect_ratio": "1:1"})
    }

    fn file(streams: &[serde_json::Value]) -> serde_json::Value {
        serde_json::json!({"streams": streams, "format": {"duration": "5.280000", "bit_rate": "1600000"}})
    }

    #[test]
    fn a_phone_held_upright_gives_an_upright_video() {
        let mut stream = video();
        stream["side_data_list"] = serde_json::json!([{"side_data_type": "x"}, {"rotation": -90}]);
        let video = examined(&file(&[stream])).unwrap().video;
        assert_eq!((video.width, video.height, video.rotation), (1080, 1920, 90));
        assert!((video.frame_rate - 29.97).abs() < 0.01);
        assert_eq!(video.bit_rate, Some(1_600_000));
    }

    #[test]
    fn pixels_that_are_not_square_are_made_square() {
        let mut stream = video();
        stream["width"] = 1440.into();
        stream["sample_aspect_ratio"] = "4:3".into();
        assert_eq!(examined(&file(&[stream])).unwrap().video.width, 1920);
        assert_eq!(square(720, Some("404:405")), 720);
        assert_eq!(square(720, Some("0:1")), 720);
        assert_eq!(square(720, Some("N/A")), 720);
    }

    #[test]
    fn a_cover_picture_is_no_video() {
        let mut cover = video();
        cover["index"] = 0.into();
        cover["disposition"] = serde_json::json!({"attached_pic": 1});
        let audio =
            serde_json::json!({"index": 2, "codec_type": "audio", "codec_name": "aac", "channels": 6});
        assert!(matches!(examined(&file(&[cover.clone(), audio.clone()])), Err(MediaError::NoVideoStream)));
        let probe = examined(&file(&[cover, audio, video()])).unwrap();
        assert_eq!(probe.audio, Some(AudioStream { codec: "aac".to_owned(), channels: 6 }));
    }

    #[test]
    fn what_would_cost_too_much_is_refused_before_it_is_decoded() {
        let mut large = video();
        large["width"] = 8192.into();
        large["height"] = 4321.into();
        assert!(matches!(examined(&file(&[large])), Err(MediaError::TooLarge { .. })));
        let mut odd = video();
        odd["codec_name"] = "cinepak".into();
        assert!(
            matches!(examined(&file(&[odd])), Err(MediaError::UnsupportedCodec { codec }) if codec == "cinepak")
        );
        let mut long = file(&[video()]);
        long["format"]["duration"] = "99999".into();
        assert!(matches!(examined(&long), Err(MediaError::TooLong { .. })));
    }

    #[test]
    fn times_that_are_none_do_not_count() {
        for text in ["N/A", "-1", "nan", "inf", "1e30", ""] {
            assert_eq!(millis(text), None, "{text}");
        }
        assert_eq!(millis("0.5"), Some(500));
    }
}
