//! Redis away, silent, restarted empty, restarted with what it had.

use std::path::PathBuf;
use std::time::Duration;

use freshness::{Bypass, FreshnessConfig, FreshnessError, Source};
use test_harness::{ChaosProxy, Process, free_port, redis_url, wait_until};

use crate::world::{DEADLINE, TestError, World};

const BYPASSED: Source = Source::Bypassed(Bypass::Redis);

/// A Redis of the test's own, to be killed.
struct OwnRedis {
    port: u16,
    directory: PathBuf,
    process: Option<Process>,
}

impl OwnRedis {
    async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("freshness-redis-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&directory).unwrap();
        let mut redis = Self { port: free_port(), directory, process: None };
        redis.run().await;
        redis
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again, with the snapshot if one was saved.
    async fn run(&mut self) {
        let port = self.port.to_string();
        let directory = self.directory.to_str().unwrap();
        let args = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--dir", directory];
        self.process = Some(Process::spawn_at("redis-server", &args, &[]));
        wait_until("redis answers", DEADLINE, async || self.command("PING").await.is_some()).await;
    }

    async fn command(&self, name: &str) -> Option<()> {
        let client = deadpool_redis::redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        deadpool_redis::redis::cmd(name).query_async::<String>(&mut connection).await.ok().map(drop)
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.kill();
        // Best effort: it lies in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test]
async fn a_redis_restarted_empty_begins_with_nothing() {
    let mut redis = OwnRedis::start().await;
    let world = World::at(redis.url());
    let replica = world.replica().await;
    replica.write(1).await.unwrap();
    replica.read().await;
    redis.kill();
    assert_eq!(replica.read().await, (1, BYPASSED));
    redis.run().await;
    replica.wait_for("the levels are used again", Source::Local).await;
    replica.write(2).await.unwrap();
    assert_eq!(replica.read().await, (2, Source::Loaded));
    assert_eq!(replica.metric("freshness_quarantine_waits_total", &[]), 2.0, "one in each life");
}

#[tokio::test]
async fn what_an_earlier_life_kept_is_never_read() {
    let mut redis = OwnRedis::start().await;
    let world = World::at(redis.url());
    let replica = world.replica().await;
    replica.read().await;
    assert_eq!(replica.read().await.1, Source::Local);
    redis.command("SAVE").await.unwrap();
    // Written by whoever, after the snapshot.
    replica.write(1).await.unwrap();
    redis.kill();
    redis.run().await;
    let other = world.replica().await;
    assert_eq!(other.read().await, (1, Source::Loaded));
    replica.wait_for("redis is used again", Source::Local).await;
    assert_eq!(replica.read().await.0, 1);
}

#[tokio::test]
async fn without_redis_reads_load_and_writes_are_refused_before_they_begin() {
    let world = World::at("redis://127.0.0.1:1".to_owned());
    let replica = world.replica().await;
    assert!(!replica.freshness.is_available());
    for _ in 0..3 {
        assert_eq!(replica.read().await, (0, BYPASSED));
    }
    let refused = replica.write(1).await;
    assert!(matches!(refused, Err(TestError::Fresh(FreshnessError::Unavailable(_)))), "{refused:?}");
    assert_eq!(replica.read().await.0, 0, "the transaction was not begun");
    assert_eq!(replica.metric("freshness_writes_total", &["refused"]), 1.0);
}

#[tokio::test]
async fn a_silent_redis_is_asked_now_and_then_and_used_again_when_it_speaks() {
    let proxy = ChaosProxy::to_url(&redis_url());
    let world = World::at(proxy.rewrite(&redis_url()));
    let replica = world.replica().await;
    replica.read().await;
    proxy.stall();
    for _ in 0..20 {
        assert_eq!(replica.read().await.1, BYPASSED);
    }
    let refused = replica.write(1).await;
    assert!(matches!(refused, Err(TestError::Fresh(FreshnessError::Unavailable(_)))), "{refused:?}");
    proxy.restore();
    // The mark may have arrived late; it is taken off again, and what was kept is good.
    replica.wait_for("redis is used again", Source::Local).await;
    assert_eq!(replica.read().await.0, 0);
}

#[tokio::test]
async fn a_write_that_cannot_be_stamped_is_not_confirmed_and_never_contradicted() {
    let proxy = ChaosProxy::to_url(&redis_url());
    let world = World::at(proxy.rewrite(&redis_url()));
    let config = FreshnessConfig { stamp_patience_ms: 100, ..FreshnessConfig::default() };
    let writer = world.replica_with(config).await;
    let reader = World { redis: redis_url(), domain: world.domain.clone(), database: world.database.clone() };
    let reader = reader.replica().await;
    reader.read().await;
    let unfinished = writer.write_as(&["numbers"], async || {
        world.database.set(1);
        proxy.cut();
        Ok(())
    });
    let unfinished = unfinished.await;
    assert!(matches!(unfinished, Err(TestError::Fresh(FreshnessError::Unfinished(_)))), "{unfinished:?}");
    assert_eq!(reader.read().await, (1, Source::Bypassed(Bypass::WriterInFlight)));
    proxy.restore();
    reader.wait_for("the write is finished in the background", Source::Local).await;
    assert_eq!(reader.read().await.0, 1);
    let retried = writer.write(1).await.unwrap();
    assert!(retried.lag < Duration::from_secs(30));
}

#[tokio::test]
async fn a_restart_between_mark_and_stamp_leaves_nothing_old() {
    let mut redis = OwnRedis::start().await;
    let world = World::at(redis.url());
    let config = FreshnessConfig { stamp_patience_ms: 10_000, ..FreshnessConfig::default() };
    let replica = world.replica_with(config).await;
    let other = world.replica().await;
    let written = replica.write_as(&["numbers"], async || {
        redis.kill();
        redis.run().await;
        // The mark went with the life before: the old state may be kept now, for as long as the write is not confirmed.
        other.wait_for("redis is used again", Source::Local).await;
        assert_eq!(other.read().await.0, 0);
        world.database.set(1);
        Ok(())
    });
    written.await.unwrap();
    assert_eq!(other.read().await, (1, Source::Loaded));
}

#[tokio::test]
async fn a_write_waits_longer_for_redis_than_a_read_does() {
    let proxy = ChaosProxy::to_url(&redis_url());
    let world = World::at(proxy.rewrite(&redis_url()));
    let replica = world.replica().await;
    replica.read().await;
    proxy.stall();
    let (written, ()) = tokio::join!(replica.write(1), async {
        // It begins with or after the write, and has given up on Redis when it comes back.
        let answer = replica.read_as(&["others"], "another").await;
        assert_eq!(answer.source, BYPASSED);
        proxy.restore();
    });
    assert!(written.is_ok(), "{:?}", written.err());
}
