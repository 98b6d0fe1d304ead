//! Slow statements are explained after the fact, seldom, and never executed for it.

use std::sync::Arc;
use std::time::Duration;

use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use telemetry::request::{self, Account, Cause, RequestStats};

use crate::{Bench, count, run, unique, until};

const PLANS: &str = "slow_statement_plans_total";

/// The record of a request that ran this statement with a value, and the request's account.
async fn request(bench: &Bench, sql: &str) -> (Arc<RequestStats>, Account) {
    let stats = RequestStats::new(None, "test".to_owned());
    let started = std::time::Instant::now();
    request::scope(Arc::clone(&stats), async {
        let mut conn = bench.pool.read().await.unwrap();
        diesel::sql_query(sql).bind::<Integer, _>(7).execute(&mut *conn).await.unwrap();
    })
    .await;
    let now = std::time::Instant::now();
    let account = stats.account(now - started, now);
    (stats, account)
}

impl Bench {
    fn plans(&self, outcome: &str) -> Option<String> {
        self.metric(PLANS, &[&format!("outcome=\"{outcome}\"")])
    }
}

#[tokio::test]
async fn a_statement_is_explained_once_and_not_executed() {
    let bench = Bench::new();
    let table = unique("explained");
    run(&mut bench.pool.write().await.unwrap(), &format!("CREATE TABLE {table} AS SELECT 8 AS a")).await;
    let delete = format!("DELETE FROM {table} WHERE a = $1 AND a <> 1");
    let (stats, _) = request(&bench, &delete).await;
    // Executed with any value, it would take the row with it, or fail.
    run(&mut bench.pool.write().await.unwrap(), &format!("UPDATE {table} SET a = 7")).await;
    stats.explain_slowest();
    until("the plan is logged", async || bench.plans("logged").as_deref() == Some("1")).await;
    assert_eq!(
        count(&mut bench.pool.read().await.unwrap(), &format!("SELECT count(*) FROM {table}")).await,
        1
    );

    stats.explain_slowest();
    assert_eq!(bench.plans("known").as_deref(), Some("1"));
    let (other, _) = request(&bench, "SELECT 1 WHERE 1 = $1").await;
    other.explain_slowest();
    assert_eq!(bench.plans("too_soon").as_deref(), Some("1"));
    assert!(bench.plans("failed").is_none());
}

#[tokio::test]
async fn a_statement_that_cannot_be_planned_is_counted_and_harms_nobody() {
    let bench = Bench::new();
    let table = unique("gone");
    run(&mut bench.pool.write().await.unwrap(), &format!("CREATE TABLE {table} (a int)")).await;
    let (stats, _) = request(&bench, &format!("SELECT a FROM {table} WHERE a = $1")).await;
    run(&mut bench.pool.write().await.unwrap(), &format!("DROP TABLE {table}")).await;
    stats.explain_slowest();
    until("it has failed", async || bench.plans("failed").as_deref() == Some("1")).await;
}

#[tokio::test]
async fn explaining_can_be_switched_off() {
    let bench = Bench::with(|config| config.explain_slow_statements = false);
    let (stats, _) = request(&bench, "SELECT 1 WHERE 1 = $1").await;
    stats.explain_slowest();
    assert!(!bench.metrics.encode().contains(PLANS));
}

#[tokio::test]
async fn statements_and_waits_beside_each_other_are_accounted_for_once() {
    let bench = Bench::new();
    let stats = RequestStats::new(None, "test".to_owned());
    let started = std::time::Instant::now();
    let sleep = async || {
        let mut conn = bench.pool.read().await.unwrap();
        run(&mut conn, "SELECT pg_sleep(0.1)").await;
    };
    // Two connections: one of the three waits.
    let work = async { tokio::join!(sleep(), sleep(), sleep()) };
    request::scope(Arc::clone(&stats), work).await;
    let now = std::time::Instant::now();
    let account = stats.account(now - started, now);
    assert!(stats.db_time() >= Duration::from_millis(300), "{account:?}");
    assert!(stats.db_time() + stats.pool_wait() > account.total);
    assert_eq!(account.spent.sum() + account.app, account.total);
    assert_eq!(Cause::of(&account), Cause::Database);
}
