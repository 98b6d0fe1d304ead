//! A still of a video in every size and format, and its placeholders.

use super::Task;
use super::pictures::{self, Role};
use crate::worker::error::StageError;
use crate::worker::settle::Yield;
use crate::worker::workshop::Workshop;

/// The moment that a typical frame is looked for at, in milliseconds: behind most titles and fades.
const MOMENT_MS: u64 = 1_000;

/// Takes the still and makes its variants.
pub(super) async fn run(workshop: &Workshop, task: &Task<'_>) -> Result<Yield, StageError> {
    let original = workshop.original(task.asset_id, task.scratch).await?;
    let still = task.scratch.join("still.png");
    workshop.ffmpeg.poster(original.path(), MOMENT_MS, &still).await?;
    let picture = workshop.decode(still).await?;
    pictures::make(workshop, task, picture, Role::Poster).await
}
