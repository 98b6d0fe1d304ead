//! What is made in each stage. A stage reads the original, puts objects, and says what it has made; it never touches the
//! database, so that nothing of it counts before it is settled.

mod pictures;
mod playlist;
mod poster;
mod probe;
mod transcode;

use std::path::Path;

use tokio::sync::watch;
use uuid::Uuid;

use super::error::StageError;
use super::settle::Yield;
use super::workshop::{PutLog, Workshop};
use crate::domain::job::JobKind;
use crate::domain::kind::MediaKind;

/// One stage of one asset.
pub(crate) struct Task<'a> {
    /// The asset.
    pub(crate) asset_id: Uuid,
    /// What it is.
    pub(crate) media: MediaKind,
    /// A folder for what is being made, which is gone afterwards.
    pub(crate) scratch: &'a Path,
    /// Is told of every object before it is put.
    pub(crate) log: &'a PutLog,
    /// Is told how far it is, 0 to 1.
    pub(crate) progress: watch::Sender<f32>,
}

/// Runs a stage.
///
/// # Errors
/// What is wrong with the file, or with what it was to be made with.
pub(crate) async fn run(workshop: &Workshop, kind: JobKind, task: Task<'_>) -> Result<Yield, StageError> {
    match kind {
        JobKind::Probe => probe::run(workshop, &task).await,
        JobKind::Variants => pictures::run(workshop, &task).await,
        JobKind::Poster => poster::run(workshop, &task).await,
        JobKind::Transcode => transcode::run(workshop, task).await,
        JobKind::Playlist => playlist::run(workshop, task).await,
        // All of it is in its settlement.
        JobKind::Publish => Ok(Yield::default()),
    }
}
