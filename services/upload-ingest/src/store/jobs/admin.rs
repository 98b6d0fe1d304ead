//! What administrators and metrics see of all jobs.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Double, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::schema::{asset, job};
use super::{kind_of, state_of};
use crate::domain::job::JobKind;
use crate::domain::processing::JobState;

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeadJob {
    /// The job.
    pub(crate) id: Uuid,
    /// Whose stage it is.
    pub(crate) asset_id: Uuid,
    /// Whose asset that is.
    pub(crate) owner: String,
    /// The stage.
    pub(crate) kind: JobKind,
    /// Attempts begun.
    pub(crate) attempt: i32,
    /// Stable code of the last failure.
    pub(crate) error_code: String,
    /// The same in words.
    pub(crate) error_text: String,
    /// When it was given up.
    pub(crate) ended_at: DateTime<Utc>,
}

#[derive(Queryable)]
struct DeadRow {
    id: Uuid,
    asset_id: Uuid,
    owner: String,
    kind: String,
    attempt: i32,
    error_code: Option<String>,
    error_text: Option<String>,
    ended_at: Option<DateTime<Utc>>,
}

/// Jobs that were given up, the last one first, at most `limit`; those after `after` (time and id of the last one seen).
/// Those of deleted assets are left out.
///
/// # Errors
/// Of the database.
pub(crate) async fn dead(
    conn: &mut AsyncPgConnection,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> QueryResult<Vec<DeadJob>> {
    let mut query = job::table
        .inner_join(asset::table.on(asset::id.eq(job::asset_id)))
        .filter(job::state.eq(JobState::Dead.as_str()))
        .filter(asset::deleted_at.is_null())
        .into_boxed();
    if let Some((ended_at, id)) = after {
        query = query.filter(job::ended_at.lt(ended_at).or(job::ended_at.eq(ended_at).and(job::id.lt(id))));
    }
    let rows: Vec<DeadRow> = query
        .order((job::ended_at.desc(), job::id.desc()))
        .limit(limit)
        .select((
            job::id,
            job::asset_id,
            asset::owner,
            job::kind,
            job::attempt,
            job::error_code,
            job::error_text,
            job::ended_at,
        ))
        .load(conn)
        .await?;
    rows.into_iter().map(dead_job).collect()
}

fn dead_job(row: DeadRow) -> QueryResult<DeadJob> {
    Ok(DeadJob {
        id: row.id,
        asset_id: row.asset_id,
        owner: row.owner,
        kind: kind_of(&row.kind)?,
        attempt: row.attempt,
        // Constraints see to it that what is dead has ended; what was given up has a cause.
        error_code: row.error_code.unwrap_or_default(),
        error_text: row.error_text.unwrap_or_default(),
        ended_at: row.ended_at.unwrap_or_default(),
    })
}

/// How the work stands, all in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Backlog {
    /// Number of jobs in each state that is not the end, and dead ones.
    pub(crate) jobs: Vec<(JobState, i64)>,
    /// How many of the running ones have lost their worker.
    pub(crate) lost: i64,
    /// How long the oldest asset has waited for a worker, in seconds.
    pub(crate) oldest_secs: f64,
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    jobs: i64,
    #[diesel(sql_type = BigInt)]
    lost: i64,
    #[diesel(sql_type = Double)]
    oldest_secs: f64,
}

/// An asset that a worker has does not wait, whatever its later stages do; nor does one that failed.
const BACKLOG: &str = "\
SELECT j.state, count(*) AS jobs, count(*) FILTER (WHERE j.state = 'running' AND j.lease_until < $1) AS lost, \
coalesce(max(extract(epoch FROM $1 - greatest(j.created_at, j.heartbeat_at))) FILTER (WHERE j.state = 'queued' AND NOT EXISTS (\
 SELECT 1 FROM job other WHERE other.asset_id = j.asset_id AND (other.state = 'running' \
 OR (other.required AND other.position < j.position AND other.state <> 'done')))), 0)::float8 AS oldest_secs \
FROM job j JOIN asset ON asset.id = j.asset_id AND asset.status <> 'failed' \
WHERE j.state IN ('queued', 'running', 'retry_wait') GROUP BY j.state \
UNION ALL SELECT 'dead', count(*), 0, 0 FROM job WHERE state = 'dead'";

/// How the work stands, from the indexes of what is open and what is dead.
///
/// # Errors
/// Of the database.
pub(crate) async fn backlog(conn: &mut AsyncPgConnection, now: DateTime<Utc>) -> QueryResult<Backlog> {
    let rows: Vec<StateRow> = diesel::sql_query(BACKLOG).bind::<Timestamptz, _>(now).load(conn).await?;
    let mut backlog = Backlog::default();
    for row in rows {
        backlog.jobs.push((state_of(&row.state)?, row.jobs));
        backlog.lost += row.lost;
        backlog.oldest_secs = backlog.oldest_secs.max(row.oldest_secs);
    }
    Ok(backlog)
}
