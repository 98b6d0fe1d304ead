//! Delta sync: what a client may rely on that follows `?since=` and nothing else (C-D1, C-D2, C-D3, C-D8).

mod copy;
mod digest;
mod echo;
mod histories;
mod instants;
mod late_commits;
mod schedules;
mod tombstones;

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value as Json, json};
use test_harness::{Database, wait_until};
use uuid::Uuid;

use crate::harness::{Session, TestApp, config};

/// How long anything that a test waits for may take on a machine with much else to do.
const DEADLINE: Duration = Duration::from_secs(30);

/// A catalog whose events stay in the outbox, which looks for old tombstones every second.
async fn start() -> TestApp {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let mut config = config(db.url(), "");
    config.nats.url = "nats://127.0.0.1:1".to_owned();
    config.records.purge_interval_secs = 1;
    config.records.tombstone_retention_secs = 3600;
    TestApp::with(db, config, catalog::model::registry::Registry::default()).await
}

/// The id of a record in JSON.
fn id_of(record: &Json) -> Uuid {
    record["id"].as_str().unwrap().parse().unwrap()
}

/// Makes a disease and returns its id.
async fn make_disease(app: &TestApp, admin: &Session, name: &str) -> Uuid {
    id_of(&app.make("diseases", admin, json!({"name": name})).await)
}

/// Changes a disease and returns its new version.
async fn change_disease(app: &TestApp, admin: &Session, id: Uuid, symptoms: &str) -> i64 {
    let body = json!({"symptoms": symptoms});
    let answer = app.patch(&format!("/v1/diseases/{id}"), Some(admin), &body).await.expect(200);
    answer.json()["version"].as_i64().unwrap()
}

/// Deletes a disease and returns the version of its tombstone.
async fn delete_disease(app: &TestApp, admin: &Session, id: Uuid) -> i64 {
    let answer = app.delete(&format!("/v1/diseases/{id}"), Some(admin)).await.expect(200);
    answer.json()["version"].as_i64().unwrap()
}

async fn run(conn: &mut AsyncPgConnection, sql: &str) {
    conn.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The one number that a query answers with, as `n`.
async fn number(conn: &mut AsyncPgConnection, sql: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Number {
        #[diesel(sql_type = BigInt)]
        n: i64,
    }
    let row: Number = diesel::sql_query(sql).get_result(conn).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    row.n
}

/// Makes the tombstones that `condition` picks older than the retention and waits until they are purged.
async fn purge(app: &TestApp, table: &str, condition: &str) {
    let mut conn = app.db.connect().await;
    let old = format!("deleted_at IS NOT NULL AND ({condition})");
    run(
        &mut conn,
        &format!("UPDATE \"{table}\" SET deleted_at = deleted_at - interval '2 hours' WHERE {old}"),
    )
    .await;
    let left = format!("SELECT count(*) AS n FROM \"{table}\" WHERE deleted_at < now() - interval '1 hour'");
    wait_until("old tombstones are purged", DEADLINE, async || number(&mut conn, &left).await == 0).await;
}

/// Waits until `count` sessions of the service wait for a lock.
async fn wait_for_waiters(app: &TestApp, count: i64) {
    let mut conn = app.db.admin().await;
    let waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until("writers wait for the lock", DEADLINE, async || number(&mut conn, waiting).await == count)
        .await;
}
