//! How a write ends, and what it leaves.

use std::sync::Arc;
use std::time::Duration;

use freshness::{Bypass, FreshnessConfig, Source};
use tokio::sync::{Notify, oneshot};

use crate::world::{DEADLINE, TestError, World};
use test_harness::wait_until;

const BYPASSED: Source = Source::Bypassed(Bypass::WriterInFlight);

fn short_mark() -> FreshnessConfig {
    FreshnessConfig { mark_ms: 2000, sweep_interval_ms: 20, ..FreshnessConfig::default() }
}

#[tokio::test]
async fn the_number_of_entries_a_write_ended_is_true() {
    let world = World::new();
    let replica = world.replica().await;
    replica.read_as(&["animals"], "list").await;
    replica.read_as(&["animals", "animals/1"], "with one").await;
    replica.read_as(&["animals/1"], "one").await;
    replica.read_as(&["animals/2"], "two").await;
    let nothing = async || Ok(());
    let both = replica.write_as(&["animals", "animals/1"], nothing).await.unwrap();
    assert_eq!(both.entries_invalidated, 3, "what is in both groups counts once");
    replica.read_as(&["animals"], "list").await;
    let again = replica.write_as(&["animals/1"], nothing).await.unwrap();
    assert_eq!(again.entries_invalidated, 0, "they were dead already");
    let list = replica.write_as(&["animals", "animals/2"], nothing).await.unwrap();
    assert_eq!(list.entries_invalidated, 2);
    assert_eq!(replica.metric("freshness_entries_invalidated_total", &["numbers"]), 5.0);
}

#[tokio::test]
async fn many_entries_are_counted_too() {
    let replica = World::new().replica().await;
    for n in 0..1100 {
        replica.read_as(&["animals"], &n.to_string()).await;
    }
    let written = replica.write_as(&["animals"], async || Ok(())).await.unwrap();
    assert_eq!(written.entries_invalidated, 1100);
}

#[tokio::test]
async fn a_write_that_rolled_back_leaves_everything_as_it_was() {
    let world = World::new();
    let (one, two) = (world.replica().await, world.replica().await);
    one.read().await;
    let failed = two.write_as(&["numbers"], async || Err(TestError::RolledBack)).await;
    assert!(matches!(failed, Err(TestError::RolledBack)));
    assert_eq!(one.read().await, (0, Source::Local));
    assert_eq!(two.read().await, (0, Source::Shared));
}

#[tokio::test]
async fn a_rollback_takes_nothing_back_that_another_write_ended() {
    let world = World::new();
    let (one, two) = (world.replica().await, world.replica().await);
    one.read().await;
    let failed = two.write_as(&["numbers"], async || {
        one.write(1).await?;
        Err(TestError::RolledBack)
    });
    failed.await.unwrap_err();
    assert_eq!(one.read().await, (1, Source::Loaded));
    // And the other way round: the one that commits ends after the one that rolls back.
    let written = two.write_as(&["numbers"], async || {
        one.write_as(&["numbers"], async || Err(TestError::RolledBack)).await.unwrap_err();
        assert_eq!(one.read().await.1, BYPASSED);
        world.database.set(2);
        Ok(())
    });
    written.await.unwrap();
    assert_eq!(one.read().await, (2, Source::Loaded));
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_reckoned_with_until_its_mark_runs_out() {
    let world = World::new();
    let replica = world.replica_with(short_mark()).await;
    replica.read().await;
    let failed = replica.write_as(&["numbers"], async || Err(TestError::Unknown)).await;
    assert!(matches!(failed, Err(TestError::Unknown)));
    assert_eq!(replica.read().await, (0, BYPASSED));
    // It committed after all.
    world.database.set(1);
    replica.wait_for("the groups are answered from memory again", Source::Local).await;
    assert_eq!(replica.read().await.0, 1);
    wait_until("the write is finished", DEADLINE, async || {
        replica.metric("freshness_writes_swept_total", &[]) >= 1.0
    })
    .await;
}

#[tokio::test]
async fn a_write_dropped_during_its_commit_is_one_of_unknown_outcome() {
    let world = World::new();
    let replica = world.replica_with(short_mark()).await;
    let (begun, has_begun) = oneshot::channel();
    let writing = tokio::spawn({
        let replica = replica.clone();
        async move {
            let commit = async || {
                begun.send(()).unwrap();
                std::future::pending::<()>().await;
                Ok(())
            };
            replica.write_as(&["numbers"], commit).await
        }
    });
    has_begun.await.unwrap();
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    assert_eq!(replica.read().await.1, BYPASSED);
    replica.wait_for("its mark runs out", Source::Local).await;
    wait_until("the write is finished", DEADLINE, async || {
        replica.metric("freshness_writes_swept_total", &[]) >= 1.0
    })
    .await;
    assert_eq!(replica.metric("freshness_writes_in_flight", &[]), 0.0);
}

#[tokio::test]
async fn a_committed_write_is_announced_to_its_end_though_nobody_waits() {
    let world = World::new();
    let replica = world.replica().await;
    let committed = Arc::new(Notify::new());
    let writing = tokio::spawn({
        let (replica, committed) = (replica.clone(), Arc::clone(&committed));
        async move {
            // The first write of a domain waits out the leases of an earlier life: time enough to be dropped in.
            let commit = async || {
                replica.database.set(1);
                committed.notify_one();
                Ok(())
            };
            replica.write_as(&["numbers"], commit).await
        }
    });
    committed.notified().await;
    // The commit has returned when the task has gone on to wait.
    wait_until("the write is being finished", DEADLINE, async || {
        replica.metric("freshness_quarantine_waits_total", &[]) >= 1.0
    })
    .await;
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    assert_eq!(replica.read().await, (1, Source::Loaded), "the mark is off long before it runs out");
    wait_until("it is announced", DEADLINE, async || {
        replica.metric("freshness_invalidation_lag_seconds_count", &[]) >= 1.0
    })
    .await;
}

#[test]
fn a_writer_that_died_is_finished_by_another_replica() {
    let living = tokio::runtime::Runtime::new().unwrap();
    let dying = tokio::runtime::Runtime::new().unwrap();
    let world = World::new();
    let two = living.block_on(world.replica_with(short_mark()));
    let (begun, has_begun) = oneshot::channel();
    dying.block_on(async {
        let one = world.replica_with(short_mark()).await;
        one.read().await;
        tokio::spawn(async move {
            let commit = async || {
                one.database.set(1);
                begun.send(()).unwrap();
                std::future::pending().await
            };
            one.write_as(&["numbers"], commit).await
        });
        has_begun.await.unwrap();
    });
    // Nothing of it runs any more, not even what it would do on being dropped.
    dying.shutdown_background();
    living.block_on(async {
        assert_eq!(two.read().await, (1, BYPASSED));
        two.freshness.spawn_sweep();
        wait_until("the sweep finishes the write", DEADLINE, async || {
            two.metric("freshness_writes_swept_total", &[]) == 1.0
        })
        .await;
        two.wait_for("the groups are kept again", Source::Local).await;
        assert_eq!(two.read().await.0, 1);
    });
}

#[test]
fn a_writer_that_died_after_stamping_is_announced_by_another_replica() {
    let living = tokio::runtime::Runtime::new().unwrap();
    let dying = tokio::runtime::Runtime::new().unwrap();
    let world = World::new();
    let two = living.block_on(world.replica_with(short_mark()));
    dying.block_on(async {
        let one = world.replica_with(short_mark()).await;
        // The first write of a domain has leases of an earlier life to wait for: it dies in there.
        tokio::spawn({
            let one = one.clone();
            async move { one.write(1).await }
        });
        wait_until("it is stamped", DEADLINE, async || {
            one.metric("freshness_quarantine_waits_total", &[]) == 1.0
        })
        .await;
    });
    dying.shutdown_background();
    living.block_on(async {
        assert_eq!(two.read().await, (1, Source::Loaded));
        two.freshness.spawn_sweep();
        wait_until("the sweep announces the write", DEADLINE, async || {
            two.metric("freshness_writes_swept_total", &[]) == 1.0
        })
        .await;
    });
}

#[tokio::test]
async fn one_sweep_finishes_a_write_once() {
    let world = World::new();
    let config = FreshnessConfig { mark_ms: 100, ..short_mark() };
    let (one, two) = (world.replica_with(config.clone()).await, world.replica_with(config).await);
    for replica in [&one, &two] {
        replica.freshness.spawn_sweep();
    }
    one.write_as(&["numbers"], async || Err(TestError::Unknown)).await.unwrap_err();
    wait_until("it is finished", DEADLINE, async || {
        one.metric("freshness_writes_swept_total", &[]) + two.metric("freshness_writes_swept_total", &[])
            >= 1.0
    })
    .await;
}

#[tokio::test]
async fn switched_off_it_keeps_nothing_and_holds_nothing_up() {
    let world = World::at("redis://127.0.0.1:1".to_owned());
    let config = FreshnessConfig { enabled: false, ..FreshnessConfig::default() };
    let replica = world.replica_with(config).await;
    let source = Source::Bypassed(Bypass::Disabled);
    assert_eq!(replica.read().await, (0, source));
    let written = replica.write(1).await.unwrap();
    assert_eq!((written.edges_told, written.lag), (0, Duration::ZERO));
    assert_eq!(replica.read().await, (1, source));
}
