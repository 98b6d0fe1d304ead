//! Forgets what is past its time: stories, the log of feeds, answers to idempotent requests, assets that nothing shows.

use chrono::TimeDelta;
use pg_pool::Connection;
use service_error::ServiceError;

use crate::cache::groups::{self, Affected};
use crate::state::AppState;
use crate::store::maintenance::{self, Limits};

/// Stories forgotten by one transaction, with all that hangs on them.
const STORIES: usize = 50;
/// Other rows forgotten by one statement: short locks.
const BATCH: usize = 1000;
/// How long what was told of an asset that nothing shows is kept: much longer than a story may be on its way with an older answer.
const MEDIA: TimeDelta = TimeDelta::days(1);

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Purged {
    /// Stories.
    pub(super) stories: usize,
    /// Entries of logs.
    pub(super) log_entries: usize,
    /// Answers to idempotent requests.
    pub(super) answers: usize,
    /// Assets.
    pub(super) media: usize,
}

/// Forgets all that is past its time.
///
/// # Errors
/// Of the database and of the cache; what was done before stays done.
pub(super) async fn pass(state: &AppState) -> Result<Purged, ServiceError> {
    Ok(Purged {
        stories: stories(state).await?,
        log_entries: log_entries(state).await?,
        answers: {
            let mut conn = state.stories.read().await?;
            idempotency::purge_older_than(&mut conn, state.config.api.idempotency_retention_hours).await?
        },
        media: media(state).await?,
    })
}

/// Stories come first: what they showed can be forgotten after them.
async fn stories(state: &AppState) -> Result<usize, ServiceError> {
    let mut purged = 0;
    loop {
        let limits = Limits {
            now: state.context.now(),
            ended: TimeDelta::days(state.config.jobs.ended_retention_days.into()),
        };
        let ids = {
            let mut conn = state.stories.read().await?;
            maintenance::past_stories(&mut conn, limits, of(STORIES)).await?
        };
        if ids.is_empty() {
            return Ok(purged);
        }
        let (affected, found) = (Affected::of("story", ids.iter().copied().map(groups::story)), ids.len());
        let work =
            async move |conn: &mut Connection| Ok(maintenance::purge_stories(conn, &ids, limits).await?);
        let done = state.stories.change("purge_stories", &affected, work).await?;
        purged += done;
        if found < STORIES || done == 0 {
            return Ok(purged);
        }
    }
}

async fn log_entries(state: &AppState) -> Result<usize, ServiceError> {
    let kept = TimeDelta::seconds(state.config.jobs.event_retention_secs.into());
    let mut conn = state.stories.read().await?;
    let mut purged = 0;
    for (gym, last) in maintenance::past_log(&mut conn, state.context.now() - kept).await? {
        loop {
            let done = maintenance::purge_log(&mut conn, gym, last, of(BATCH)).await?;
            purged += done;
            if done < BATCH {
                break;
            }
        }
    }
    Ok(purged)
}

async fn media(state: &AppState) -> Result<usize, ServiceError> {
    let mut purged = 0;
    loop {
        let before = state.context.now() - MEDIA;
        let work =
            async move |conn: &mut Connection| Ok(maintenance::purge_media(conn, before, of(BATCH)).await?);
        let done = state.stories.change_unseen("purge_media", work).await?;
        purged += done;
        if done < BATCH {
            return Ok(purged);
        }
    }
}

fn of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
