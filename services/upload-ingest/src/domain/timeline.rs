//! What an uploader sees of the processing (U-D6): every stage with its state, progress, attempts and cause of failure, and
//! how long the rest may take.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::asset::Status;
use super::job::JobKind;
use super::processing::{JobState, Outcome};

/// Why something failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// Stable, for programs.
    pub(crate) code: String,
    /// One sentence for the owner.
    pub(crate) message: String,
}

impl Fault {
    /// From the two columns that hold it.
    pub(crate) fn of(code: Option<String>, text: Option<String>) -> Option<Self> {
        Some(Self { code: code?, message: text.unwrap_or_default() })
    }
}

/// One attempt at a stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Attempt {
    pub(crate) attempt: i32,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// Nothing while it runs.
    #[serde(serialize_with = "outcome_of")]
    pub(crate) outcome: Option<Outcome>,
    pub(crate) error: Option<Fault>,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Stage {
    #[serde(serialize_with = "name_of")]
    pub(crate) stage: JobKind,
    #[serde(serialize_with = "state_of")]
    pub(crate) state: JobState,
    pub(crate) required: bool,
    /// 0 to 1.
    pub(crate) progress: f32,
    pub(crate) attempt: i32,
    pub(crate) max_attempts: i32,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
    pub(crate) error: Option<Fault>,
    /// Whether `…/retry` would do something.
    pub(crate) retryable: bool,
    pub(crate) attempts: Vec<Attempt>,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Received {
    pub(crate) bytes: i64,
    /// In hexadecimal.
    pub(crate) sha256: String,
    pub(crate) created_at: DateTime<Utc>,
}

/// The whole of it, as it is sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Timeline {
    pub(crate) asset_id: Uuid,
    #[serde(serialize_with = "status_of")]
    pub(crate) status: Status,
    pub(crate) version: i64,
    /// Of all required stages, 0 to 1.
    pub(crate) progress: f32,
    /// How long the required stages may still take, as far as the one that runs lets it be told.
    pub(crate) eta_secs: Option<u64>,
    pub(crate) received: Received,
    pub(crate) stages: Vec<Stage>,
}

fn name_of<S: serde::Serializer>(kind: &JobKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

fn state_of<S: serde::Serializer>(state: &JobState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

fn outcome_of<S: serde::Serializer>(outcome: &Option<Outcome>, serializer: S) -> Result<S::Ok, S::Error> {
    outcome.map(Outcome::as_str).serialize(serializer)
}

fn status_of<S: serde::Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

impl Timeline {
    /// Puts it together.
    pub(crate) fn new(
        asset_id: Uuid,
        status: Status,
        version: i64,
        received: Received,
        stages: Vec<Stage>,
        now: DateTime<Utc>,
    ) -> Self {
        let progress = progress(&stages);
        let eta_secs = if status == Status::Processing { eta_secs(&stages, now) } else { None };
        Self { asset_id, status, version, progress, eta_secs, received, stages }
    }

    /// Whether nothing more will happen unless somebody asks for it.
    pub(crate) fn is_final(&self) -> bool {
        match self.status {
            Status::Processing => false,
            Status::Failed | Status::Deleted => true,
            Status::Processed | Status::Published => !self.stages.iter().any(|stage| is_open(stage.state)),
        }
    }

    /// Whether another one has no news: what time alone changes is none.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        self.version == other.version && self.status == other.status && self.stages == other.stages
    }
}

fn is_open(state: JobState) -> bool {
    matches!(state, JobState::Queued | JobState::Running | JobState::RetryWait)
}

/// How much of the work a stage is, roughly: of a video nearly all is its rendition.
fn weight(kind: JobKind) -> f32 {
    match kind {
        JobKind::Probe | JobKind::Publish => 1.0,
        JobKind::Poster => 4.0,
        JobKind::Variants => 10.0,
        JobKind::Transcode | JobKind::Playlist => 30.0,
    }
}

/// How much of a stage is done.
fn done(stage: &Stage) -> f32 {
    match stage.state {
        JobState::Done => 1.0,
        JobState::Running => stage.progress.clamp(0.0, 1.0),
        _ => 0.0,
    }
}

fn progress(stages: &[Stage]) -> f32 {
    let required = || stages.iter().filter(|stage| stage.required);
    let all: f32 = required().map(|stage| weight(stage.stage)).sum();
    let reached: f32 = required().map(|stage| weight(stage.stage) * done(stage)).sum();
    // A thousandth is as exact as it is known; more digits would be news every second.
    if all > 0.0 { (reached / all * 1000.0).round() / 1000.0 } else { 0.0 }
}

/// At the pace of the stage that runs, once it has come far enough to have one.
fn eta_secs(stages: &[Stage], now: DateTime<Utc>) -> Option<u64> {
    const ENOUGH: f32 = 0.05;
    let running = stages.iter().find(|stage| stage.required && stage.state == JobState::Running)?;
    let elapsed = (now - running.started_at?).to_std().ok()?.as_secs_f32();
    if running.progress < ENOUGH || elapsed <= 0.0 {
        return None;
    }
    let left: f32 = stages
        .iter()
        .filter(|stage| stage.required && is_open(stage.state))
        .map(|stage| weight(stage.stage) * (1.0 - done(stage)))
        .sum();
    let pace = weight(running.stage) * running.progress / elapsed;
    std::time::Duration::try_from_secs_f32((left / pace).ceil()).ok().map(|left| left.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(kind: JobKind, state: JobState, progress: f32) -> Stage {
        Stage {
            stage: kind,
            state,
            required: kind != JobKind::Playlist,
            progress,
            attempt: 1,
            max_attempts: 5,
            started_at: DateTime::from_timestamp(1_000, 0),
            ended_at: None,
            error: None,
            retryable: false,
            attempts: Vec::new(),
        }
    }

    fn timeline(status: Status, stages: Vec<Stage>, now: i64) -> Timeline {
        let created_at = DateTime::from_timestamp(900, 0).unwrap();
        let received = Received { bytes: 1, sha256: String::new(), created_at };
        let now = DateTime::from_timestamp(now, 0).unwrap();
        Timeline::new(Uuid::nil(), status, 1, received, stages, now)
    }

    fn video(transcode: JobState, progress: f32) -> Vec<Stage> {
        vec![
            stage(JobKind::Probe, JobState::Done, 1.0),
            stage(JobKind::Poster, JobState::Done, 1.0),
            stage(JobKind::Transcode, transcode, progress),
            stage(JobKind::Publish, JobState::Queued, 0.0),
        ]
    }

    #[test]
    fn progress_is_of_the_required_work() {
        let half = timeline(Status::Processing, video(JobState::Running, 0.5), 1_010);
        assert!((half.progress - 20.0 / 36.0).abs() < 0.001, "{}", half.progress);
        let mut stages = video(JobState::Done, 1.0);
        stages.insert(3, stage(JobKind::Playlist, JobState::Dead, 0.4));
        stages.last_mut().unwrap().state = JobState::Done;
        assert_eq!(timeline(Status::Published, stages, 1_010).progress, 1.0);
        assert_eq!(timeline(Status::Processing, Vec::new(), 1_010).progress, 0.0);
    }

    #[test]
    fn the_rest_is_told_at_the_pace_of_what_runs() {
        // 15 of 30 in ten seconds; 15 and the publication are left.
        let half = timeline(Status::Processing, video(JobState::Running, 0.5), 1_010);
        assert_eq!(half.eta_secs, Some(11));
        for unknown in [video(JobState::Running, 0.01), video(JobState::RetryWait, 0.5)] {
            assert_eq!(timeline(Status::Processing, unknown, 1_010).eta_secs, None);
        }
        assert_eq!(timeline(Status::Processing, video(JobState::Running, 0.5), 999).eta_secs, None);
    }

    #[test]
    fn it_ends_when_nothing_more_happens_by_itself() {
        let dead = video(JobState::Dead, 0.0);
        assert!(!timeline(Status::Processing, dead.clone(), 1).is_final());
        assert!(timeline(Status::Failed, dead.clone(), 1).is_final());
        assert!(timeline(Status::Deleted, dead, 1).is_final());
        let mut stages = video(JobState::Done, 1.0);
        stages.last_mut().unwrap().state = JobState::Done;
        assert!(timeline(Status::Published, stages.clone(), 1).is_final());
        stages.push(stage(JobKind::Playlist, JobState::Queued, 0.0));
        assert!(!timeline(Status::Published, stages, 1).is_final());
    }

    #[test]
    fn time_alone_is_no_news() {
        let at = |now| timeline(Status::Processing, video(JobState::Running, 0.5), now);
        assert_ne!(at(1_010).eta_secs, at(1_020).eta_secs);
        assert!(at(1_010).says_the_same_as(&at(1_020)));
        let further = timeline(Status::Processing, video(JobState::Running, 0.6), 1_010);
        assert!(!at(1_010).says_the_same_as(&further));
    }
}
