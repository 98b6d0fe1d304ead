//! What happens when the database goes away or does not answer.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use diesel_async::RunQueryDsl;
use pg_pool::{PgError, TxError};
use test_harness::free_port;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::{Bench, backend_pid, count, run, until};

#[tokio::test]
async fn a_pool_whose_backends_were_killed_serves_the_next_requests() {
    let bench = Bench::new();
    let mut conn = bench.pool.read().await.unwrap();
    let pid = backend_pid(&mut conn).await;
    drop(conn);

    let killer = Bench::new();
    run(&mut killer.pool.write().await.unwrap(), &format!("SELECT pg_terminate_backend({pid})")).await;
    // The kill is asynchronous: until the socket is seen to close, a request may still meet the dying connection.
    until("another backend serves", async || {
        let mut conn = bench.pool.read().await.unwrap();
        match diesel::sql_query("SELECT 1").execute(&mut *conn).await {
            Ok(_) => backend_pid(&mut conn).await != pid,
            Err(error) => {
                assert!(pg_pool::is_unavailable(&error), "{error:?}");
                false
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_backend_killed_under_a_statement_is_unavailable() {
    let bench = Bench::new();
    let mut conn = bench.pool.read().await.unwrap();
    let pid = backend_pid(&mut conn).await;
    let mut watcher = bench.pool.read().await.unwrap();

    let slow = diesel::sql_query("SELECT pg_sleep(9)").execute(&mut *conn);
    let kill = async {
        let busy =
            format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep'");
        until("the statement runs", async || count(&mut watcher, &busy).await == 1).await;
        run(&mut watcher, &format!("SELECT pg_terminate_backend({pid})")).await;
    };
    let (outcome, ()) = tokio::join!(slow, kill);

    let error = outcome.expect_err("the statement was cut");
    assert!(pg_pool::is_unavailable(&error), "{error:?}");
}

#[tokio::test]
async fn a_transaction_whose_backend_was_killed_reports_the_loss() {
    let bench = Bench::new();
    let mut watcher = bench.pool.read().await.unwrap();
    let outcome: Result<(), PgError> = bench
        .pool
        .tx("killed", async |conn| {
            let pid = backend_pid(conn).await;
            run(&mut watcher, &format!("SELECT pg_terminate_backend({pid})")).await;
            diesel::sql_query("SELECT 1").execute(conn).await?;
            Ok(())
        })
        .await;
    let error = outcome.expect_err("the backend is dead");
    assert!(error.is_unavailable(), "{error:?}");
}

#[tokio::test]
async fn a_transaction_is_in_doubt_only_once_its_commit_was_sent() {
    let bench = Bench::new();
    let mut watcher = bench.pool.read().await.unwrap();
    let mut kill = async |conn: &mut pg_pool::Connection| {
        let pid = backend_pid(conn).await;
        run(&mut watcher, &format!("SELECT pg_terminate_backend({pid})")).await;
        let left = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
        until("the backend is gone", async || count(&mut watcher, &left).await == 0).await;
    };

    let in_work: Result<(), TxError<PgError>> = bench
        .pool
        .try_tx("killed_in_work", async |conn| {
            kill(conn).await;
            diesel::sql_query("SELECT 1").execute(conn).await?;
            Ok(())
        })
        .await;
    assert!(matches!(in_work, Err(TxError::RolledBack(_))), "{in_work:?}");

    let at_commit: Result<(), TxError<PgError>> = bench
        .pool
        .try_tx("killed_at_commit", async |conn| {
            kill(conn).await;
            Ok(())
        })
        .await;
    assert!(matches!(at_commit, Err(TxError::InDoubt(_))), "{at_commit:?}");
}

#[tokio::test]
async fn a_cut_network_connection_is_unavailable_and_then_replaced() {
    let (proxy, cut) = proxy().await;
    let bench = Bench::with(|config| {
        config.max_connections = 1;
        config.url = through(proxy).into();
    });
    let mut conn = bench.pool.read().await.unwrap();

    let slow = diesel::sql_query("SELECT pg_sleep(9)").execute(&mut *conn);
    let (outcome, _) = tokio::join!(slow, async { cut.send(()) });
    let error = outcome.expect_err("the connection was cut");
    assert!(pg_pool::is_unavailable(&error), "{error:?}");
    drop(conn);

    bench.pool.ping().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_there_is_unavailable_at_once() {
    let closed = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let bench = Bench::with(|config| config.url = through(closed).into());
    assert!(bench.pool.ping().await.is_err_and(|error| error.is_unavailable()));
    let error = bench.pool.read().await.expect_err("nobody listens");
    assert!(matches!(error, PgError::Acquire(_)) && error.is_unavailable(), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_takes_longer_than_anybody_waits_is_there_for_the_next() {
    let (proxy, _cut) = slow_proxy(Duration::from_millis(400)).await;
    let bench = Bench::with(|config| {
        config.max_connections = 1;
        config.acquire_timeout_ms = 100;
        config.url = through(proxy).into();
    });
    let error = bench.pool.read().await.expect_err("it is still being opened");
    assert!(matches!(error, PgError::Timeout(_)), "{error:?}");
    until("it is open", async || bench.pool.ping().await.is_ok()).await;
}

#[tokio::test]
async fn waiting_for_a_connection_is_bounded() {
    let bench = Bench::with(|config| {
        config.max_connections = 1;
        config.acquire_timeout_ms = 50;
    });
    let _held = bench.pool.read().await.unwrap();
    let started = Instant::now();
    let error = bench.pool.read().await.expect_err("the only connection is taken");
    assert!(matches!(error, PgError::Timeout(_)) && error.is_unavailable(), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_statement_is_bounded_and_so_is_its_wait_for_a_lock() {
    let bench = Bench::with(|config| {
        config.statement_timeout_ms = 300;
        config.lock_timeout_ms = 50;
    });
    let mut conn = bench.pool.write().await.unwrap();
    let error = diesel::sql_query("SELECT pg_sleep(9)").execute(&mut *conn).await.expect_err("too slow");
    assert!(pg_pool::is_timeout(&error) && !pg_pool::is_unavailable(&error), "{error:?}");

    let key = std::process::id();
    run(&mut conn, &format!("SELECT pg_advisory_lock({key})")).await;
    let mut other = bench.pool.write().await.unwrap();
    let wait = diesel::sql_query(format!("SELECT pg_advisory_lock({key})")).execute(&mut *other).await;
    let error = wait.expect_err("the lock is taken");
    assert!(pg_pool::is_timeout(&error), "{error:?}");
    run(&mut conn, &format!("SELECT pg_advisory_unlock({key})")).await;
}

/// The test database's URL with another address.
fn through(addr: std::net::SocketAddr) -> String {
    let url = std::env::var("ALDIA_TEST_PG_URL").unwrap();
    let config: tokio_postgres::Config = url.parse().unwrap();
    format!("postgres://{}@{addr}/{}", config.get_user().unwrap(), config.get_dbname().unwrap())
}

/// Forwards connections to the test database; `cut` closes those open at that moment.
async fn proxy() -> (std::net::SocketAddr, tokio::sync::broadcast::Sender<()>) {
    slow_proxy(Duration::ZERO).await
}

/// One that takes its time to open each connection.
async fn slow_proxy(delay: Duration) -> (std::net::SocketAddr, tokio::sync::broadcast::Sender<()>) {
    let config: tokio_postgres::Config = std::env::var("ALDIA_TEST_PG_URL").unwrap().parse().unwrap();
    let port = *config.get_ports().first().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (cut, _) = tokio::sync::broadcast::channel(1);
    let cuts = cut.clone();
    // Ends with the test's runtime.
    drop(tokio::spawn(async move {
        while let Ok((mut down, _)) = listener.accept().await {
            let mut cut = cuts.subscribe();
            drop(tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let mut up = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::select! { _ = copy_bidirectional(&mut down, &mut up) => {}, _ = cut.recv() => {} }
            }));
        }
    }));
    (addr, cut)
}
