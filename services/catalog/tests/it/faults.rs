//! What breaks around the catalog: the database in mid-request, NATS, Redis, and the catalog being stopped.

mod away;
mod cut;
mod stopping;

use std::time::Duration;

use catalog::config::Config;
use catalog::model::registry::Registry;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use reqwest::Method;
use serde_json::Value as Json;
use test_harness::{ChaosProxy, Database, wait_until};

use crate::harness::{Answer, Session, TestApp, config};

/// More than anything here takes.
const DEADLINE: Duration = Duration::from_secs(10);

/// A catalog whose way to the database can be cut, and an administrator.
struct Fragile {
    app: TestApp,
    proxy: ChaosProxy,
    administrator: Session,
}

impl Fragile {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let db = Database::create(catalog::app::migrations(), "catalog").await;
        let proxy = ChaosProxy::to_url(db.url());
        let mut config = config(&proxy.rewrite(db.url()), "");
        change(&mut config);
        let app = TestApp::with(db, config, Registry::default()).await;
        let administrator = app.sign_in("administrator").await;
        Self { app, proxy, administrator }
    }

    /// `/readyz`, which stands beside the API and not in its document.
    async fn readiness(&self) -> (u16, String) {
        let answer = self.app.send_unchecked(self.app.request(Method::GET, "/readyz", None)).await;
        (answer.status.as_u16(), answer.text())
    }
}

/// A table that somebody else has locked against changes, so that requests wait where they reach it.
struct Held {
    conn: AsyncPgConnection,
    /// A transaction sees the server's activity as it was at its first look, so another connection looks.
    observer: AsyncPgConnection,
    table: &'static str,
}

impl Held {
    /// Locks the table on a way to the database that is not cut.
    async fn lock(db: &Database, table: &'static str) -> Self {
        let mut conn = db.admin().await;
        let sql = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE");
        conn.batch_execute(&sql).await.unwrap();
        Self { conn, observer: db.admin().await, table }
    }

    /// Waits until a request's statement waits for the table.
    async fn wait_for_somebody(&mut self) {
        // The relay changes the outbox as well; it is not meant.
        let statement = format!("(INTO|UPDATE|FROM) \"?{}\"? ", self.table);
        let sql = format!(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
             AND wait_event_type = 'Lock' AND query ~ '{statement}' AND query !~ 'published_at'"
        );
        let what = format!("nobody waits for {}", self.table);
        wait_until(&what, DEADLINE, async || count(&mut self.observer, &sql).await > 0).await;
    }

    /// Lets those who wait go on.
    async fn release(mut self) {
        self.conn.batch_execute("ROLLBACK").await.unwrap();
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

async fn count(conn: &mut AsyncPgConnection, sql: &str) -> i64 {
    let count: Count = diesel::sql_query(sql).get_result(conn).await.unwrap();
    count.n
}

/// Fails unless it is a 503 that tells when to come back and nothing of what is inside.
#[track_caller]
fn assert_unavailable(answer: &Answer) {
    answer.expect_problem(503, "unavailable");
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    let json = answer.json();
    let text = json.to_string().to_ascii_lowercase();
    for inside in [
        "postgres",
        "diesel",
        "sql",
        "connection",
        "pool",
        "tokio",
        "transaction",
        "model_clock",
        "outbox",
        "digest_leaf",
        "change_log",
        ".rs",
        "/src/",
        "127.0.0.1",
        "select ",
        "insert ",
        "panicked",
        "lock",
    ] {
        assert!(!text.contains(inside), "{inside:?} in {text}");
    }
    let members: Vec<&String> = json.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let told = ["type", "title", "status", "detail", "instance", "code", "trace_id"];
    assert!(members.iter().all(|name| told.contains(&name.as_str())), "{members:?}");
}

/// Everything that a change leaves, counted past the service.
async fn traces(db: &Database) -> Json {
    let mut conn = db.admin().await;
    let mut counts = serde_json::Map::new();
    for (name, sql) in [
        ("versions", "SELECT sum(version)::bigint AS n FROM model_clock"),
        ("history", "SELECT count(*) AS n FROM change_log"),
        ("events", "SELECT count(*) AS n FROM outbox"),
        ("answers", "SELECT count(*) AS n FROM idempotency_key"),
        ("diseases", "SELECT count(*) AS n FROM disease"),
        ("live diseases", "SELECT count(*) AS n FROM disease WHERE deleted_at IS NULL"),
        ("digested", "SELECT coalesce(sum(live_count), 0)::bigint AS n FROM digest_leaf"),
    ] {
        counts.insert(name.to_owned(), count(&mut conn, sql).await.into());
    }
    Json::Object(counts)
}
