//! What handlers share. Cheap to clone.

use std::sync::Arc;

use broadcast::Broadcast;
use chrono::{DateTime, Utc};
use idempotency::FingerprintKey;
use page_cursor::CursorKey;
use uuid::Uuid;

use crate::cache::Stories;
use crate::config::Config;
use crate::live::Hub;
use crate::uploads::Uploads;

/// Shared by all handlers of one running service.
#[derive(Clone)]
pub(crate) struct AppState {
    /// The stories behind their cache, and the one way to change them.
    pub(crate) stories: Stories,
    /// Where photos and videos are.
    pub(crate) uploads: Uploads,
    /// Tells other replicas that a feed has news.
    pub(crate) broadcast: Broadcast,
    /// Who listens to which feed in this process.
    pub(crate) hub: Hub,
    /// Signs cursors and tickets.
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
    pub(crate) now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// A new id.
    pub(crate) new_id: fn() -> Uuid,
    /// To be called after a commit that enqueued an event.
    pub(crate) wake_relay: Arc<dyn Fn() + Send + Sync>,
}

impl Context {
    /// The time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }
}
