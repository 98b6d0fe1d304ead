//! What handlers share. Cheap to clone.

use std::sync::Arc;

use idempotency::FingerprintKey;
use page_cursor::CursorKey;
use request_parts::Published;

use crate::api::auth::state::AuthState;
use crate::operations::Context;

/// Shared by all handlers of one running catalog.
#[derive(Clone)]
pub(crate) struct AppState {
    /// What use cases need: connections, models, time, ids.
    pub(crate) context: Context,
    /// Signs cursors and sync tokens.
    pub(crate) cursors: CursorKey,
    /// Takes the fingerprints of requests with an idempotency key.
    pub(crate) fingerprints: FingerprintKey,
    /// Passwords, tokens and keys.
    pub(crate) auth: AuthState,
    /// The API's document.
    pub(crate) document: Arc<Published>,
    /// Settings of the records' API.
    pub(crate) settings: Arc<Settings>,
}

/// Settings of the records' API.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The issuer of our own tokens: only its subjects are our users.
    pub(crate) own_issuer: String,
    /// How long tombstones are kept, in seconds.
    pub(crate) tombstone_retention_secs: u32,
    /// Anybody may see what the cache does.
    pub(crate) open_cache_stats: bool,
}
