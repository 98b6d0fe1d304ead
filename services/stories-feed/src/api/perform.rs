//! How anything is changed: one transaction, in a task of its own so that a client that leaves does not cut it, under the
//! idempotency key of the request if it has one, and under the guard of what it changes.
//!
//! mark → begin → claim the key → lock → check → write → log of the feed → outbox → store the answer → commit → stamp, tell the
//! gateways → tell the replicas → answer

use std::time::Duration;

use actix_web::HttpResponse;
use bytes::Bytes;
use idempotency::{Keyed, StoredAnswer};
use pg_pool::Connection;
use service_error::ServiceError;
use uuid::Uuid;

use crate::cache::groups::Affected;
use crate::state::AppState;

/// Longest that the work of one transaction may take. The mark of a write in flight (`freshness.mark_ms`) outlasts it.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(10);

/// A change.
#[derive(Debug)]
pub(crate) struct Change {
    /// Its name in traces and metrics.
    pub(crate) name: &'static str,
    /// What it changes of what copies show; none where no copy shows it.
    pub(crate) affected: Option<Affected>,
    /// Gyms whose feeds have news after it.
    pub(crate) gyms: Vec<Uuid>,
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
    let Change { name, affected, gyms, keyed } = change;
    let groups = affected.as_ref().map(Affected::groups).transpose()?;
    let transaction = async move |conn: &mut Connection| {
        request_parts::once(conn, keyed.as_ref(), groups.as_ref(), LONGEST_TRANSACTION, work).await
    };
    let performed = match &affected {
        Some(affected) => state.stories.change(name, affected, transaction).await,
        None => state.stories.change_unseen(name, transaction).await,
    };
    // Whatever became of the cache, the change may stand: its events are on their way.
    (state.context.wake_relay)();
    for gym in gyms {
        announce(&state, gym).await;
    }
    Ok(performed?.to_response())
}

/// The subject on which replicas hear that a gym's feed has news.
pub(crate) fn news_subject(gym: Uuid) -> String {
    format!("aldia.stories_feed.news.{gym}")
}

/// Tells all replicas that a gym's feed has news. One that misses it looks by itself a little later.
pub(crate) async fn announce(state: &AppState, gym: Uuid) {
    if let Err(error) = state.broadcast.publish(&news_subject(gym), None, Bytes::new()).await {
        tracing::debug!(error = &error as &dyn std::error::Error, "replicas were not told of news");
    }
}
