//! The rendition of a video that plays everywhere: one MP4 of 1280×720 pixels.

use ffmpeg::{Corner, Fit, RenditionSpec, Watermark};

use super::Task;
use crate::config::{ProcessingConfig, WatermarkConfig};
use crate::domain::layout;
use crate::worker::error::StageError;
use crate::worker::settle::{Made, Yield};
use crate::worker::workshop::{Workshop, measure};

/// Its name.
const NAME: &str = "video_720p";
/// Its file extension.
const FORMAT: &str = "mp4";
/// Its media type.
const CONTENT_TYPE: &str = "video/mp4";

/// Makes the rendition.
pub(super) async fn run(workshop: &Workshop, task: Task<'_>) -> Result<Yield, StageError> {
    let original = workshop.original(task.asset_id, task.scratch).await?;
    let output = task.scratch.join("rendition.mp4");
    let spec = spec(&workshop.config);
    let size = (spec.width, spec.height);
    let progress = task.progress;
    let tell = |part| {
        progress.send_replace(part);
    };
    workshop.ffmpeg.rendition(original.path(), &output, &spec, tell).await?;
    let measured = measure(output.clone()).await?;
    let key = layout::rendition_key(task.asset_id, NAME, &layout::short_digest(&measured.sha256), FORMAT);
    let stored = workshop.put_file(task.log, output, measured, key).await?;
    let made = Made::of(NAME.to_owned(), FORMAT, CONTENT_TYPE, &stored, size);
    Ok(Yield { objects: vec![stored], renditions: vec![made], ..Yield::default() })
}

/// What the settings ask for: exactly 1280×720, whatever the video's shape.
fn spec(config: &ProcessingConfig) -> RenditionSpec {
    RenditionSpec {
        width: 1280,
        height: 720,
        fit: Fit::Pad,
        max_secs: (config.trim_secs > 0).then_some(config.trim_secs),
        audio: config.audio,
        watermark: config.watermark.as_ref().map(watermark),
        ..RenditionSpec::default()
    }
}

fn watermark(config: &WatermarkConfig) -> Watermark {
    Watermark {
        image: config.image.clone(),
        corner: Corner::BottomRight,
        margin: config.margin,
        opacity: config.opacity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_when_all_is_to_be_kept() {
        let config = |trim_secs| ProcessingConfig { trim_secs, ..ProcessingConfig::default() };
        assert_eq!(spec(&config(0)).max_secs, None);
        assert_eq!(spec(&config(30)).max_secs, Some(30));
    }
}
