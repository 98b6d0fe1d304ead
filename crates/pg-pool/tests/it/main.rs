//! Rules of the pool, checked against a running Postgres (`ALDIA_TEST_PG_URL`).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails has failed the test"
)]

mod capture;
mod explain;
mod loss;
mod observe;
mod prepared;
mod replicas;
mod schema;
mod tx;

use std::time::Duration;

use diesel::sql_types::{BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pg_pool::{PgConfig, PgPool};
use telemetry::metrics::Metrics;

/// A pool on a schema of its own, dropped with the test database server.
struct Bench {
    pool: PgPool,
    metrics: Metrics,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut PgConfig)) -> Self {
        let url = std::env::var("ALDIA_TEST_PG_URL").expect("ALDIA_TEST_PG_URL names a Postgres for tests");
        let mut config = PgConfig { url: url.into(), max_connections: 2, ..PgConfig::default() };
        change(&mut config);
        let metrics = Metrics::new("pg-pool-tests");
        let pool = PgPool::new(&config, &metrics).expect("a pool");
        Self { pool, metrics }
    }
}

impl Bench {
    /// The value of the metric of this name that has these labels.
    fn metric(&self, name: &str, labels: &[&str]) -> Option<String> {
        let text = self.metrics.encode();
        let line = text
            .lines()
            .find(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))?;
        line.rsplit(' ').next().map(str::to_owned)
    }
}

/// A name no other test uses.
fn unique(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

async fn run(conn: &mut AsyncPgConnection, sql: &str) {
    diesel::sql_query(sql).execute(conn).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn backend_pid(conn: &mut AsyncPgConnection) -> i32 {
    diesel::select(diesel::dsl::sql::<Integer>("pg_backend_pid()")).get_result(conn).await.unwrap()
}

async fn count(conn: &mut AsyncPgConnection, sql: &str) -> i64 {
    diesel::select(diesel::dsl::sql::<BigInt>(&format!("({sql})"))).get_result(conn).await.unwrap()
}

/// Waits until `condition` holds; fails after ten seconds.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), wait).await.is_ok(), "never happened: {what}");
}
