//! The ends of attempts against a real database and store.

use std::sync::Arc;

use blob_store::{BlobStore, LocalConfig, ObjectKey, StorageConfig};
use bytes::Bytes;
use contracts::Message as _;
use contracts::upload_ingest::v1::{AssetFailed, AssetProcessed};
use pg_pool::PgError;
use telemetry::request::RequestStats;
use tempfile::TempDir;
use uuid::Uuid;

use super::settle::{Made, Settler, Yield};
use super::workshop::Stored;
use crate::domain::job::{AfterFailure, JobKind};
use crate::domain::kind::MediaKind;
use crate::domain::layout;
use crate::domain::processing::Cause;
use crate::store::jobs::asset::Learned;
use crate::store::jobs::fixture::{Fixture, at};
use crate::store::{jobs, objects, renditions};

struct Bench {
    fixture: Fixture,
    settler: Settler,
    _root: TempDir,
}

impl Bench {
    async fn create() -> Self {
        let fixture = Fixture::create().await;
        let root = tempfile::tempdir().unwrap();
        let local = LocalConfig { root: root.path().join("store"), ..LocalConfig::default() };
        let blobs = BlobStore::open(&StorageConfig { local, ..StorageConfig::default() }).await.unwrap();
        let settler = Settler { pool: fixture.pool.clone(), blobs, now: || at(5), new_id: Uuid::now_v7 };
        Self { fixture, settler, _root: root }
    }

    /// A thumb that was put, as a stage yields it.
    async fn thumb(&self, asset_id: Uuid) -> Yield {
        let sha256 = vec![0xab; 32];
        let key = layout::rendition_key(asset_id, "thumb", &layout::short_digest(&sha256), "webp");
        let source = blob_store::Source::Bytes(Bytes::from_static(b"four"));
        self.settler.blobs.put(&ObjectKey::new(key.clone()).unwrap(), source).await.unwrap();
        let stored = Stored { key, bytes: 4, sha256 };
        let made = Made::of("thumb".to_owned(), "webp", "image/webp", &stored, (2, 3));
        let learned = Learned { blurhash: Some("hash".to_owned()), ..Learned::default() };
        Yield { learned, objects: vec![stored], renditions: vec![made] }
    }

    async fn is_there(&self, made: &Yield) -> bool {
        let key = ObjectKey::new(made.objects[0].key.clone()).unwrap();
        self.settler.blobs.stat(&key).await.unwrap().is_some()
    }

    async fn payload(&self, subject: &str) -> Vec<u8> {
        let hex = format!("SELECT encode(payload, 'hex') AS text FROM outbox WHERE subject = '{subject}'");
        let hex = self.fixture.text(&hex).await;
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        hex.as_bytes().chunks(2).map(byte).collect()
    }
}

fn keys(made: &Yield) -> Vec<ObjectKey> {
    made.objects.iter().map(|stored| ObjectKey::new(stored.key.clone()).unwrap()).collect()
}

#[tokio::test]
async fn of_two_workers_with_the_same_result_one_counts() {
    let bench = Bench::create().await;
    let asset = bench.fixture.asset(MediaKind::Image).await;
    bench.fixture.done_before(asset, JobKind::Variants).await;
    let slow = bench.fixture.claim(asset, "slow", 0).await.unwrap();
    let quick = bench.fixture.claim(asset, "quick", 11).await.unwrap();
    let made = bench.thumb(asset).await;
    let (first, second) =
        tokio::join!(bench.settler.complete(&slow, &made), bench.settler.complete(&quick, &made));
    assert_eq!((first.unwrap(), second.unwrap()), (false, true));
    // The same object, and the other's by now.
    bench.settler.discard(asset, &keys(&made)).await.unwrap();
    assert!(bench.is_there(&made).await);
    assert_eq!(bench.fixture.number("SELECT count(*) AS number FROM rendition").await, 1);
    assert_eq!(
        bench.fixture.text("SELECT concat_ws(' ', status, version, blurhash) AS text FROM asset").await,
        "processing 2 hash"
    );
}

#[tokio::test]
async fn the_publication_finishes_the_asset_and_tells_others_all_of_it() {
    let bench = Bench::create().await;
    let asset = bench.fixture.asset(MediaKind::Image).await;
    bench.fixture.done_before(asset, JobKind::Variants).await;
    let variants = bench.fixture.claim(asset, "w", 0).await.unwrap();
    let made = bench.thumb(asset).await;
    assert!(bench.settler.complete(&variants, &made).await.unwrap());
    let publish = bench.fixture.claim(asset, "w", 1).await.unwrap();
    assert_eq!(publish.kind, JobKind::Publish);
    assert!(bench.settler.complete(&publish, &Yield::default()).await.unwrap());
    assert_eq!(
        bench.fixture.text("SELECT concat_ws(' ', status, version) AS text FROM asset").await,
        "published 3"
    );
    let payload = bench.payload("upload_ingest.asset.processed").await;
    let event = AssetProcessed::decode(payload.as_slice()).unwrap();
    assert_eq!((event.version, event.renditions.len(), event.blurhash.as_str()), (3, 1, "hash"));
    assert_eq!(event.renditions[0].url, layout::media_path(&made.objects[0].key));
}

#[tokio::test]
async fn a_stage_fails_with_growing_pauses_and_takes_the_asset_with_it_at_the_end() {
    let bench = Bench::create().await;
    let asset = bench.fixture.asset(MediaKind::Video).await;
    let mut pauses = Vec::new();
    for attempt in 1..=5 {
        let claimed = bench.fixture.claim(asset, "w", attempt * 1000).await.unwrap();
        let after = bench.settler.fail(&claimed, &Cause::UNAVAILABLE).await.unwrap().unwrap();
        assert_eq!(after == AfterFailure::Dead, attempt == 5);
        if after == AfterFailure::Retry {
            let pause =
                "SELECT extract(epoch FROM not_before)::bigint AS number FROM job WHERE state = 'retry_wait'";
            pauses.push(bench.fixture.number(pause).await - at(5).timestamp());
        }
    }
    assert!(pauses.is_sorted() && (2..=3).contains(&pauses[0]) && pauses[3] >= 128, "{pauses:?}");
    let state = "SELECT concat_ws(' ', status, error_code) AS text FROM asset";
    assert_eq!(bench.fixture.text(state).await, "failed processing_unavailable");
    let payload = bench.payload("upload_ingest.asset.failed").await;
    let event = AssetFailed::decode(payload.as_slice()).unwrap();
    assert_eq!((event.error_text.as_str(), event.version), (Cause::UNAVAILABLE.text.as_ref(), 2));
}

#[tokio::test]
async fn what_cannot_succeed_is_given_up_at_once() {
    let bench = Bench::create().await;
    let asset = bench.fixture.asset(MediaKind::Video).await;
    let claimed = bench.fixture.claim(asset, "w", 0).await.unwrap();
    let after = bench.settler.fail(&claimed, &Cause::ORIGINAL_MISSING).await.unwrap();
    assert_eq!(after, Some(AfterFailure::Dead));
    assert_eq!(bench.settler.fail(&claimed, &Cause::ORIGINAL_MISSING).await.unwrap(), None);
}

#[tokio::test]
async fn an_asset_does_not_fail_with_what_it_does_not_need() {
    let bench = Bench::create().await;
    let asset = bench.fixture.asset(MediaKind::Video).await;
    bench.fixture.done_before(asset, JobKind::Playlist).await;
    let playlist = bench.fixture.claim(asset, "w", 0).await.unwrap();
    assert!(!playlist.required);
    let after = bench.settler.fail(&playlist, &Cause::ORIGINAL_MISSING).await.unwrap();
    assert_eq!(after, Some(AfterFailure::Dead));
    let publish = bench.fixture.claim(asset, "w", 0).await.unwrap();
    assert!(bench.settler.complete(&publish, &Yield::default()).await.unwrap());
    assert_eq!(bench.fixture.text("SELECT status AS text FROM asset").await, "published");
    assert_eq!(
        bench.fixture.text("SELECT subject AS text FROM outbox").await,
        "upload_ingest.asset.processed"
    );
}

#[tokio::test]
async fn what_was_made_for_an_asset_that_is_deleted_meanwhile_is_removed() {
    let bench = Bench::create().await;
    let asset = bench.fixture.asset(MediaKind::Image).await;
    bench.fixture.done_before(asset, JobKind::Variants).await;
    let claimed = bench.fixture.claim(asset, "w", 0).await.unwrap();
    let made = bench.thumb(asset).await;
    bench.fixture.delete(asset, 1).await;
    assert!(!bench.settler.complete(&claimed, &made).await.unwrap());
    assert_eq!(bench.settler.fail(&claimed, &Cause::LOST).await.unwrap(), None);
    bench.settler.discard(asset, &keys(&made)).await.unwrap();
    assert!(!bench.is_there(&made).await);
    assert_eq!(bench.fixture.number("SELECT count(*) AS number FROM rendition, outbox").await, 0);
}

#[tokio::test]
async fn what_is_given_back_waits_for_another_worker_who_is_told() {
    let bench = Bench::create().await;
    let asset = bench.fixture.asset(MediaKind::Image).await;
    let claimed = bench.fixture.claim(asset, "stops", 0).await.unwrap();
    assert!(bench.settler.give_back(&claimed).await.unwrap());
    assert!(!bench.settler.give_back(&claimed).await.unwrap());
    assert_eq!(bench.fixture.text("SELECT aggregate AS text FROM outbox").await, format!("asset/{asset}"));
    assert_eq!(bench.fixture.claim(asset, "next", 1).await.unwrap().attempt, 1);
    bench.settler.hand_over(asset).await.unwrap();
    assert_eq!(bench.fixture.number("SELECT count(*) AS number FROM outbox").await, 2);
}

/// Statements that this sends to the database.
async fn statements<T>(work: impl Future<Output = T>) -> (T, u64) {
    let stats = RequestStats::new(None, "test".to_owned());
    let done = telemetry::request::scope(Arc::clone(&stats), work).await;
    (done, stats.statements())
}

#[tokio::test]
async fn a_stage_costs_the_same_statements_however_much_it_yields() {
    let bench = Bench::create().await;
    for copies in [1, 40] {
        let asset = bench.fixture.asset(MediaKind::Image).await;
        bench.fixture.done_before(asset, JobKind::Variants).await;
        let (claimed, claiming) = statements(bench.fixture.claim(asset, "w", 0)).await;
        let claimed = claimed.unwrap();
        assert_eq!(claiming, 1);
        let one = bench.thumb(asset).await;
        let mut made = Yield { learned: one.learned, ..Yield::default() };
        for copy in 0..copies {
            let key = format!("{}-{copy}", one.objects[0].key);
            made.objects.push(Stored { key: key.clone(), ..one.objects[0].clone() });
            made.renditions.push(Made { name: format!("thumb_{copy}"), key, ..one.renditions[0].clone() });
        }
        let (done, completing) = statements(bench.settler.complete(&claimed, &made)).await;
        assert!(done.unwrap());
        // The asset's lock, the job with its attempt, objects, renditions, the asset.
        assert_eq!(completing, 5, "{copies} renditions");
    }
}

#[tokio::test]
async fn a_result_and_a_deletion_at_the_same_time_do_not_lock_each_other_out() {
    let bench = Bench::create().await;
    for _ in 0..20 {
        let asset = bench.fixture.asset(MediaKind::Image).await;
        bench.fixture.done_before(asset, JobKind::Variants).await;
        let claimed = bench.fixture.claim(asset, "w", 0).await.unwrap();
        let made = bench.thumb(asset).await;
        let deletion = bench.settler.pool.tx("delete_asset", async |conn| {
            jobs::asset::lock(conn, asset).await?;
            jobs::cancel_all(conn, asset, at(6)).await?;
            renditions::delete_of(conn, asset).await?;
            objects::doom_all(conn, asset).await?;
            Ok::<_, PgError>(())
        });
        let (completed, deleted) = tokio::join!(bench.settler.complete(&claimed, &made), deletion);
        deleted.unwrap();
        let objects = if completed.unwrap() { 2 } else { 1 };
        let rows = |of: &str| format!("SELECT count(*) AS number FROM {of} AND asset_id = '{asset}'");
        let doomed = rows("storage_object WHERE state = 'doomed'");
        assert_eq!(bench.fixture.number(&doomed).await, objects);
        assert_eq!(bench.fixture.number(&rows("rendition WHERE true")).await, 0);
    }
}
