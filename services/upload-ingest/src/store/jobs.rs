//! The stages of assets as jobs: claimed by one worker at a time, kept alive, ended.
//!
//! Whoever works on a job holds an epoch. Every statement of a worker names it and the state `running`, so that a worker that
//! was paused while another took over, or whose asset was deleted, changes nothing any more (U-D5).
//!
//! Lock order: whoever changes an asset and its jobs in one transaction locks the asset first ([`asset::lock`]).

pub(crate) mod admin;
pub(crate) mod asset;
pub(crate) mod sweep;
pub(crate) mod timeline;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Float, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::job;
use super::unknown;
use crate::domain::job::JobKind;
use crate::domain::kind::MediaKind;
use crate::domain::processing::{Cause, JobState, Outcome};

/// The claim under which a worker works on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// The job.
    pub(crate) job_id: Uuid,
    /// Whose stage it is.
    pub(crate) asset_id: Uuid,
    /// Which claim of it.
    pub(crate) epoch: i64,
}

/// A job that was claimed, with what its worker needs to know of the asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    /// The claim.
    pub(crate) lease: Lease,
    /// The stage.
    pub(crate) kind: JobKind,
    /// Whether the asset fails with it.
    pub(crate) required: bool,
    /// Which attempt this is.
    pub(crate) attempt: i32,
    /// How many are granted.
    pub(crate) max_attempts: i32,
    /// Whether the worker before gave no sign of life any more.
    pub(crate) was_lost: bool,
    /// What the asset is.
    pub(crate) media: MediaKind,
    /// Ties upload, processing and log lines together.
    pub(crate) correlation_id: Uuid,
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    epoch: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    required: bool,
    #[diesel(sql_type = Integer)]
    attempt: i32,
    #[diesel(sql_type = Integer)]
    max_attempts: i32,
    #[diesel(sql_type = Bool)]
    was_lost: bool,
    #[diesel(sql_type = Text)]
    media: String,
    #[diesel(sql_type = SqlUuid)]
    correlation_id: Uuid,
}

/// Who claims, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimant<'a> {
    /// Name of the worker.
    pub(crate) worker: &'a str,
    /// The time.
    pub(crate) now: DateTime<Utc>,
    /// Until when it is taken to be alive.
    pub(crate) lease_until: DateTime<Utc>,
}

/// A job is free when it waits, when its pause is over, or when its worker is lost and attempts are left; and when every
/// required stage before it is done. A lost one whose attempts are used up is for the sweep to bury.
const CLAIM: &str = "\
WITH next AS (\
 SELECT j.id, j.epoch, j.state = 'running' AS was_lost FROM job j WHERE j.asset_id = $1 \
 AND (j.state = 'queued' OR (j.state = 'retry_wait' AND j.not_before <= $3) \
  OR (j.state = 'running' AND j.lease_until < $3 AND j.attempt < j.max_attempts)) \
 AND NOT EXISTS (SELECT 1 FROM job before WHERE before.asset_id = j.asset_id AND before.required \
  AND before.position < j.position AND before.state <> 'done') \
 ORDER BY j.position LIMIT 1 FOR UPDATE OF j SKIP LOCKED\
), lost AS (\
 UPDATE job_attempt a SET ended_at = $3, outcome = 'lost' FROM next \
 WHERE a.job_id = next.id AND a.epoch = next.epoch AND a.ended_at IS NULL\
), claimed AS (\
 UPDATE job SET state = 'running', epoch = job.epoch + 1, attempt = job.attempt + 1, worker = $2, lease_until = $4, \
 not_before = NULL, progress = 0, started_at = $3, heartbeat_at = $3 FROM next WHERE job.id = next.id \
 RETURNING job.id, job.asset_id, job.epoch, job.kind, job.required, job.attempt, job.max_attempts, next.was_lost\
), begun AS (\
 INSERT INTO job_attempt (job_id, epoch, attempt, worker, started_at) SELECT id, epoch, attempt, $2, $3 FROM claimed\
) \
SELECT c.id, c.epoch, c.kind, c.required, c.attempt, c.max_attempts, c.was_lost, asset.kind AS media, asset.correlation_id \
FROM claimed c JOIN asset ON asset.id = c.asset_id";

/// Claims the next job of an asset that can be worked on now; `None` when there is none. Of several workers that ask at the
/// same time one gets it. An attempt is counted and noted; that of a lost worker before is noted as lost.
///
/// # Errors
/// Of the database.
pub(crate) async fn claim_next(
    conn: &mut AsyncPgConnection,
    asset_id: Uuid,
    claimant: Claimant<'_>,
) -> QueryResult<Option<Claimed>> {
    let row: Option<ClaimedRow> = diesel::sql_query(CLAIM)
        .bind::<SqlUuid, _>(asset_id)
        .bind::<Text, _>(claimant.worker)
        .bind::<Timestamptz, _>(claimant.now)
        .bind::<Timestamptz, _>(claimant.lease_until)
        .get_result(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Claimed {
        lease: Lease { job_id: row.id, asset_id, epoch: row.epoch },
        kind: kind_of(&row.kind)?,
        required: row.required,
        attempt: row.attempt,
        max_attempts: row.max_attempts,
        was_lost: row.was_lost,
        media: MediaKind::parse(&row.media).ok_or_else(|| unknown("asset.kind", &row.media))?,
        correlation_id: row.correlation_id,
    }))
}

/// Notes a sign of life and, where it is given, how far the attempt has come. False when the claim does not hold any more.
///
/// # Errors
/// Of the database.
pub(crate) async fn heartbeat(
    conn: &mut AsyncPgConnection,
    lease: Lease,
    progress: Option<f32>,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> QueryResult<bool> {
    let noted = diesel::sql_query(
        "UPDATE job SET lease_until = $4, heartbeat_at = $3, progress = coalesce($5, progress) \
         WHERE id = $1 AND epoch = $2 AND state = 'running'",
    )
    .bind::<SqlUuid, _>(lease.job_id)
    .bind::<diesel::sql_types::BigInt, _>(lease.epoch)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(lease_until)
    .bind::<Nullable<Float>, _>(progress.map(|progress| progress.clamp(0.0, 1.0)))
    .execute(conn)
    .await?;
    Ok(noted == 1)
}

/// How an attempt ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End<'a> {
    /// The stage is done.
    Done,
    /// It failed and is tried again, not before that time.
    Retry(&'a Cause, DateTime<Utc>),
    /// It failed and is given up.
    Dead(&'a Cause),
    /// Its worker gives it back unfinished; the attempt does not count.
    Returned,
}

impl End<'_> {
    fn state(&self) -> JobState {
        match self {
            Self::Done => JobState::Done,
            Self::Retry(..) => JobState::RetryWait,
            Self::Dead(_) => JobState::Dead,
            Self::Returned => JobState::Queued,
        }
    }

    /// How the attempt is remembered.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Done => Outcome::Done,
            Self::Retry(..) | Self::Dead(_) => Outcome::Failed,
            Self::Returned => Outcome::Cancelled,
        }
    }

    fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Retry(cause, _) | Self::Dead(cause) => Some(cause),
            Self::Done | Self::Returned => None,
        }
    }
}

const END: &str = "\
WITH ended AS (\
 UPDATE job SET state = $4, worker = NULL, lease_until = NULL, not_before = $5, heartbeat_at = $3, \
 attempt = attempt - CASE WHEN $4 = 'queued' THEN 1 ELSE 0 END, progress = CASE WHEN $4 = 'done' THEN 1 ELSE 0 END, \
 ended_at = CASE WHEN $4 IN ('done', 'dead') THEN $3 END, error_code = $6, error_text = $7 \
 WHERE id = $1 AND epoch = $2 AND state = 'running' RETURNING id, epoch\
) \
UPDATE job_attempt a SET ended_at = $3, outcome = $8, error_code = $6, error_text = $7 FROM ended \
WHERE a.job_id = ended.id AND a.epoch = ended.epoch";

/// Ends an attempt. False when the claim does not hold any more: nothing has changed, and nothing else may.
///
/// # Errors
/// Of the database.
pub(crate) async fn end(
    conn: &mut AsyncPgConnection,
    lease: Lease,
    end: &End<'_>,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let not_before = match end {
        End::Retry(_, at) => Some(*at),
        _ => None,
    };
    let ended = diesel::sql_query(END)
        .bind::<SqlUuid, _>(lease.job_id)
        .bind::<diesel::sql_types::BigInt, _>(lease.epoch)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(end.state().as_str())
        .bind::<Nullable<Timestamptz>, _>(not_before)
        .bind::<Nullable<Text>, _>(end.cause().map(|cause| cause.code))
        .bind::<Nullable<Text>, _>(end.cause().map(|cause| cause.text.as_ref()))
        .bind::<Text, _>(end.outcome().as_str())
        .execute(conn)
        .await?;
    Ok(ended == 1)
}

/// What came of asking for another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retried {
    /// It waits for a worker again, with as many attempts more as a new one has.
    Yes(Uuid),
    /// It was not given up; where it stands.
    Not(JobState),
    /// The asset has no such stage.
    NoSuchStage,
}

/// Has a stage that was given up tried again. The asset must be locked; see [`asset::reopen`] for what follows for it.
///
/// # Errors
/// Of the database.
pub(crate) async fn retry(
    conn: &mut AsyncPgConnection,
    asset_id: Uuid,
    kind: JobKind,
    more_attempts: i32,
) -> QueryResult<Retried> {
    let of_stage = job::asset_id.eq(asset_id).and(job::kind.eq(kind.as_str()));
    let found: Option<(Uuid, String)> =
        job::table.filter(of_stage).select((job::id, job::state)).first(conn).await.optional()?;
    let Some((id, state)) = found else { return Ok(Retried::NoSuchStage) };
    let state = state_of(&state)?;
    if state != JobState::Dead {
        return Ok(Retried::Not(state));
    }
    diesel::update(job::table.find(id))
        .set((
            job::state.eq(JobState::Queued.as_str()),
            job::max_attempts.eq(job::attempt + more_attempts),
            job::progress.eq(0.0),
            job::error_code.eq(None::<String>),
            job::error_text.eq(None::<String>),
            job::ended_at.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    Ok(Retried::Yes(id))
}

/// Cancels whatever of an asset is not at its end. Workers find out by their claims. The asset must be locked.
///
/// # Errors
/// Of the database.
pub(crate) async fn cancel_all(
    conn: &mut AsyncPgConnection,
    asset_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::sql_query(
        "WITH cancelled AS (\
         UPDATE job SET state = 'cancelled', worker = NULL, lease_until = NULL, not_before = NULL, ended_at = $2 \
         WHERE asset_id = $1 AND state IN ('queued', 'running', 'retry_wait') RETURNING id, epoch) \
         UPDATE job_attempt a SET ended_at = $2, outcome = 'cancelled' FROM cancelled \
         WHERE a.job_id = cancelled.id AND a.epoch = cancelled.epoch AND a.ended_at IS NULL",
    )
    .bind::<SqlUuid, _>(asset_id)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
    .map(|_| ())
}

fn kind_of(name: &str) -> QueryResult<JobKind> {
    JobKind::parse(name).ok_or_else(|| unknown("job.kind", name))
}

fn state_of(name: &str) -> QueryResult<JobState> {
    JobState::parse(name).ok_or_else(|| unknown("job.state", name))
}
