//! Passes against a real database and store.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use blob_store::{BlobStore, LocalConfig, ObjectKey, Source, StorageConfig};
use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::RunQueryDsl as _;
use pg_pool::PgError;
use telemetry::metrics::Metrics;
use tempfile::TempDir;
use uuid::Uuid;

use super::meters::Meters;
use super::purge::{Purge, Purged};
use super::reconcile::{Reconciler, Report};
use super::sweep::{Sweep, Swept};
use crate::config::Config;
use crate::domain::kind::MediaKind;
use crate::domain::layout;
use crate::domain::processing::Cause;
use crate::state::Context;
use crate::store::jobs::fixture::{Fixture, at};
use crate::store::jobs::{self, End};
use crate::store::maintenance::Turn;

/// A clock that tests set by choosing one of these.
fn at_100() -> DateTime<Utc> {
    at(100)
}

fn sweep(fixture: &Fixture) -> Sweep {
    let context = Context { now: at_100, new_id: Uuid::now_v7, wake_relay: Arc::new(|| {}) };
    Sweep { pool: fixture.pool.clone(), context, meters: Meters::new(&Metrics::new("test")) }
}

async fn store() -> (TempDir, BlobStore) {
    let root = tempfile::tempdir().unwrap();
    let local = LocalConfig { root: root.path().join("store"), ..LocalConfig::default() };
    let blobs = BlobStore::open(&StorageConfig { local, ..StorageConfig::default() }).await.unwrap();
    (root, blobs)
}

async fn put(blobs: &BlobStore, key: &str) {
    let bytes = Source::Bytes(b"four".as_slice().into());
    blobs.put(&ObjectKey::new(key).unwrap(), bytes).await.unwrap();
}

async fn is_there(blobs: &BlobStore, key: &str) -> bool {
    blobs.stat(&ObjectKey::new(key).unwrap()).await.unwrap().is_some()
}

/// An hour from now: everything that was put is old then.
fn later() -> DateTime<Utc> {
    DateTime::<Utc>::from(SystemTime::now()) + TimeDelta::hours(1)
}

fn reconciler(fixture: &Fixture, blobs: &BlobStore, now: fn() -> DateTime<Utc>) -> Reconciler {
    let text = "[postgres]\nurl = \"postgres://x@127.0.0.1/x\"\n[ingest]\norphan_secs = 600\n\
                [api]\ncursor_key = \"a key of the tests, forty characters long\"\n\
                [media]\ncapability_key = \"a key of the tests, forty characters long\"\n";
    Reconciler::new(&settings::from_toml::<Config>(text).unwrap(), &fixture.pool, blobs, now)
}

async fn pass(reconciler: &Reconciler, dry_run: bool) -> Report {
    let taken = async {
        loop {
            if let Some(turn) = Turn::take(&reconciler.pool).await.unwrap() {
                return turn;
            }
            // The session that had it last is closed, and the server has not seen it yet.
            tokio::task::yield_now().await;
        }
    };
    let mut turn = tokio::time::timeout(Duration::from_secs(10), taken).await.expect("nobody has the turn");
    reconciler.pass(&mut turn, dry_run).await.unwrap()
}

#[tokio::test]
async fn a_lost_job_and_one_whose_pause_is_over_wait_for_a_worker_again() {
    let fixture = Fixture::create().await;
    let (lost, paused, alive) = (
        fixture.asset(MediaKind::Image).await,
        fixture.asset(MediaKind::Image).await,
        fixture.asset(MediaKind::Image).await,
    );
    fixture.claim(lost, "w", 80).await.unwrap();
    fixture.claim(alive, "w", 95).await.unwrap();
    let failed = fixture.claim(paused, "w", 80).await.unwrap();
    assert!(fixture.end(&failed, &End::Retry(&Cause::UNAVAILABLE, at(99)), 81).await);

    let sweep = sweep(&fixture);
    assert_eq!(sweep.pass().await.unwrap(), Swept { freed: 2, dead: 0 });
    let woken =
        "SELECT DISTINCT aggregate AS text FROM outbox WHERE subject = 'upload_ingest.job.queued' ORDER BY 1";
    assert_eq!(fixture.text(woken).await, format!("asset/{lost},asset/{paused}"));
    assert_eq!(sweep.pass().await.unwrap(), Swept::default(), "each is woken for once");
    assert_eq!(fixture.claim(lost, "next", 101).await.unwrap().attempt, 2);
    assert_eq!(fixture.claim(paused, "next", 101).await.unwrap().attempt, 2);
    assert!(fixture.claim(alive, "next", 101).await.is_none());
}

#[tokio::test]
async fn an_asset_fails_with_a_stage_whose_workers_were_all_lost() {
    let fixture = Fixture::create().await;
    let asset = fixture.asset(MediaKind::Image).await;
    for attempt in 0..5 {
        fixture.claim(asset, "dies", attempt * 15).await.unwrap();
    }
    assert_eq!(sweep(&fixture).pass().await.unwrap(), Swept { freed: 0, dead: 1 });
    let state = "SELECT concat_ws(' ', status, error_code, version) AS text FROM asset";
    assert_eq!(fixture.text(state).await, "failed worker_lost 2");
    assert_eq!(fixture.text("SELECT subject AS text FROM outbox").await, "upload_ingest.asset.failed");
}

#[tokio::test]
async fn what_waits_although_nobody_speaks_of_it_is_found() {
    let fixture = Fixture::create().await;
    let asset = fixture.asset(MediaKind::Image).await;
    let sweep = sweep(&fixture);
    assert_eq!(sweep.wake_forgotten(Duration::from_secs(300)).await.unwrap(), 0);
    assert_eq!(sweep.wake_forgotten(Duration::from_secs(60)).await.unwrap(), 1);
    assert_eq!(fixture.text("SELECT aggregate AS text FROM outbox").await, format!("asset/{asset}"));
}

#[tokio::test]
async fn many_sweeps_at_once_free_a_job_once() {
    let fixture = Fixture::create().await;
    for _ in 0..20 {
        let asset = fixture.asset(MediaKind::Image).await;
        fixture.claim(asset, "w", 0).await.unwrap();
    }
    let sweeps: Vec<Sweep> = (0..4).map(|_| sweep(&fixture)).collect();
    let swept = futures_util::future::join_all(sweeps.iter().map(Sweep::pass)).await;
    let freed: usize = swept.into_iter().map(|done| done.unwrap().freed).sum();
    assert_eq!(freed, 20);
    assert_eq!(fixture.number("SELECT count(*) AS number FROM outbox").await, 20);
}

#[tokio::test]
async fn a_store_that_agrees_with_the_database_is_left_alone() {
    let fixture = Fixture::create().await;
    let (_root, blobs) = store().await;
    for _ in 0..3 {
        let asset = fixture.asset(MediaKind::Image).await;
        put(&blobs, &layout::original_key(asset)).await;
    }
    let report = pass(&reconciler(&fixture, &blobs, later), false).await;
    assert_eq!(report, Report { objects: 3, rows: 3, ..Report::default() });
}

#[tokio::test]
async fn what_nothing_refers_to_is_removed_once_it_is_old() {
    let fixture = Fixture::create().await;
    let (_root, blobs) = store().await;
    let finished = fixture.asset(MediaKind::Image).await;
    fixture.run("UPDATE job SET state = 'done', ended_at = created_at").await;
    let at_work = fixture.asset(MediaKind::Image).await;
    for asset in [finished, at_work] {
        put(&blobs, &layout::original_key(asset)).await;
        put(&blobs, &layout::rendition_key(asset, "thumb", &"0f".repeat(16), "webp")).await;
    }
    let never = layout::original_key(Uuid::now_v7());
    put(&blobs, &never).await;

    let young = pass(&reconciler(&fixture, &blobs, pg_pool::now), false).await;
    assert_eq!(young, Report { objects: 5, rows: 2, ..Report::default() });
    let found = Report { objects: 5, rows: 2, orphan_objects: 2, ..Report::default() };
    assert_eq!(pass(&reconciler(&fixture, &blobs, later), true).await, found);
    assert!(is_there(&blobs, &never).await, "it was only looked for");
    assert_eq!(pass(&reconciler(&fixture, &blobs, later), false).await, found);
    assert!(!is_there(&blobs, &never).await);
    // A worker may be about to refer to it.
    assert!(is_there(&blobs, &layout::rendition_key(at_work, "thumb", &"0f".repeat(16), "webp")).await);
    let after = pass(&reconciler(&fixture, &blobs, later), false).await;
    assert_eq!(after, Report { objects: 3, rows: 2, ..Report::default() });
}

#[tokio::test]
async fn what_a_failed_asset_leaves_behind_is_removed_too() {
    let fixture = Fixture::create().await;
    let (_root, blobs) = store().await;
    let asset = fixture.asset(MediaKind::Image).await;
    put(&blobs, &layout::original_key(asset)).await;
    put(&blobs, &layout::rendition_key(asset, "thumb", &"0f".repeat(16), "webp")).await;
    let reconciler = reconciler(&fixture, &blobs, later);
    assert_eq!(pass(&reconciler, false).await.orphan_objects, 0, "a worker may begin at any time");
    let claimed = fixture.claim(asset, "w", 0).await.unwrap();
    assert_eq!(pass(&reconciler, false).await.orphan_objects, 0);
    assert!(fixture.end(&claimed, &End::Dead(&Cause::LOST), 1).await);
    // The later stages wait for one that was given up.
    assert_eq!(pass(&reconciler, false).await.orphan_objects, 1);
}

/// Between the look and the removal the process may be paused for any time.
#[tokio::test]
async fn what_is_referred_to_after_it_was_looked_at_is_not_removed() {
    let fixture = Fixture::create().await;
    let (_root, blobs) = store().await;
    let asset = fixture.asset(MediaKind::Image).await;
    fixture.run("UPDATE job SET state = 'done', ended_at = created_at").await;
    put(&blobs, &layout::original_key(asset)).await;
    let key = layout::rendition_key(asset, "thumb", &"0f".repeat(16), "webp");
    put(&blobs, &key).await;
    let reconciler = reconciler(&fixture, &blobs, later);
    let (locked, is_locked) = tokio::sync::oneshot::channel();
    let refer = fixture.pool.tx("refer", async |conn| {
        jobs::asset::lock(conn, asset).await?;
        locked.send(()).unwrap();
        let waits = "SELECT count(*) AS number FROM pg_stat_activity \
                     WHERE wait_event_type = 'Lock' AND datname = current_database()";
        test_harness::wait_until("the reconciler is at it", Duration::from_secs(10), async || {
            fixture.number(waits).await == 1
        })
        .await;
        let row = format!(
            "INSERT INTO storage_object (key, backend, asset_id, bytes, sha256, created_at) \
             VALUES ('{key}', 'local', '{asset}', 4, decode(repeat('ab', 32), 'hex'), now())"
        );
        diesel::sql_query(row).execute(conn).await?;
        Ok::<_, PgError>(())
    });
    let pass = async {
        is_locked.await.unwrap();
        pass(&reconciler, false).await
    };
    let (report, referred) = tokio::join!(pass, refer);
    referred.unwrap();
    assert_eq!(report.orphan_objects, 0);
    assert!(is_there(&blobs, &key).await);
}

#[tokio::test]
async fn an_object_that_is_missed_is_reported_and_its_row_stays() {
    let fixture = Fixture::create().await;
    let (_root, blobs) = store().await;
    fixture.asset(MediaKind::Image).await;
    let whole = fixture.asset(MediaKind::Image).await;
    put(&blobs, &layout::original_key(whole)).await;
    for _ in 0..2 {
        let report = pass(&reconciler(&fixture, &blobs, later), false).await;
        assert_eq!(report, Report { objects: 1, rows: 2, missing_objects: 1, ..Report::default() });
    }
}

#[tokio::test]
async fn objects_of_a_deleted_asset_go_with_their_rows_and_later_the_asset() {
    let fixture = Fixture::create().await;
    let (_root, blobs) = store().await;
    let asset = fixture.asset(MediaKind::Video).await;
    fixture.claim(asset, "w", 0).await.unwrap();
    put(&blobs, &layout::original_key(asset)).await;
    fixture.delete(asset, 1).await;
    let purge =
        Purge { pool: fixture.pool.clone(), now: || at(0) + TimeDelta::days(31), idempotency_hours: 24 };
    assert_eq!(purge.pass().await.unwrap(), Purged::default(), "its object is still there");

    let report = pass(&reconciler(&fixture, &blobs, pg_pool::now), false).await;
    assert_eq!(report, Report { doomed_removed: 1, ..Report::default() });
    assert_eq!(purge.pass().await.unwrap(), Purged { assets: 1, ..Purged::default() });
    assert_eq!(fixture.number("SELECT count(*) AS number FROM asset, job").await, 0);
}

#[tokio::test]
async fn bytes_of_an_upload_that_nobody_goes_on_with_are_removed() {
    let fixture = Fixture::create().await;
    let (_root, blobs) = store().await;
    let (open, ended, never) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    for (id, state) in [(open, "paused"), (ended, "expired")] {
        fixture
            .run(&format!(
                "INSERT INTO upload (id, owner, dialect, visibility, state, correlation_id, created_at, updated_at, expires_at) \
                 VALUES ('{id}', 'ada', 'tus', 'private', '{state}', '{id}', now(), now(), now())"
            ))
            .await;
    }
    for id in [open, ended, never] {
        let mut writer = blobs.begin(id, 1).await.unwrap();
        writer.write(b"four".as_slice().into()).await.unwrap();
        writer.sync().await.unwrap();
    }
    // The object of an upload may be there before the end of the upload is written.
    put(&blobs, &layout::original_key(open)).await;
    let report = pass(&reconciler(&fixture, &blobs, later), false).await;
    assert_eq!(report, Report { objects: 1, partials: 3, orphan_partials: 2, ..Report::default() });
    let report = pass(&reconciler(&fixture, &blobs, later), false).await;
    assert_eq!(report, Report { objects: 1, partials: 1, ..Report::default() });
}

/// What comes whole in one request has no row before its end, however long it takes.
#[tokio::test]
async fn bytes_of_an_upload_are_as_young_as_the_newest_of_them() {
    let fixture = Fixture::create().await;
    let (root, blobs) = store().await;
    let whole = Uuid::now_v7();
    for epoch in [1, 2] {
        let mut writer = blobs.begin(whole, epoch).await.unwrap();
        writer.write(b"four".as_slice().into()).await.unwrap();
        writer.sync().await.unwrap();
    }
    let folder = root.path().join("store/partial").join(whole.to_string());
    let mut segments: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let age = |path: &std::path::Path| {
        let old = SystemTime::now() - Duration::from_secs(7200);
        std::fs::File::open(path).unwrap().set_modified(old).unwrap();
    };
    let newest = segments.pop().unwrap();
    segments.iter().chain([&folder]).for_each(|path| age(path));
    let reconciler = reconciler(&fixture, &blobs, pg_pool::now);
    let report = pass(&reconciler, false).await;
    assert_eq!(report, Report { partials: 1, ..Report::default() });
    age(&newest);
    assert_eq!(pass(&reconciler, false).await.orphan_partials, 1);
}

#[tokio::test]
async fn more_than_fits_into_a_batch_is_reconciled_all_the_same() {
    let fixture = Fixture::create().await;
    let (_root, blobs) = store().await;
    let asset = fixture.asset(MediaKind::Image).await;
    put(&blobs, &layout::original_key(asset)).await;
    for number in 0..1_100 {
        put(&blobs, &format!("variant/{}/thumb-{number}.webp", Uuid::nil())).await;
    }
    fixture
        .run(&format!(
            "INSERT INTO storage_object (key, backend, asset_id, bytes, sha256, state, created_at) \
             SELECT 'gone/' || n, 'local', '{asset}', 1, decode(repeat('ab', 32), 'hex'), \
             CASE WHEN n % 2 = 0 THEN 'live' ELSE 'doomed' END, now() FROM generate_series(1, 1400) n"
        ))
        .await;
    let report = pass(&reconciler(&fixture, &blobs, later), false).await;
    let found = Report {
        objects: 1_101,
        rows: 701,
        orphan_objects: 1_100,
        missing_objects: 700,
        doomed_removed: 700,
        ..Report::default()
    };
    assert_eq!(report, found);
}

#[tokio::test]
async fn one_process_reconciles_at_a_time_and_its_end_frees_the_turn() {
    let fixture = Fixture::create().await;
    let turn = Turn::take(&fixture.pool).await.unwrap();
    assert!(turn.is_some());
    assert!(Turn::take(&fixture.pool).await.unwrap().is_none());
    drop(turn);
    // The server frees it when it has noticed that the connection is closed.
    test_harness::wait_until("the turn is free", Duration::from_secs(10), async || {
        Turn::take(&fixture.pool).await.unwrap().is_some()
    })
    .await;
}
