//! What handlers share. Cheap to clone.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use idempotency::FingerprintKey;
use page_cursor::CursorKey;
use uuid::Uuid;

use crate::cache::Desk;
use crate::cache::tariffs::Tariffs;
use crate::config::Config;
use crate::domain::pickup_code::PickupKey;
use crate::metrics::Metrics;
use crate::uploads::Uploads;

/// Shared by all handlers of one running service.
#[derive(Clone)]
pub(crate) struct AppState {
    /// The desk's database behind its cache, and the one way to change it.
    pub(crate) desk: Desk,
    /// The versions of the tariff that were read.
    pub(crate) tariffs: Tariffs,
    /// Where photos and papers are.
    pub(crate) uploads: Uploads,
    /// Signs cursors.
    pub(crate) cursors: CursorKey,
    /// Takes the fingerprints of requests with an idempotency key.
    pub(crate) fingerprints: FingerprintKey,
    /// Makes pickup codes.
    pub(crate) pickup: Arc<PickupKey>,
    /// The settings.
    pub(crate) config: Arc<Config>,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// Time, ids, chance, and the relay's bell.
    pub(crate) context: Context,
}

/// What use cases are given rather than take: time, ids, chance, and the relay's bell.
#[derive(Clone)]
pub(crate) struct Context {
    /// The time, as exact as the database keeps it.
    pub(crate) now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// A new id.
    pub(crate) new_id: fn() -> Uuid,
    /// Random bytes that nobody can foresee.
    pub(crate) nonce: fn() -> [u8; 16],
    /// To be called after a commit that enqueued an event.
    pub(crate) wake_relay: Arc<dyn Fn() + Send + Sync>,
}

impl Context {
    /// The time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.now)()
    }

    /// A new id.
    pub(crate) fn new_id(&self) -> Uuid {
        (self.new_id)()
    }
}
