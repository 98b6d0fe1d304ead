//! What a transaction promises.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use pg_pool::PgError;

use crate::{Bench, backend_pid, count, run, unique};

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("no")]
    No,
    #[error(transparent)]
    Pg(#[from] PgError),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

#[tokio::test]
async fn an_ok_commits_and_an_err_rolls_back() {
    let bench = Bench::new();
    let table = unique("tx");
    run(&mut bench.pool.write().await.unwrap(), &format!("CREATE TABLE {table} (x int)")).await;
    let insert = format!("INSERT INTO {table} VALUES (1)");

    let kept: Result<usize, Refusal> =
        bench.pool.tx("keep", async |conn| Ok(diesel::sql_query(&insert).execute(conn).await?)).await;
    let refused: Result<(), Refusal> = bench
        .pool
        .tx("refuse", async |conn| {
            diesel::sql_query(&insert).execute(conn).await?;
            Err(Refusal::No)
        })
        .await;

    assert_eq!(kept.unwrap(), 1);
    assert!(matches!(refused, Err(Refusal::No)));
    let mut conn = bench.pool.read().await.unwrap();
    assert_eq!(count(&mut conn, &format!("SELECT count(*) FROM {table}")).await, 1);
    run(&mut conn, &format!("DROP TABLE {table}")).await;
    assert_eq!(bench.metric("tx_total", &[r#"name="keep""#, r#"outcome="committed""#]).as_deref(), Some("1"));
    assert_eq!(
        bench.metric("tx_total", &[r#"name="refuse""#, r#"outcome="rolled_back""#]).as_deref(),
        Some("1")
    );
}

#[tokio::test]
async fn a_dropped_transaction_rolls_back_and_its_connection_is_not_reused() {
    let bench = Bench::with(|config| config.max_connections = 1);
    let table = unique("dropped");
    run(&mut bench.pool.write().await.unwrap(), &format!("CREATE TABLE {table} (x int)")).await;
    let insert = format!("INSERT INTO {table} VALUES (1)");
    let (report, pid) = tokio::sync::oneshot::channel();

    let transaction = bench.pool.tx("give_up", async |conn| -> Result<(), PgError> {
        run(conn, &insert).await;
        let _ = report.send(backend_pid(conn).await);
        std::future::pending().await
    });
    let pid =
        tokio::select! { _ = transaction => unreachable!("it waits for ever"), pid = pid => pid.unwrap() };

    let mut conn = bench.pool.write().await.unwrap();
    assert_ne!(backend_pid(&mut conn).await, pid);
    assert_eq!(count(&mut conn, &format!("SELECT count(*) FROM {table}")).await, 0);
    run(&mut conn, &format!("DROP TABLE {table}")).await;
    assert_eq!(
        bench.metric("tx_total", &[r#"name="give_up""#, r#"outcome="cancelled""#]).as_deref(),
        Some("1")
    );
}

#[tokio::test]
async fn a_dropped_statement_is_stopped_in_the_server() {
    let bench = Bench::new();
    let mut conn = bench.pool.write().await.unwrap();
    let pid = backend_pid(&mut conn).await;

    let slow = async move { diesel::sql_query("SELECT pg_sleep(9)").execute(&mut *conn).await };
    let mut watcher = bench.pool.read().await.unwrap();
    let busy = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND query LIKE '%pg_sleep(9)%' AND state = 'active'"
    );
    let started = crate::until("the statement runs", async || count(&mut watcher, &busy).await == 1);
    tokio::select! { _ = slow => unreachable!("it sleeps longer"), () = started => {} }

    let there = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    crate::until("the backend is gone", async || count(&mut watcher, &there).await == 0).await;
}

#[tokio::test]
async fn a_transaction_may_run_in_a_spawned_task() {
    let bench = Bench::new();
    let pool = bench.pool.clone();
    let words = ["a".to_owned()];
    let task = tokio::spawn(async move {
        pool.tx("spawned", async |conn| -> Result<i64, PgError> {
            Ok(count(conn, &format!("SELECT {}::bigint", words.len())).await)
        })
        .await
    });
    assert_eq!(task.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn the_loser_of_a_deadlock_is_unavailable_and_not_wrong() {
    let bench = Bench::new();
    let (name, barrier) = (unique("deadlock"), tokio::sync::Barrier::new(2));
    let locked = async |first: u8, second: u8| {
        let lock = |number: u8| format!("SELECT pg_advisory_xact_lock(hashtext('{name}'), {number})");
        let both = async |conn: &mut AsyncPgConnection| -> Result<(), PgError> {
            diesel::sql_query(lock(first)).execute(conn).await?;
            barrier.wait().await;
            diesel::sql_query(lock(second)).execute(conn).await?;
            Ok(())
        };
        bench.pool.tx("deadlock", both).await
    };
    let (one, other) = tokio::join!(locked(1, 2), locked(2, 1));
    let lost: Vec<PgError> = [one, other].into_iter().filter_map(Result::err).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(lost[0].is_unavailable(), "{lost:?}");
}

#[tokio::test]
async fn a_violated_constraint_is_named() {
    let bench = Bench::new();
    let table = unique("named");
    let mut conn = bench.pool.write().await.unwrap();
    run(&mut conn, &format!("CREATE TEMP TABLE {table} (x int CONSTRAINT positive CHECK (x > 0))")).await;
    let error = diesel::sql_query(format!("INSERT INTO {table} VALUES (0)")).execute(&mut *conn).await;
    assert_eq!(pg_pool::violated_constraint(&error.unwrap_err()), Some("positive"));
}
