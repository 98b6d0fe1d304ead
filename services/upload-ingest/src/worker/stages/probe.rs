//! What the file holds: size, length, codec. What cannot be processed at all fails here, before anything is made of it.

use image_variants::InputFormat;

use super::Task;
use crate::domain::kind::MediaKind;
use crate::store::jobs::asset::Learned;
use crate::store::to_db;
use crate::worker::error::StageError;
use crate::worker::settle::Yield;
use crate::worker::workshop::Workshop;

/// Reads the header of a picture, or has ffprobe look at a video.
pub(super) async fn run(workshop: &Workshop, task: &Task<'_>) -> Result<Yield, StageError> {
    let original = workshop.original(task.asset_id, task.scratch).await?;
    let learned = match task.media {
        MediaKind::Image => {
            let header = workshop.header(original.path().to_owned()).await?;
            Learned {
                width: i32::try_from(header.width).ok(),
                height: i32::try_from(header.height).ok(),
                codec: Some(format_name(header.format).to_owned()),
                ..Learned::default()
            }
        }
        MediaKind::Video => {
            let probe = workshop.ffmpeg.probe(original.path()).await?;
            Learned {
                duration_ms: Some(to_db(probe.duration_ms)),
                width: i32::try_from(probe.video.width).ok(),
                height: i32::try_from(probe.video.height).ok(),
                codec: Some(probe.video.codec),
                ..Learned::default()
            }
        }
    };
    Ok(Yield { learned, ..Yield::default() })
}

fn format_name(format: InputFormat) -> &'static str {
    match format {
        InputFormat::Jpeg => "jpeg",
        InputFormat::Png => "png",
        InputFormat::Webp => "webp",
    }
}
