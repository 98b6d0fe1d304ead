//! How an asset is changed: one transaction, in a task of its own so that a client that leaves does not cut it, under the
//! idempotency key of the request if it has one, and under the guard of what the public sees if it may see less after it.
//!
//! mark → begin → claim the key → lock the asset → check → write → outbox → store the answer → commit → tell the gateways →
//! answer

use std::time::Duration;

use actix_web::HttpResponse;
use bytes::Bytes;
use idempotency::{Keyed, StoredAnswer};
use pg_pool::Connection;
use service_error::ServiceError;
use uuid::Uuid;

use crate::cache;
use crate::events;
use crate::state::AppState;

/// Longest that the work of one transaction may take. The mark of a write in flight (`freshness.mark_ms`) outlasts it.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(10);

/// What a change does to what the public sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// It may take media from view: no gateway may show them once it is answered.
    MayShrink,
    /// Nobody sees less.
    Stays,
}

/// A change of one asset.
#[derive(Debug)]
pub(crate) struct Change {
    /// Its name in traces and metrics.
    pub(crate) name: &'static str,
    /// The asset.
    pub(crate) asset_id: Uuid,
    /// What the public sees after it.
    pub(crate) sight: Sight,
    /// The request's idempotency key.
    pub(crate) keyed: Option<Keyed>,
}

/// Runs a change, or replays the answer of an earlier run with the same key (X-D2).
///
/// # Errors
/// Those of `work`, of the key, of the database, and `unavailable` where the gateways cannot be told.
pub(crate) async fn perform(
    state: &AppState,
    change: Change,
    work: impl AsyncFnOnce(&mut Connection) -> Result<StoredAnswer, ServiceError> + 'static,
) -> Result<HttpResponse, ServiceError> {
    // It runs on the heap anyway; so callers do not carry its size.
    http_server::uncut(Box::pin(run(state.clone(), change, work))).await
}

async fn run(
    state: AppState,
    change: Change,
    work: impl AsyncFnOnce(&mut Connection) -> Result<StoredAnswer, ServiceError>,
) -> Result<HttpResponse, ServiceError> {
    let Change { name, asset_id, sight, keyed } = change;
    let groups = match sight {
        Sight::MayShrink => Some(cache::group(asset_id)?),
        Sight::Stays => None,
    };
    let transaction = async move |conn: &mut Connection| {
        request_parts::once(conn, keyed.as_ref(), groups.as_ref(), LONGEST_TRANSACTION, work).await
    };
    let performed = match sight {
        Sight::MayShrink => state.public_media.change(name, asset_id, transaction).await,
        Sight::Stays => state.public_media.extend(name, transaction).await,
    };
    // Whatever became of the gateways, the change may stand: its events are on their way.
    (state.context.wake_relay)();
    announce(&state, asset_id).await;
    Ok(performed?.to_response())
}

/// Tells listeners to look at the timeline. One that misses it looks by itself a little later.
async fn announce(state: &AppState, asset_id: Uuid) {
    let subject = events::progress_subject(asset_id);
    if let Err(error) = state.broadcast.publish(&subject, None, Bytes::new()).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "listeners were not told");
    }
}
