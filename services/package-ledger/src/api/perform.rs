//! How anything is changed: one transaction, in a task of its own so that a client that leaves does not cut it, under the
//! idempotency key of the request if it has one, and under the guard of what it changes.
//!
//! mark → begin → claim the key → lock → decide → write → custody → books → outbox → store the answer → commit → stamp, tell the
//! gateways → ask where the log stands, if there are read replicas (P-D10) → answer

use std::time::Duration;

use actix_web::HttpResponse;
use idempotency::{Keyed, StoredAnswer};
use pg_pool::Connection;
use service_error::ServiceError;

use super::consistency;
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
    let Change { name, affected, keyed } = change;
    let groups = affected.as_ref().map(Affected::groups).transpose()?;
    let transaction = async move |conn: &mut Connection| {
        request_parts::once(conn, keyed.as_ref(), groups.as_ref(), LONGEST_TRANSACTION, work).await
    };
    let performed = match &affected {
        Some(affected) => state.desk.change(name, affected, transaction).await,
        None => state.desk.change_unseen(name, transaction).await,
    };
    // Whatever became of the cache, the change may stand: its events are on their way.
    (state.context.wake_relay)();
    let mut response = performed?.to_response();
    if let Some(position) = state.desk.position().await {
        consistency::tell(&mut response, &position);
    }
    Ok(response)
}
