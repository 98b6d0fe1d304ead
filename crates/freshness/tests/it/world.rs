//! What every test starts from: a domain of its own, replicas of its service, and a database of one number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use broadcast::{Broadcast, NatsConfig};
use bytes::Bytes;
use freshness::{
    Answer, Freshness, FreshnessConfig, FreshnessError, Groups, Read, Source, WriteError, Written,
};
use telemetry::metrics::Metrics;
use test_harness::{nats_url, redis_url, wait_until};

/// Long enough for a busy machine; only a failing test waits it out.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
pub(crate) const TTL: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub(crate) enum TestError {
    Fresh(FreshnessError),
    RolledBack,
    /// The answer to the commit never came.
    Unknown,
}

impl From<FreshnessError> for TestError {
    fn from(error: FreshnessError) -> Self {
        Self::Fresh(error)
    }
}

/// One number, and how often it was asked for.
#[derive(Clone, Default)]
pub(crate) struct Database {
    number: Arc<AtomicU64>,
    loads: Arc<AtomicUsize>,
}

impl Database {
    pub(crate) fn get(&self) -> Bytes {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.number.load(Ordering::SeqCst).to_string().into()
    }

    pub(crate) fn set(&self, number: u64) {
        self.number.store(number, Ordering::SeqCst);
    }

    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

pub(crate) struct World {
    pub(crate) domain: String,
    pub(crate) redis: String,
    pub(crate) database: Database,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(redis_url())
    }

    pub(crate) fn at(redis: String) -> Self {
        Self { domain: format!("test-{:016x}", rand::random::<u64>()), redis, database: Database::default() }
    }

    pub(crate) async fn replica(&self) -> Replica {
        self.replica_with(FreshnessConfig::default()).await
    }

    pub(crate) async fn replica_with(&self, config: FreshnessConfig) -> Replica {
        let nats = NatsConfig { url: nats_url(), ..NatsConfig::default() };
        let broadcast = Broadcast::connect(&nats).await.unwrap();
        let metrics = Metrics::new("test");
        let redis = self.redis.clone().into();
        let freshness = Freshness::start(config, &redis, broadcast, &self.domain, &metrics).await.unwrap();
        Replica { freshness, metrics, database: self.database.clone() }
    }
}

/// One process of the service.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) freshness: Freshness,
    pub(crate) metrics: Metrics,
    pub(crate) database: Database,
}

pub(crate) fn groups(names: &[&str]) -> Groups {
    Groups::of(names.iter().copied()).unwrap()
}

pub(crate) fn read<'a>(groups: &'a Groups, key: &'a str) -> Read<'a> {
    Read { groups, family: "numbers", key, ttl: TTL, until: None }
}

impl Replica {
    pub(crate) async fn read_as(&self, names: &[&str], key: &str) -> Answer {
        let groups = groups(names);
        let load = async || Ok::<_, TestError>(self.database.get());
        self.freshness.read(read(&groups, key), load).await.unwrap()
    }

    /// The number, under one group.
    pub(crate) async fn read(&self) -> (u64, Source) {
        let answer = self.read_as(&["numbers"], "the number").await;
        (std::str::from_utf8(&answer.bytes).unwrap().parse().unwrap(), answer.source)
    }

    pub(crate) async fn write(&self, number: u64) -> Result<Written<()>, TestError> {
        self.write_as(&["numbers"], async || {
            self.database.set(number);
            Ok(())
        })
        .await
    }

    pub(crate) async fn write_as(
        &self,
        names: &[&str],
        commit: impl AsyncFnOnce() -> Result<(), TestError>,
    ) -> Result<Written<()>, TestError> {
        let commit = async || {
            commit().await.map_err(|error| match error {
                TestError::RolledBack => WriteError::RolledBack(error),
                TestError::Unknown | TestError::Fresh(_) => WriteError::InDoubt(error),
            })
        };
        self.freshness.write(groups(names), "numbers", commit).await
    }

    /// Reads until the answer comes from where it should.
    pub(crate) async fn wait_for(&self, what: &str, source: Source) {
        wait_until(what, DEADLINE, async || self.read().await.1 == source).await;
    }

    /// The value of one line of the metrics; 0 when it is not there.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.metrics.encode();
        let line = text.lines().find(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with('{')) && labels.iter().all(|label| line.contains(label))
        });
        line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }
}
