//! Reading from replicas (P-D10).

use std::sync::Arc;
use std::time::Duration;

use package_ledger::config::Config;
use test_harness::{Cluster, Database, TestIssuer};
use uuid::Uuid;

use super::fixtures::Row;
use crate::harness::{Answer, Harness, TestClock, config_text};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_is_refused() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    for path in ["/v1/packages", "/v1/packages/stats", "/v1/packages/00000000-0000-7000-8000-000000000009"] {
        let answer = harness.get_with(path, &staff.operator, &[("Consistency-Token", "16/B374D848")]).await;
        answer.expect_problem(400, "malformed_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_replicas_no_change_is_answered_with_a_token() {
    let harness = Harness::start().await;
    let staff = harness.staff().await;
    let slot = serde_json::json!({"codes": ["A-1"], "size_class": "small"});
    let created = harness.post("/v1/slots", &staff.admin, &slot).await.expect(201);
    assert_eq!(created.header("consistency-token"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_none_leaves_reads_to_the_primary_and_the_cache() {
    let first = Harness::start().await;
    let harness = first.replica(&format!("[postgres]\nreplica_urls = [\"{}\"]", first.db.url())).await;
    let staff = harness.staff().await;
    let now = harness.tomorrow();
    let customer = harness.customer("Ana", "+573000000001", None).await;
    harness.packages(&[Row::announced(customer, now)]).await;
    let slot = serde_json::json!({"codes": ["A-1"], "size_class": "small"});
    let created = harness.post("/v1/slots", &staff.admin, &slot).await.expect(201);
    let token = created.header("consistency-token").to_owned();
    assert!(!token.is_empty());
    let fields = [("Consistency-Token", token.as_str())];
    for path in ["/v1/packages", "/v1/packages/stats"] {
        let cold = harness.get_with(path, &staff.operator, &fields).await.expect(200);
        assert!(cold.header("cache-control").starts_with("private, max-age="));
        let warm = harness.get_with(path, &staff.operator, &fields).await.expect(200);
        assert_eq!((warm.statements(), &warm.body), (0, &cold.body), "{path}");
    }
}

/// A service on a primary with a replica that is so far behind.
async fn behind(delay: Duration) -> (Cluster, Harness) {
    let issuer = Arc::new(TestIssuer::start());
    let cluster = Cluster::start(delay, async |url| {
        let config = settings::from_toml::<Config>(&config_text(&url, &issuer, "")).unwrap();
        package_ledger::app::migrate(&config).await.unwrap();
    })
    .await;
    // Only its name is used.
    let db = Arc::new(Database::create(package_ledger::app::migrations(), "package-ledger").await);
    let more = format!(
        "[postgres]\nurl = \"{}\"\nreplica_urls = [\"{}\"]\n[jobs]\nenabled = false",
        cluster.primary.url(),
        cluster.replica.url()
    );
    let harness = Harness::on(db, Arc::clone(&issuer), TestClock::default(), &more).await;
    (cluster, harness)
}

/// Adds a slot; gives the token of that.
async fn add_slot(harness: &Harness, admin: &str, number: u32) -> String {
    let slot = serde_json::json!({"codes": [format!("A-{number}")], "size_class": "small"});
    let created = harness.post("/v1/slots", admin, &slot).await.expect(201);
    created.header("consistency-token").to_owned()
}

fn free(stats: &Answer) -> u64 {
    stats.json()["slots"]["small"]["free"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_misses_an_own_change_on_a_replica_that_is_ten_seconds_behind() {
    let (_cluster, harness) = behind(Duration::from_secs(10)).await;
    let admin = harness.token_as(Uuid::now_v7(), &["administrator"]);
    for number in 1..=20 {
        let token = add_slot(&harness, &admin, number).await;
        let fields = [("Consistency-Token", token.as_str())];
        let stats = harness.get_with("/v1/packages/stats", &admin, &fields).await.expect(200);
        assert_eq!(free(&stats), u64::from(number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_replica_gives_is_kept_by_nobody_and_what_is_kept_comes_first() {
    let (cluster, harness) = behind(Duration::ZERO).await;
    let admin = harness.token_as(Uuid::now_v7(), &["administrator"]);
    let token = add_slot(&harness, &admin, 1).await;
    let fields = [("Consistency-Token", token.as_str())];
    test_harness::wait_until("a read from the replica", Duration::from_secs(20), async || {
        let stats = harness.get_with("/v1/packages/stats", &admin, &fields).await.expect(200);
        assert_eq!(free(&stats), 1);
        // One that came from the primary is kept; a change makes room for another.
        let is_from_replica = stats.header("cache-control") == "private, no-store";
        if !is_from_replica {
            let code = Uuid::now_v7().simple().to_string().split_off(16).to_uppercase();
            let other = serde_json::json!({"codes": [code], "size_class": "extra"});
            harness.post("/v1/slots", &admin, &other).await.expect(201);
        }
        is_from_replica
    })
    .await;
    let again = harness.get_with("/v1/packages/stats", &admin, &fields).await.expect(200);
    assert_eq!((again.header("cdn-cache-control"), again.header("cache-groups")), ("", ""));
    assert!(again.statements() > 0, "nothing was kept");
    // Without a token everything is wanted: the primary has it, and that is kept for all.
    let all = harness.get("/v1/packages/stats", &admin).await.expect(200);
    assert!(all.header("cache-control").starts_with("private, max-age="));
    drop(cluster);
    let kept = harness.get_with("/v1/packages/stats", &admin, &fields).await.expect(200);
    assert_eq!((kept.statements(), &kept.body), (0, &all.body));
}
