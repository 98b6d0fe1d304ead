//! What is made of uploads, and with how much of the machine.

use std::path::PathBuf;
use std::time::Duration;

use ffmpeg::FfmpegConfig;
use serde::Deserialize;

/// Settings of processing: of workers, but for `playlists`, which the service reads too.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessingConfig {
    /// Assets that one worker works on at the same time (default 2). More than cores only makes each slower.
    pub concurrency: usize,
    /// Megapixels that one worker may have decoded at the same time (default 60; U-D8, S-D7). Its memory follows from it: a
    /// megapixel is a few megabytes. Also the largest picture that is taken.
    pub megapixels: u32,
    /// Videos also get an HLS ladder (default false): adaptive, and about as much work again as the rendition.
    pub playlists: bool,
    /// Renditions end after so many seconds (default 30); 0 keeps all.
    pub trim_secs: u32,
    /// Renditions have sound (default false).
    pub audio: bool,
    /// A picture that is laid over renditions.
    pub watermark: Option<WatermarkConfig>,
    /// How long a worker is taken to be alive without a sign of life, in seconds (default 30).
    pub lease_secs: u64,
    /// Folder for what is being made (default the system's). Needs room for a few renditions; of S3 originals, for those too.
    pub scratch: Option<PathBuf>,
    /// Programs and their caps (U-D11).
    pub ffmpeg: FfmpegConfig,
}

/// A picture that is laid over renditions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatermarkConfig {
    /// The picture, with its transparency: PNG.
    pub image: PathBuf,
    /// How much of it is seen, 0 to 1 (default 0.6).
    #[serde(default = "default_opacity")]
    pub opacity: f32,
    /// Distance from the lower right corner in pixels (default 24).
    #[serde(default = "default_margin")]
    pub margin: u32,
}

fn default_opacity() -> f32 {
    0.6
}

fn default_margin() -> u32 {
    24
}

impl Default for ProcessingConfig {
    fn default() -> Self {
        Self {
            concurrency: 2,
            megapixels: 60,
            playlists: false,
            trim_secs: 30,
            audio: false,
            watermark: None,
            lease_secs: 30,
            scratch: None,
            ffmpeg: FfmpegConfig::default(),
        }
    }
}

impl ProcessingConfig {
    /// Everything that keeps these settings from being used, as `key: reason`.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> =
            self.ffmpeg.faults().into_iter().map(|fault| format!("ffmpeg.{fault}")).collect();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        check((1..=64).contains(&self.concurrency), "concurrency: must lie between 1 and 64");
        check((1..=1000).contains(&self.megapixels), "megapixels: must lie between 1 and 1000");
        check(self.lease_secs >= 3, "lease_secs: must be at least 3");
        if let Some(watermark) = &self.watermark {
            check((0.0..=1.0).contains(&watermark.opacity), "watermark.opacity: must lie between 0 and 1");
        }
        faults
    }

    /// How long a worker is taken to be alive.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_secs)
    }
}
