//! Jobs against a real database.

use futures_util::future::join_all;
use uuid::Uuid;

use super::fixture::{Fixture, at, claimant};
use super::{End, Retried, admin, cancel_all, claim_next, heartbeat, retry, sweep, timeline};
use crate::domain::job::JobKind;
use crate::domain::kind::MediaKind;
use crate::domain::processing::{Cause, JobState, Outcome};

#[tokio::test]
async fn stages_come_in_their_order_and_only_after_what_is_required_before() {
    let fixture = Fixture::create().await;
    let asset = fixture.asset(MediaKind::Video).await;
    for kind in [JobKind::Probe, JobKind::Poster, JobKind::Transcode] {
        let claimed = fixture.claim(asset, "a", 1).await.unwrap();
        assert_eq!(claimed.kind, kind);
        assert_eq!(fixture.claim(asset, "b", 1).await, None, "{kind:?} is required for what follows");
        assert!(fixture.end(&claimed, &End::Done, 1).await);
    }
    // A playlist is not required: the publication does not wait for it.
    assert_eq!(fixture.claim(asset, "a", 1).await.unwrap().kind, JobKind::Playlist);
    assert_eq!(fixture.claim(asset, "b", 1).await.unwrap().kind, JobKind::Publish);
}

#[tokio::test]
async fn of_many_workers_that_ask_at_once_one_gets_the_job() {
    let fixture = Fixture::create().await;
    for _ in 0..10 {
        let asset = fixture.asset(MediaKind::Image).await;
        let claims = join_all((0..8).map(|_| fixture.claim(asset, "w", 1))).await;
        assert_eq!(claims.iter().flatten().count(), 1);
        assert_eq!(
            fixture
                .number(&format!(
                    "SELECT count(*) AS number FROM job_attempt a JOIN job j ON j.id = a.job_id \
            WHERE j.asset_id = '{asset}'"
                ))
                .await,
            1
        );
    }
}

#[tokio::test]
async fn a_worker_that_was_taken_over_changes_nothing_any_more() {
    let fixture = Fixture::create().await;
    let asset = fixture.asset(MediaKind::Image).await;
    let frozen = fixture.claim(asset, "frozen", 0).await.unwrap();
    assert!(fixture.claim(asset, "other", 10).await.is_none(), "the lease holds to its end");
    let other = fixture.claim(asset, "other", 11).await.unwrap();
    assert!(other.was_lost && other.lease.epoch == frozen.lease.epoch + 1);
    let all = "SELECT row_to_json(j)::text AS text FROM job j UNION ALL SELECT row_to_json(a)::text FROM job_attempt a ORDER BY 1";
    let before = fixture.text(all).await;
    let mut conn = fixture.pool.write().await.unwrap();
    assert!(!heartbeat(&mut conn, frozen.lease, Some(0.9), at(12), at(99)).await.unwrap());
    for end in [End::Done, End::Retry(&Cause::UNAVAILABLE, at(20)), End::Dead(&Cause::LOST), End::Returned] {
        assert!(!fixture.end(&frozen, &end, 12).await, "{end:?}");
    }
    assert_eq!(fixture.text(all).await, before);
    assert!(heartbeat(&mut conn, other.lease, Some(0.5), at(12), at(22)).await.unwrap());
    assert!(fixture.end(&other, &End::Done, 13).await);
    assert!(!fixture.end(&other, &End::Done, 13).await, "an attempt ends once");
}

#[tokio::test]
async fn every_attempt_is_remembered_with_how_it_ended() {
    let fixture = Fixture::create().await;
    let asset = fixture.asset(MediaKind::Image).await;
    fixture.claim(asset, "lost", 0).await.unwrap();
    let returned = fixture.claim(asset, "returned", 11).await.unwrap();
    assert!(fixture.end(&returned, &End::Returned, 12).await);
    let failed = fixture.claim(asset, "failed", 13).await.unwrap();
    assert_eq!((returned.attempt, failed.attempt), (2, 2), "what was given back does not count");
    assert!(fixture.end(&failed, &End::Retry(&Cause::UNAVAILABLE, at(20)), 14).await);
    assert!(fixture.claim(asset, "early", 19).await.is_none());
    let done = fixture.claim(asset, "done", 20).await.unwrap();
    assert!(fixture.end(&done, &End::Done, 21).await);

    let mut conn = fixture.pool.read().await.unwrap();
    let stages = timeline::stages(&mut conn, asset).await.unwrap();
    let probe = &stages[0];
    let outcomes: Vec<_> = probe.attempts.iter().map(|attempt| attempt.outcome.unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Lost, Outcome::Cancelled, Outcome::Failed, Outcome::Done]);
    let error = |code: &Cause| Some((code.code.to_owned(), code.text.to_string()));
    assert_eq!(probe.attempts[2].error, error(&Cause::UNAVAILABLE));
    assert_eq!((probe.state, probe.attempt, &probe.error), (JobState::Done, 3, &None));
    assert_eq!((probe.progress, probe.ended_at), (1.0, Some(at(21))));
    assert_eq!((stages[1].state, stages[1].attempts.len()), (JobState::Queued, 0));
}

#[tokio::test]
async fn what_was_given_up_is_tried_again_only_when_somebody_asks() {
    let fixture = Fixture::create().await;
    let asset = fixture.asset(MediaKind::Image).await;
    let claimed = fixture.claim(asset, "w", 0).await.unwrap();
    let mut conn = fixture.pool.write().await.unwrap();
    assert_eq!(retry(&mut conn, asset, JobKind::Probe, 5).await.unwrap(), Retried::Not(JobState::Running));
    assert_eq!(retry(&mut conn, asset, JobKind::Poster, 5).await.unwrap(), Retried::NoSuchStage);
    assert!(fixture.end(&claimed, &End::Dead(&Cause::ORIGINAL_MISSING), 1).await);
    assert!(fixture.claim(asset, "w", 99).await.is_none());
    assert!(sweep::due(&mut conn, at(99), 10).await.unwrap().is_empty());

    let dead = admin::dead(&mut conn, None, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].asset_id, dead[0].error_code.as_str()), (1, asset, "original_missing"));
    assert!(admin::dead(&mut conn, Some((dead[0].ended_at, dead[0].id)), 10).await.unwrap().is_empty());

    assert_eq!(retry(&mut conn, asset, JobKind::Probe, 5).await.unwrap(), Retried::Yes(claimed.lease.job_id));
    let again = fixture.claim(asset, "w", 100).await.unwrap();
    assert_eq!((again.attempt, again.max_attempts), (2, 6));
    assert!(fixture.end(&again, &End::Done, 101).await);
}

#[tokio::test]
async fn a_deleted_asset_has_no_work_and_its_worker_is_told() {
    let fixture = Fixture::create().await;
    let asset = fixture.asset(MediaKind::Video).await;
    let claimed = fixture.claim(asset, "w", 0).await.unwrap();
    let mut conn = fixture.pool.write().await.unwrap();
    cancel_all(&mut conn, asset, at(1)).await.unwrap();
    assert!(!heartbeat(&mut conn, claimed.lease, None, at(2), at(12)).await.unwrap());
    assert!(!fixture.end(&claimed, &End::Done, 2).await);
    assert!(fixture.claim(asset, "w", 99).await.is_none());
    let states = format!("SELECT DISTINCT state AS text FROM job WHERE asset_id = '{asset}'");
    assert_eq!(fixture.text(&states).await, "cancelled");
    assert_eq!(fixture.text("SELECT outcome AS text FROM job_attempt").await, "cancelled");
}

#[tokio::test]
async fn a_worker_is_lost_so_often_and_no_more() {
    let fixture = Fixture::create().await;
    let asset = fixture.asset(MediaKind::Image).await;
    for attempt in 0..5 {
        let claimed = fixture.claim(asset, "dies", attempt * 20).await.unwrap();
        assert_eq!(i64::from(claimed.attempt), attempt + 1);
    }
    // Its attempts are used up: nobody claims it, and the sweep gives it up.
    assert!(fixture.claim(asset, "w", 200).await.is_none());
    let mut conn = fixture.pool.write().await.unwrap();
    assert_eq!(sweep::due(&mut conn, at(200), 10).await.unwrap(), [asset]);
    let lost = sweep::recover_lost(&mut conn, asset, at(200)).await.unwrap();
    assert!(lost.len() == 1 && lost[0].is_dead && lost[0].required);
    assert_eq!(fixture.text("SELECT DISTINCT outcome AS text FROM job_attempt").await, "lost");
    assert_eq!(fixture.text("SELECT error_code AS text FROM job WHERE state = 'dead'").await, "worker_lost");
}

#[tokio::test]
async fn the_backlog_counts_what_waits_and_since_when() {
    let fixture = Fixture::create().await;
    let waits = fixture.asset(MediaKind::Image).await;
    let runs = fixture.asset(MediaKind::Image).await;
    let pauses = fixture.asset(MediaKind::Image).await;
    fixture.claim(runs, "w", 0).await.unwrap();
    let claimed = fixture.claim(pauses, "w", 30).await.unwrap();
    assert!(fixture.end(&claimed, &End::Retry(&Cause::UNAVAILABLE, at(35)), 31).await);
    let mut conn = fixture.pool.read().await.unwrap();
    let backlog = admin::backlog(&mut conn, at(60)).await.unwrap();
    let of = |state| backlog.jobs.iter().find(|(of, _)| *of == state).map(|(_, jobs)| *jobs);
    assert_eq!(
        (of(JobState::Queued), of(JobState::Running), of(JobState::RetryWait)),
        (Some(7), Some(1), Some(1))
    );
    assert_eq!((of(JobState::Dead), backlog.lost), (Some(0), 1));
    assert!((backlog.oldest_secs - 60.0).abs() < 0.1, "{}", backlog.oldest_secs);
    // Whom a worker has, or who waits for a pause, is not forgotten.
    assert_eq!(sweep::forgotten(&mut conn, at(50), 10).await.unwrap(), [waits]);
    assert!(sweep::forgotten(&mut conn, at(0), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_claim_of_nothing_finds_nothing() {
    let fixture = Fixture::create().await;
    let mut conn = fixture.pool.write().await.unwrap();
    assert_eq!(claim_next(&mut conn, Uuid::now_v7(), claimant("w", 0)).await.unwrap(), None);
}
