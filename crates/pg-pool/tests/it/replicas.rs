//! Reads after writes, from a primary with a real streaming replica.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use pg_pool::{PgConfig, PgError, Position, Source};
use telemetry::request::{self, RequestStats};
use test_harness::{ChaosProxy, Cluster, connect};

use crate::{Bench, count, run, until};

const WRITERS: usize = 8;
const ROUNDS: i64 = 25;

/// A row for each writer, with the number of its last round.
async fn prepare(url: String) {
    let rows = format!(
        "CREATE TABLE round (writer int PRIMARY KEY, number bigint NOT NULL);
         INSERT INTO round SELECT writer, 0 FROM generate_series(0, {WRITERS}) writer"
    );
    connect(&url).await.batch_execute(&rows).await.unwrap();
}

/// A pool on both servers, with a service's rights.
fn bench(cluster: &Cluster, patience: Duration) -> Bench {
    bench_on(cluster, &[cluster.replica.url()], patience)
}

fn bench_on(cluster: &Cluster, replica_urls: &[String], patience: Duration) -> Bench {
    Bench::with(|config| {
        config.url = cluster.primary.url().into();
        config.replica_urls = replica_urls.iter().map(|url| url.clone().into()).collect();
        config.replica_patience_ms = u64::try_from(patience.as_millis()).unwrap();
        config.max_connections = 10;
    })
}

impl Bench {
    async fn write(&self, writer: usize, number: i64) -> Position {
        let written: Result<(), PgError> = self
            .pool
            .tx("write_round", async |conn| {
                run(conn, &format!("UPDATE round SET number = {number} WHERE writer = {writer}")).await;
                Ok(())
            })
            .await;
        written.unwrap();
        self.pool.position().await.unwrap().expect("there is a replica")
    }

    async fn read(&self, sql: &str, position: Option<&Position>) -> (i64, Source) {
        let mut conn = self.pool.read_after(position).await.unwrap();
        (count(&mut conn, sql).await, conn.source())
    }

    async fn source(&self, position: &Position) -> Source {
        self.read("SELECT 1::bigint", Some(position)).await.1
    }

    fn reads(&self, reason: &str) -> u64 {
        let label = format!("reason=\"{reason}\"");
        self.metric("pool_reads_total", &[&label]).unwrap().parse().unwrap()
    }
}

fn number_of(writer: usize) -> String {
    format!("SELECT number FROM round WHERE writer = {writer}")
}

/// Every writer writes, takes the position and reads, again and again; all of them beside each other. Returns how many reads
/// did not show the write before them, and how many came from the replica.
async fn write_and_read(bench: &Bench) -> (usize, usize) {
    let reads = join_all((0..WRITERS).map(async |writer| {
        let mut seen = Vec::new();
        for number in 1..=ROUNDS {
            let position = bench.write(writer, number).await;
            let (read, source) = bench.read(&number_of(writer), Some(&position)).await;
            seen.push((read != number, source));
        }
        seen
    }))
    .await
    .concat();
    let stale = reads.iter().filter(|(stale, _)| *stale).count();
    let from_replica = reads.iter().filter(|(_, source)| *source == Source::Replica(0)).count();
    (stale, from_replica)
}

#[tokio::test]
async fn nobody_reads_less_than_he_wrote_while_the_replica_is_ten_seconds_behind() {
    let cluster = Cluster::start(Duration::from_secs(10), prepare).await;
    let patience = Duration::from_millis(250);
    let bench = bench(&cluster, patience);
    let before = bench.pool.position().await.unwrap().unwrap();
    until("the replica is there", async || bench.source(&before).await == Source::Replica(0)).await;

    assert_eq!(write_and_read(&bench).await, (0, 0), "(stale, from the replica)");

    let writes = 8 * 25;
    let all = "SELECT sum(number)::bigint FROM round";
    let (seen, source) = bench.read(all, Some(&before)).await;
    assert_eq!(source, Source::Replica(0));
    assert!(seen < writes, "the replica is behind, or nothing was shown: {seen}");
    // On a busy machine opening a connection may take longer than the patience.
    let (behind, unavailable) = (bench.reads("behind"), bench.reads("unavailable"));
    assert!(behind + unavailable >= 200 && behind > 0, "{behind} behind, {unavailable} unavailable");
    // Waiting in vain has taught it not to wait: most of the reads went to the primary at once.
    let waited: f64 = bench.metric("replica_wait_seconds_sum", &[]).unwrap().parse().unwrap();
    assert!(waited < patience.as_secs_f64() * 200.0 / 4.0, "waited {waited} s in all");
    let lag = bench.metric("replica_replay_lag_seconds", &["replica=\"0\""]).unwrap();
    assert!(lag.parse::<f64>().unwrap() > 0.0, "{lag}");
}

#[tokio::test]
async fn a_replica_that_keeps_up_serves_the_reads_after_writes() {
    let cluster = Cluster::start(Duration::ZERO, prepare).await;
    let bench = bench(&cluster, Duration::from_secs(5));
    let (stale, from_replica) = write_and_read(&bench).await;
    assert_eq!(stale, 0);
    // A place that includes another's unfinished transaction is not replayed before that is flushed.
    assert!(from_replica >= 180, "{from_replica} of 200");
    assert_eq!(bench.reads("reached"), u64::try_from(from_replica).unwrap());

    let status = serde_json::to_value(bench.pool.status()).unwrap();
    assert_eq!(status["primary"]["max"], 10);
    assert_eq!(status["primary"]["waiting"], 0);
    assert_eq!(status["primary"]["size"], status["primary"]["available"]);
    let replica = &status["replicas"][0];
    assert!(replica["size"].as_u64().unwrap() >= 1 && replica["max"] == 10, "{status}");
    assert!(replica["usable"] == true && replica["lag_seconds"].is_number(), "{status}");
    let idle = bench.metric("replica_pool_connections", &["replica=\"0\"", "state=\"idle\""]);
    assert_eq!(idle, Some(replica["available"].to_string()));
}

#[tokio::test]
async fn without_a_token_or_with_one_of_another_log_the_primary_is_read() {
    let cluster = Cluster::start(Duration::ZERO, prepare).await;
    let bench = bench(&cluster, Duration::from_secs(5));
    let own = bench.write(0, 1).await;
    until("the replica has it", async || bench.source(&own).await == Source::Replica(0)).await;

    assert_eq!(bench.read(&number_of(0), None).await, (1, Source::Primary));
    assert_eq!(bench.reads("no_token"), 1);

    // The shared server of the tests is another cluster.
    let elsewhere = Bench::with(|config| config.replica_urls = vec![cluster.replica.url().into()]);
    let foreign = elsewhere.pool.position().await.unwrap().unwrap();
    let mut next_timeline = URL_SAFE_NO_PAD.decode(own.to_string()).unwrap();
    next_timeline[12] += 1;
    let next_timeline: Position = URL_SAFE_NO_PAD.encode(next_timeline).parse().unwrap();
    assert_eq!(next_timeline.lsn(), own.lsn());
    let started = Instant::now();
    for position in [foreign, next_timeline] {
        assert_eq!(bench.source(&position).await, Source::Primary);
    }
    assert_eq!(bench.reads("other_cluster"), 2);
    assert!(started.elapsed() < Duration::from_secs(5), "there is nothing to wait for");
}

#[tokio::test]
async fn a_dead_replica_is_left_alone_and_used_again_when_it_is_back() {
    let mut cluster = Cluster::start(Duration::ZERO, prepare).await;
    let bench = bench(&cluster, Duration::from_secs(1));
    let position = bench.write(0, 1).await;
    until("the replica has it", async || bench.source(&position).await == Source::Replica(0)).await;

    cluster.replica.kill();
    let position = bench.write(0, 2).await;
    for _ in 0..20 {
        let read = bench.read(&number_of(0), Some(&position)).await;
        assert_eq!(read, (2, Source::Primary));
    }
    assert_eq!(bench.reads("unavailable"), 20);

    cluster.replica.restart().await;
    until("the replica is used again", async || {
        let (number, source) = bench.read(&number_of(0), Some(&position)).await;
        assert_eq!(number, 2);
        source == Source::Replica(0)
    })
    .await;
    assert!(bench.pool.status().replicas[0].usable);
}

#[tokio::test]
async fn a_replica_that_hangs_does_not_cost_every_reader_the_patience() {
    let cluster = Cluster::start(Duration::ZERO, prepare).await;
    let network = ChaosProxy::to_url(&cluster.replica.url());
    let patience = Duration::from_secs(1);
    let bench = bench_on(&cluster, &[network.rewrite(&cluster.replica.url())], patience);
    let position = bench.write(0, 1).await;
    until("the replica has it", async || bench.source(&position).await == Source::Replica(0)).await;

    network.stall();
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(bench.source(&position).await, Source::Primary);
    }
    assert!(started.elapsed() < patience * 5, "{:?}", started.elapsed());

    network.restore();
    until("the replica is used again", async || bench.source(&position).await == Source::Replica(0)).await;
}

#[tokio::test]
async fn a_replica_that_hangs_keeps_nobody_from_the_others() {
    let cluster = Cluster::start(Duration::ZERO, prepare).await;
    let network = ChaosProxy::to_url(&cluster.replica.url());
    let urls = [network.rewrite(&cluster.replica.url()), cluster.replica.url()];
    let bench = bench_on(&cluster, &urls, Duration::from_secs(2));
    let position = bench.write(0, 1).await;
    let mut seen = [false; 2];
    until("each has served", async || {
        if let Source::Replica(index) = bench.source(&position).await {
            seen[index] = true;
        }
        seen == [true; 2]
    })
    .await;

    network.stall();
    for _ in 0..20 {
        assert_eq!(bench.source(&position).await, Source::Replica(1));
    }
    let status = bench.pool.status();
    assert!(status.replicas[1].usable, "{status:?}");
}

#[tokio::test]
async fn a_promoted_replica_is_not_read_from() {
    let cluster = Cluster::start(Duration::ZERO, prepare).await;
    let bench = bench(&cluster, Duration::from_secs(1));
    let position = bench.write(0, 1).await;
    until("the replica has it", async || bench.source(&position).await == Source::Replica(0)).await;

    cluster.replica.promote().await;
    // The connection has survived the promotion.
    assert_eq!(bench.source(&position).await, Source::Primary);
    assert_eq!(bench.reads("unavailable"), 1);
    assert!(!bench.pool.status().replicas[0].usable);
}

#[tokio::test]
async fn a_place_in_use_does_not_make_a_replica_dead() {
    let cluster = Cluster::start(Duration::ZERO, prepare).await;
    let mut config = PgConfig { replica_patience_ms: 5_000, max_connections: 1, ..PgConfig::default() };
    config.url = cluster.primary.url().into();
    config.replica_urls = vec![cluster.replica.url().into()];
    let bench = Bench::with(|own| *own = config);
    let position = bench.write(0, 1).await;
    until("the replica has it", async || bench.source(&position).await == Source::Replica(0)).await;

    let held = bench.pool.read_after(Some(&position)).await.unwrap();
    assert_eq!(held.source(), Source::Replica(0));
    assert_eq!(bench.source(&position).await, Source::Primary);
    assert!(bench.pool.status().replicas[0].usable);
    drop(held);
    assert_eq!(bench.source(&position).await, Source::Replica(0));
}

#[tokio::test]
async fn without_replicas_a_position_costs_nothing_and_every_read_is_the_primarys() {
    let bench = Bench::new();
    let stats = RequestStats::new(None, "test".to_owned());
    let position = request::scope(stats.clone(), bench.pool.position()).await.unwrap();
    assert_eq!((position, stats.statements()), (None, 0));
    assert_eq!(bench.read("SELECT 1::bigint", None).await, (1, Source::Primary));
    assert!(bench.metric("pool_reads", &[]).is_none());
    assert!(bench.pool.status().replicas.is_empty());
}
