//! A primary and its replica.

use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use test_harness::{Cluster, connect, wait_until};

const SOON: Duration = Duration::from_secs(20);

async fn rows(conn: &mut AsyncPgConnection) -> i64 {
    let count = diesel::dsl::sql::<diesel::sql_types::BigInt>("(SELECT count(*) FROM thing)");
    diesel::select(count).get_result(conn).await.unwrap()
}

async fn add(url: &str) {
    connect(url).await.batch_execute("INSERT INTO thing DEFAULT VALUES").await.unwrap();
}

async fn prepare(url: String) {
    connect(&url).await.batch_execute("CREATE TABLE thing (id bigserial)").await.unwrap();
    add(&url).await;
}

#[tokio::test]
async fn what_the_primary_commits_comes_to_the_replica_also_after_a_crash() {
    let mut cluster = Cluster::start(Duration::ZERO, prepare).await;
    let mut replica = connect(&cluster.replica.url()).await;
    assert_eq!(rows(&mut replica).await, 1);
    let refused = replica.batch_execute("INSERT INTO thing DEFAULT VALUES").await;
    assert!(refused.is_err_and(|error| error.to_string().contains("read-only")));

    cluster.replica.kill();
    assert!(replica.batch_execute("SELECT 1").await.is_err());
    add(&cluster.primary.url()).await;
    cluster.replica.restart().await;
    let mut replica = connect(&cluster.replica.url()).await;
    wait_until("the second row is there", SOON, async || rows(&mut replica).await == 2).await;
}

#[tokio::test]
async fn a_promoted_replica_goes_its_own_way() {
    let cluster = Cluster::start(Duration::ZERO, prepare).await;
    cluster.replica.promote().await;
    add(&cluster.replica.url()).await;
    let (mut primary, mut promoted) =
        (connect(&cluster.primary.url()).await, connect(&cluster.replica.url()).await);
    assert_eq!((rows(&mut primary).await, rows(&mut promoted).await), (1, 2));
}

#[tokio::test]
async fn a_dropped_cluster_is_gone() {
    let cluster = Cluster::start(Duration::ZERO, prepare).await;
    let urls = [cluster.primary.url(), cluster.replica.url()];
    drop(cluster);
    for url in urls {
        assert!(AsyncPgConnection::establish(&url).await.is_err());
    }
}
