//! How bytes come in: admitted, hashed and looked at while they are written, made durable, and turned into an asset in one
//! transaction.
//!
//! A request's body is received by a task of its own, so that a client that leaves neither cuts a transaction nor loses
//! what has arrived. Nothing here holds more of a body than two buffers (U-D8).

mod admission;
mod body;
mod concat;
mod digests;
mod finish;
mod intake;
mod metrics;
mod resume;
mod task;
mod whole;
mod writers;

use std::sync::Arc;

use blob_store::BlobStore;
use content_inspect::{Accepted, ContentType};
use pg_pool::PgPool;
use telemetry::metrics::Metrics;
use tokio::sync::{Semaphore, watch};

use crate::config::IngestConfig;
use crate::domain::kind::MediaKind;
use crate::state::Context;

pub(crate) use admission::Place;
pub(crate) use body::{Body, BodyEnd, Waiting};
pub(crate) use finish::{Finished, Idempotent, Submission, finish_received};
pub(crate) use resume::{Append, Appended, Decide};
pub(crate) use task::{detached, refuse};
pub(crate) use whole::AnswerFor;

/// What is taken as a video.
const VIDEOS: Accepted =
    Accepted::of(&[ContentType::Mp4, ContentType::QuickTime, ContentType::WebM, ContentType::Matroska]);
/// What is taken as an image.
const IMAGES: Accepted = Accepted::of(&[ContentType::Jpeg, ContentType::Png, ContentType::Webp]);
/// What is taken where the bytes shall tell.
const EITHER: Accepted = Accepted::of(&[
    ContentType::Mp4,
    ContentType::QuickTime,
    ContentType::WebM,
    ContentType::Matroska,
    ContentType::Jpeg,
    ContentType::Png,
    ContentType::Webp,
]);

/// What is taken as this kind, or as any.
pub(crate) fn accepted(kind: Option<MediaKind>) -> Accepted {
    match kind {
        Some(MediaKind::Video) => VIDEOS,
        Some(MediaKind::Image) => IMAGES,
        None => EITHER,
    }
}

/// The way in. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ingest(Arc<Inner>);

struct Inner {
    pool: PgPool,
    blobs: BlobStore,
    config: IngestConfig,
    /// Whether videos get an HLS ladder.
    playlists: bool,
    context: Context,
    admission: admission::Admission,
    writers: writers::Writers,
    /// Buffers are hashed and written in turns, in the order they were filled.
    turns: Arc<Semaphore>,
    /// This process, among all that ever wrote.
    holder: String,
    meters: metrics::Meters,
    /// Turns true when this process is to stop.
    draining: watch::Sender<bool>,
}

impl Ingest {
    /// Nothing is started.
    pub(crate) fn new(
        pool: PgPool,
        blobs: BlobStore,
        config: IngestConfig,
        playlists: bool,
        context: Context,
        metrics: &Metrics,
    ) -> Self {
        let meters = metrics::Meters::new(metrics);
        let admission = admission::Admission::new(&config, meters.receiving.clone(), meters.refused.clone());
        let holder = (context.new_id)().to_string();
        let turns = Arc::new(Semaphore::new(config.writers));
        let writers = writers::Writers::default();
        let draining = watch::Sender::new(false);
        Self(Arc::new(Inner {
            pool,
            blobs,
            config,
            playlists,
            context,
            admission,
            writers,
            turns,
            holder,
            meters,
            draining,
        }))
    }

    /// A place among the uploads that are receiving.
    ///
    /// # Errors
    /// `unavailable` when the process has as many as it can serve well, `too_many_uploads` when the owner has.
    pub(crate) fn enter(&self, owner: &str) -> Result<Place, service_error::ServiceError> {
        self.0.admission.enter(owner)
    }

    /// Has every upload that can be gone on with later make durable what it has, and end its request (U-B1).
    pub(crate) fn drain(&self) {
        self.0.draining.send_replace(true);
    }

    /// The limits, for those who tell clients of them.
    pub(crate) fn config(&self) -> &IngestConfig {
        &self.0.config
    }
}

impl Inner {
    /// Ends when this process is to stop.
    fn drained(&self) -> impl Future<Output = ()> + use<> {
        let mut draining = self.draining.subscribe();
        async move {
            // A sender that is gone: there is no service any more, and nothing to wait for.
            let _ = draining.wait_for(|draining| *draining).await;
        }
    }

    /// Largest body of what this has turned out to be, or may still turn out to be.
    fn limit(&self, kind: Option<MediaKind>) -> u64 {
        match kind {
            Some(MediaKind::Video) => self.config.max_video_bytes,
            Some(MediaKind::Image) => self.config.max_image_bytes,
            None => self.config.max_bytes(),
        }
    }
}
