//! Forgets what counts no more: answers to idempotent requests, and guesses older than an hour.

use chrono::TimeDelta;
use pg_pool::Connection;
use service_error::ServiceError;

use crate::state::AppState;
use crate::store::maintenance;

/// Rows forgotten by one statement: short locks.
const BATCH: usize = 1000;
/// How long a wrong guess counts.
const GUESS_COUNTS: TimeDelta = TimeDelta::hours(1);

/// Forgets all that is past its time. Returns how many rows that were.
///
/// # Errors
/// Of the database; what was done before stays done.
pub(super) async fn pass(state: &AppState) -> Result<usize, ServiceError> {
    let answers = {
        let mut conn = state.desk.read().await?;
        idempotency::purge_older_than(&mut conn, state.config.api.idempotency_retention_hours).await?
    };
    Ok(answers + guesses(state).await?)
}

async fn guesses(state: &AppState) -> Result<usize, ServiceError> {
    let mut purged = 0;
    loop {
        let before = state.context.now() - GUESS_COUNTS;
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let work =
            async move |conn: &mut Connection| Ok(maintenance::purge_guesses(conn, before, limit).await?);
        let done = state.desk.change_unseen("purge_guesses", work).await?;
        purged += done;
        if done < BATCH {
            return Ok(purged);
        }
    }
}
