//! What a read may answer, and what it may keep.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use freshness::{Bypass, FreshnessConfig, Loaded, Source};
use futures_util::future::join_all;
use test_harness::wait_until;
use tokio::sync::{Notify, oneshot};

use crate::world::{DEADLINE, Replica, TTL, TestError, World, groups, read};

/// A read in a task of its own that stays in the middle of its load until it is released.
struct SlowRead {
    released: Arc<Notify>,
    task: tokio::task::JoinHandle<Result<freshness::Answer, TestError>>,
}

impl SlowRead {
    /// Returns when the database has been asked.
    async fn begin(replica: &Replica) -> Self {
        let (asked, has_asked) = oneshot::channel();
        let released = Arc::new(Notify::new());
        let (replica, release) = (replica.clone(), Arc::clone(&released));
        let task = tokio::spawn(async move {
            let groups = groups(&["numbers"]);
            let load = async || {
                let number = replica.database.get();
                asked.send(()).unwrap();
                release.notified().await;
                Ok::<_, TestError>(number)
            };
            replica.freshness.read(read(&groups, "the number"), load).await
        });
        has_asked.await.unwrap();
        Self { released, task }
    }

    async fn end(self) -> (Bytes, Source) {
        self.released.notify_one();
        let answer = self.task.await.unwrap().unwrap();
        (answer.bytes, answer.source)
    }
}

#[tokio::test]
async fn an_answer_is_loaded_once_and_then_comes_from_the_levels() {
    let world = World::new();
    let (one, two) = (world.replica().await, world.replica().await);
    assert_eq!(one.read().await, (0, Source::Loaded));
    assert_eq!(one.read().await, (0, Source::Local));
    assert_eq!(two.read().await, (0, Source::Shared));
    assert_eq!(two.read().await, (0, Source::Local));
    assert_eq!(world.database.loads(), 1);
}

#[tokio::test]
async fn a_write_is_seen_by_the_next_read_of_every_replica() {
    let world = World::new();
    let (one, two) = (world.replica().await, world.replica().await);
    for number in 1..5 {
        one.read().await;
        two.read().await;
        one.write(number).await.unwrap();
        assert_eq!(two.read().await, (number, Source::Loaded));
        assert_eq!(one.read().await, (number, Source::Shared));
    }
}

#[tokio::test]
async fn a_reader_that_asked_before_a_commit_does_not_fill_after_it() {
    let world = World::new();
    let (one, two) = (world.replica().await, world.replica().await);
    let slow = SlowRead::begin(&one).await;
    two.write(1).await.unwrap();
    assert_eq!(slow.end().await, ("0".into(), Source::Loaded), "it began before the write was confirmed");
    assert_eq!(one.metric("freshness_fills_total", &["outcome=\"refused\""]), 1.0);
    assert_eq!(two.read().await, (1, Source::Loaded));
    assert_eq!(one.read().await, (1, Source::Shared));
}

#[tokio::test]
async fn readers_at_the_same_time_share_one_load() {
    let world = World::new();
    let replica = world.replica().await;
    let slow = SlowRead::begin(&replica).await;
    let others: Vec<_> = (0..50)
        .map(|_| {
            let replica = replica.clone();
            tokio::spawn(async move { replica.read().await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(slow.end().await.1, Source::Loaded);
    for (number, source) in join_all(others).await.into_iter().map(Result::unwrap) {
        assert_eq!(number, 0);
        assert!(matches!(source, Source::Joined | Source::Local | Source::Shared), "{source:?}");
    }
    assert_eq!(world.database.loads(), 1);
}

#[tokio::test]
async fn a_load_is_not_shared_across_versions() {
    let world = World::new();
    let replica = world.replica().await;
    let slow = SlowRead::begin(&replica).await;
    replica.write(1).await.unwrap();
    assert_eq!(replica.read().await, (1, Source::Loaded), "the load before the write was of no use to it");
    assert_eq!(slow.end().await.0, "0");
    assert_eq!(replica.read().await, (1, Source::Local), "the late load pushed nothing out");
}

#[tokio::test]
async fn when_the_loading_reader_goes_away_another_loads() {
    let world = World::new();
    let replica = world.replica().await;
    let slow = SlowRead::begin(&replica).await;
    let other = tokio::spawn({
        let replica = replica.clone();
        async move { replica.read().await }
    });
    tokio::task::yield_now().await;
    slow.task.abort();
    assert_eq!(other.await.unwrap(), (0, Source::Loaded));
    assert_eq!(world.database.loads(), 2);
}

#[tokio::test]
async fn the_error_of_a_load_is_the_readers_own_and_nothing_is_kept() {
    let replica = World::new().replica().await;
    let groups = groups(&["numbers"]);
    let failed = replica.freshness.read(read(&groups, "the number"), async || Err::<Bytes, _>("no")).await;
    assert_eq!(failed.unwrap_err(), "no");
    assert_eq!(replica.read().await, (0, Source::Loaded));
}

#[tokio::test]
async fn while_a_writer_is_in_flight_nothing_is_used_and_nothing_filled() {
    let world = World::new();
    let (one, two) = (world.replica().await, world.replica().await);
    one.read().await;
    two.read_as(&["others"], "other").await;
    let bypassed = Source::Bypassed(Bypass::WriterInFlight);
    let written = one.write_as(&["numbers"], async || {
        assert_eq!(one.read().await, (0, bypassed));
        world.database.set(1);
        assert_eq!(two.read().await, (1, bypassed));
        assert_eq!(two.read().await, (1, bypassed), "what was loaded meanwhile is not kept");
        assert_eq!(two.read_as(&["others"], "other").await.source, Source::Local, "other groups go on");
        assert_eq!(two.read_as(&["numbers", "others"], "both").await.source, bypassed);
        Ok(())
    });
    written.await.unwrap();
    assert_eq!(two.read().await, (1, Source::Loaded));
}

#[tokio::test]
async fn an_answer_is_not_kept_beyond_the_instant_it_is_good_until() {
    let world = World::new();
    let replica = world.replica().await;
    let groups = groups(&["numbers"]);
    let until = SystemTime::now() + TTL / 2;
    let load = async || Ok::<_, TestError>(Loaded { bytes: "a".into(), until: Some(until) });
    for source in [Source::Loaded, Source::Local] {
        let answer = replica.freshness.read(read(&groups, "later"), load).await.unwrap();
        assert_eq!(answer.source, source);
        let off = until.duration_since(answer.until.unwrap()).unwrap();
        assert!(off.as_millis() == 0, "{off:?}");
    }
    let now = SystemTime::now();
    for _ in 0..2 {
        let load = async || Ok::<_, TestError>(Loaded { bytes: "a".into(), until: Some(now) });
        let answer = replica.freshness.read(read(&groups, "over"), load).await.unwrap();
        assert_eq!(answer.source, Source::Loaded, "its time is over already");
    }
}

#[tokio::test]
async fn large_answers_travel_compressed_and_too_large_ones_are_not_kept() {
    let world = World::new();
    let config = FreshnessConfig { max_value_bytes: 100_000, ..FreshnessConfig::default() };
    let (one, two) = (world.replica_with(config.clone()).await, world.replica_with(config).await);
    let groups = groups(&["numbers"]);
    for (size, from_two) in [(100_000, Source::Shared), (100_001, Source::Loaded)] {
        let key = size.to_string();
        let load = async || Ok::<_, TestError>(Bytes::from(vec![b'a'; size]));
        assert_eq!(one.freshness.read(read(&groups, &key), load).await.unwrap().source, Source::Loaded);
        let answer = two.freshness.read(read(&groups, &key), load).await.unwrap();
        assert_eq!((answer.bytes.len(), answer.source), (size, from_two));
    }
}

#[tokio::test]
async fn families_do_not_share_keys() {
    let replica = World::new().replica().await;
    let groups = groups(&["numbers"]);
    for family in ["numbers", "letters"] {
        let read = freshness::Read { family, ..read(&groups, "one") };
        let answer = replica.freshness.read(read, async || Ok::<_, TestError>(Bytes::from(family))).await;
        let answer = answer.unwrap();
        assert_eq!((answer.bytes, answer.source), (family.into(), Source::Loaded));
    }
}

#[tokio::test]
async fn the_local_level_stays_within_its_bound() {
    let config =
        FreshnessConfig { local_bytes: 200_000, local_family_bytes: 100_000, ..FreshnessConfig::default() };
    let replica = World::new().replica_with(config).await;
    let groups = groups(&["numbers"]);
    for n in 0..300 {
        let load = async || Ok::<_, TestError>(Bytes::from(vec![0; 1000]));
        replica.freshness.read(read(&groups, &n.to_string()), load).await.unwrap();
    }
    let stats = replica.freshness.stats("numbers").await;
    assert!(stats.bytes <= 100_000 && stats.max_bytes == 100_000, "{stats:?}");
    assert!(stats.entries > 30 && stats.entries + stats.evictions == 300, "{stats:?}");
}

#[tokio::test]
async fn figures_are_true() {
    let world = World::new();
    let (one, two) = (world.replica().await, world.replica().await);
    one.read().await;
    for _ in 0..3 {
        two.read().await;
    }
    let written = two.write_as(&["numbers"], async || {
        two.read().await;
        Ok(())
    });
    written.await.unwrap();
    two.read().await;
    let stats = two.freshness.stats("numbers").await;
    assert_eq!((stats.hits, stats.shared_hits, stats.misses, stats.bypasses), (3, 1, 1, 1));
    assert_eq!((stats.entries, stats.evictions, stats.lease_waits), (1, 0, 0));
    assert!(stats.bytes > 0 && stats.oldest.is_some());
    for (source, count) in [("local", 2.0), ("shared", 1.0), ("loaded", 1.0), ("bypassed_writer", 1.0)] {
        let label = format!("source=\"{source}\"");
        assert_eq!(two.metric("freshness_reads_total", &[&label, "family=\"numbers\""]), count, "{source}");
    }
    two.freshness.spawn_sweep();
    wait_until("the gauges are up to date", DEADLINE, async || {
        two.metric("freshness_local_entries", &["numbers"]) == 1.0
    })
    .await;
}
