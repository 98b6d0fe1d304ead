//! Stories whose time is over become their authors' alone, in name, and others are told.

use pg_pool::Connection;
use service_error::ServiceError;
use uuid::Uuid;

use crate::cache::groups::{self, Affected};
use crate::events::published::{Ending, story_ended};
use crate::state::AppState;
use crate::store::maintenance;

/// Stories archived by one transaction.
const BATCH: usize = 100;

/// Archives all that has expired, and returns how many that were. Feeds do not change by it: an author who looks at a story by itself
/// sees another state.
///
/// # Errors
/// Of the database and of the cache; what was done before stays done.
pub(super) async fn pass(state: &AppState) -> Result<usize, ServiceError> {
    let mut archived = 0;
    loop {
        let ids = {
            let mut conn = state.stories.read().await?;
            let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
            maintenance::expired(&mut conn, state.context.now(), limit).await?
        };
        if ids.is_empty() {
            return Ok(archived);
        }
        let (affected, found) = (Affected::of("story", ids.iter().copied().map(groups::story)), ids.len());
        let shared = state.clone();
        let work = async move |conn: &mut Connection| archive(conn, &shared, &ids).await;
        let done = state.stories.change("archive_stories", &affected, work).await?;
        (state.context.wake_relay)();
        archived += done;
        // Fewer than were found: another replica is at them.
        if found < BATCH || done == 0 {
            return Ok(archived);
        }
    }
}

async fn archive(conn: &mut Connection, state: &AppState, ids: &[Uuid]) -> Result<usize, ServiceError> {
    let now = state.context.now();
    let archived = maintenance::archive(conn, ids, now).await?;
    let told = archived
        .iter()
        .map(|about| story_ended((state.context.new_id)(), about, Ending::Expired, None, now))
        .collect::<Vec<_>>();
    event_bus::enqueue(conn, &told).await?;
    Ok(archived.len())
}
