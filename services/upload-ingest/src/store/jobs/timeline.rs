//! The stages of an asset with all their attempts, for its owner.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::schema::{job, job_attempt};
use super::super::unknown;
use super::{kind_of, state_of};
use crate::domain::job::JobKind;
use crate::domain::processing::{JobState, Outcome};

/// A stage.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    /// Which one.
    pub(crate) kind: JobKind,
    /// Where it stands.
    pub(crate) state: JobState,
    /// Whether the asset fails with it.
    pub(crate) required: bool,
    /// Of the attempt that runs, 0 to 1.
    pub(crate) progress: f32,
    /// Attempts begun.
    pub(crate) attempt: i32,
    /// Attempts granted.
    pub(crate) max_attempts: i32,
    /// When the next attempt may begin, of one that waits for it.
    pub(crate) not_before: Option<DateTime<Utc>>,
    /// When the last attempt began.
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it was done, given up or cancelled.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Code and text of the last failure.
    pub(crate) error: Option<(String, String)>,
    /// Every attempt, the first one first.
    pub(crate) attempts: Vec<Attempt>,
}

/// An attempt at a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Which one. One that was given back has the same number as the next.
    pub(crate) attempt: i32,
    /// When it began.
    pub(crate) started_at: DateTime<Utc>,
    /// When it ended, or was found to have been lost.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// How it ended; none while it runs.
    pub(crate) outcome: Option<Outcome>,
    /// Code and text of its failure.
    pub(crate) error: Option<(String, String)>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = job, check_for_backend(diesel::pg::Pg))]
struct StageRow {
    id: Uuid,
    kind: String,
    state: String,
    required: bool,
    progress: f32,
    attempt: i32,
    max_attempts: i32,
    not_before: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    error_code: Option<String>,
    error_text: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = job_attempt, check_for_backend(diesel::pg::Pg))]
struct AttemptRow {
    job_id: Uuid,
    attempt: i32,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    error_code: Option<String>,
    error_text: Option<String>,
}

/// The stages of an asset in their order, each with its attempts. Two statements.
///
/// # Errors
/// Of the database.
pub(crate) async fn stages(conn: &mut AsyncPgConnection, asset_id: Uuid) -> QueryResult<Vec<Stage>> {
    let rows: Vec<StageRow> = job::table
        .filter(job::asset_id.eq(asset_id))
        .order((job::position, job::kind))
        .select(StageRow::as_select())
        .load(conn)
        .await?;
    let attempts: Vec<AttemptRow> = job_attempt::table
        .filter(job_attempt::job_id.eq_any(rows.iter().map(|row| row.id).collect::<Vec<_>>()))
        .order((job_attempt::job_id, job_attempt::epoch))
        .select(AttemptRow::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(|row| stage(row, &attempts)).collect()
}

fn stage(row: StageRow, attempts: &[AttemptRow]) -> QueryResult<Stage> {
    Ok(Stage {
        kind: kind_of(&row.kind)?,
        state: state_of(&row.state)?,
        required: row.required,
        progress: row.progress,
        attempt: row.attempt,
        max_attempts: row.max_attempts,
        not_before: row.not_before,
        started_at: row.started_at,
        ended_at: row.ended_at,
        error: row.error_code.zip(row.error_text),
        attempts: attempts
            .iter()
            .filter(|other| other.job_id == row.id)
            .map(attempt)
            .collect::<Result<_, _>>()?,
    })
}

fn attempt(row: &AttemptRow) -> QueryResult<Attempt> {
    let outcome = match &row.outcome {
        Some(name) => Some(Outcome::parse(name).ok_or_else(|| unknown("job_attempt.outcome", name))?),
        None => None,
    };
    Ok(Attempt {
        attempt: row.attempt,
        started_at: row.started_at,
        ended_at: row.ended_at,
        outcome,
        error: row.error_code.clone().zip(row.error_text.clone()),
    })
}
