//! What handlers share. Cheap to clone.

use std::sync::Arc;

use blob_store::BlobStore;
use broadcast::Broadcast;
use chrono::{DateTime, Utc};
use idempotency::FingerprintKey;
use page_cursor::CursorKey;
use pg_pool::PgPool;
use uuid::Uuid;

use crate::api::live::Listeners;
use crate::cache::PublicMedia;
use crate::config::Config;
use crate::ingest::Ingest;

/// Shared by all handlers of one running service.
#[derive(Clone)]
pub(crate) struct AppState {
    /// Connections to the database.
    pub(crate) pool: PgPool,
    /// Where objects lie.
    pub(crate) blobs: BlobStore,
    /// How bytes come in.
    pub(crate) ingest: Ingest,
    /// Tells gateways what may no longer be shown.
    pub(crate) public_media: PublicMedia,
    /// Where progress is heard.
    pub(crate) broadcast: Broadcast,
    /// Who listens.
    pub(crate) listeners: Listeners,
    /// Signs cursors.
    pub(crate) cursors: CursorKey,
    /// Takes the fingerprints of requests with an idempotency key.
    pub(crate) fingerprints: FingerprintKey,
    /// The settings.
    pub(crate) config: Arc<Config>,
    /// Time, ids, and the relay's bell.
    pub(crate) context: Context,
}

/// What use cases are given rather than take: time, ids, and the relay's bell.
#[derive(Clone)]
pub(crate) struct Context {
    /// The time, as exact as the database keeps it.
    pub(crate) now: fn() -> DateTime<Utc>,
    /// A new id.
    pub(crate) new_id: fn() -> Uuid,
    /// To be called after a commit that enqueued an event.
    pub(crate) wake_relay: Arc<dyn Fn() + Send + Sync>,
}
