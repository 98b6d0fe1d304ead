//! Jobs that nobody would come for: lost ones, those whose pause is over, those that no message speaks of.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::schema::job;
use super::kind_of;
use crate::domain::job::JobKind;
use crate::domain::processing::{Cause, JobState};

/// A job that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The job.
    pub(crate) id: Uuid,
    /// Its stage.
    pub(crate) kind: JobKind,
    /// Whether the asset fails with it.
    pub(crate) required: bool,
    /// Whether its attempts were used up, so that it is given up.
    pub(crate) is_dead: bool,
}

#[derive(QueryableByName)]
struct AssetId {
    #[diesel(sql_type = SqlUuid)]
    asset_id: Uuid,
}

#[derive(QueryableByName)]
struct LostRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    required: bool,
    #[diesel(sql_type = Text)]
    state: String,
}

/// Assets with a job that is lost or whose pause is over, at most `limit`.
///
/// # Errors
/// Of the database.
pub(crate) async fn due(
    conn: &mut AsyncPgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Uuid>> {
    let found: Vec<AssetId> = diesel::sql_query(
        "SELECT DISTINCT asset_id FROM job WHERE (state = 'running' AND lease_until < $1) \
         OR (state = 'retry_wait' AND not_before <= $1) LIMIT $2",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(found.into_iter().map(|row| row.asset_id).collect())
}

/// Assets that have waited for a worker since before `since` and that none works on: the longest wait first, at most `limit`.
///
/// # Errors
/// Of the database.
pub(crate) async fn forgotten(
    conn: &mut AsyncPgConnection,
    since: DateTime<Utc>,
    limit: i64,
) -> QueryResult<Vec<Uuid>> {
    let found: Vec<AssetId> = diesel::sql_query(
        "SELECT j.asset_id FROM job j WHERE j.state = 'queued' AND j.created_at < $1 \
         AND coalesce(j.heartbeat_at, j.created_at) < $1 \
         AND NOT EXISTS (SELECT 1 FROM job other WHERE other.asset_id = j.asset_id AND (other.state = 'running' \
          OR (other.required AND other.position < j.position AND other.state <> 'done'))) \
         ORDER BY j.created_at LIMIT $2",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    Ok(found.into_iter().map(|row| row.asset_id).collect())
}

const RECOVER: &str = "\
WITH lost AS (\
 UPDATE job SET state = CASE WHEN attempt < max_attempts THEN 'queued' ELSE 'dead' END, worker = NULL, lease_until = NULL, \
 progress = 0, error_code = $3, error_text = $4, ended_at = CASE WHEN attempt < max_attempts THEN NULL ELSE $2 END \
 WHERE asset_id = $1 AND state = 'running' AND lease_until < $2 RETURNING id, epoch, kind, required, state\
), noted AS (\
 UPDATE job_attempt a SET ended_at = $2, outcome = 'lost' FROM lost \
 WHERE a.job_id = lost.id AND a.epoch = lost.epoch AND a.ended_at IS NULL\
) \
SELECT id, kind, required, state FROM lost";

/// Frees the lost jobs of an asset, or gives those up whose attempts are used up. The asset must be locked.
///
/// # Errors
/// Of the database.
pub(crate) async fn recover_lost(
    conn: &mut AsyncPgConnection,
    asset_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Vec<Lost>> {
    let rows: Vec<LostRow> = diesel::sql_query(RECOVER)
        .bind::<SqlUuid, _>(asset_id)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(Cause::LOST.code)
        .bind::<Text, _>(Cause::LOST.text.as_ref())
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            let is_dead = row.state == JobState::Dead.as_str();
            Ok(Lost { id: row.id, kind: kind_of(&row.kind)?, required: row.required, is_dead })
        })
        .collect()
}

/// Frees the jobs of an asset whose pause is over. The asset must be locked.
///
/// # Errors
/// Of the database.
pub(crate) async fn end_pauses(
    conn: &mut AsyncPgConnection,
    asset_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<Vec<(Uuid, JobKind)>> {
    let waiting = job::table
        .filter(job::asset_id.eq(asset_id))
        .filter(job::state.eq(JobState::RetryWait.as_str()))
        .filter(job::not_before.le(now));
    let rows: Vec<(Uuid, String)> = diesel::update(waiting)
        .set((job::state.eq(JobState::Queued.as_str()), job::not_before.eq(None::<DateTime<Utc>>)))
        .returning((job::id, job::kind))
        .get_results(conn)
        .await?;
    rows.into_iter().map(|(id, kind)| Ok((id, kind_of(&kind)?))).collect()
}

/// The jobs of an asset that wait for a worker, in their order.
///
/// # Errors
/// Of the database.
pub(crate) async fn queued(
    conn: &mut AsyncPgConnection,
    asset_id: Uuid,
) -> QueryResult<Vec<(Uuid, JobKind)>> {
    let rows: Vec<(Uuid, String)> = job::table
        .filter(job::asset_id.eq(asset_id))
        .filter(job::state.eq(JobState::Queued.as_str()))
        .order(job::position)
        .select((job::id, job::kind))
        .load(conn)
        .await?;
    rows.into_iter().map(|(id, kind)| Ok((id, kind_of(&kind)?))).collect()
}
