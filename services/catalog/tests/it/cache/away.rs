//! The cache's servers are away: reads go on, writes are refused rather than forgotten, and nothing stale comes of it.

use reqwest::Method;
use serde_json::json;
use test_harness::{ChaosProxy, wait_until};

use super::{make_disease, start, warm};
use crate::harness::TestApp;

const DEADLINE: std::time::Duration = std::time::Duration::from_secs(20);

/// A second replica whose way to Redis can be cut.
async fn fragile(app: &TestApp) -> (TestApp, ChaosProxy) {
    let proxy = ChaosProxy::to_url(&test_harness::redis_url());
    let mut config = app.config.clone();
    config.redis.url = proxy.rewrite(&test_harness::redis_url()).into();
    (app.replica(config).await, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_it_starts_and_reads_and_refuses_to_write() {
    let (app, admin) = start().await;
    let disease = make_disease(&app, &admin, "Scours").await;
    let mut config = app.config.clone();
    config.redis.url = "redis://127.0.0.1:1".to_owned().into();
    let lonely = app.replica(config).await;
    for path in [disease.as_str(), "/v1/diseases", "/v1/diseases/metadata"] {
        let answer = lonely.get(path, None).await.expect(200);
        assert!(answer.statements() > 0);
        let known = lonely.request(Method::GET, path, None).header("If-None-Match", answer.header("etag"));
        lonely.send(known).await.expect(304);
    }
    let ready = lonely.send_unchecked(lonely.request(Method::GET, "/readyz", None)).await;
    assert_eq!(ready.status.as_u16(), 200, "{}", ready.text());
    let refused = lonely.patch(&disease, Some(&admin), &json!({"symptoms": "new"})).await;
    refused.expect_problem(503, "unavailable");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    let shown = app.get(&disease, None).await.json();
    assert!(shown["symptoms"].is_null(), "a refused write was made: {shown}");
    lonely.stop_replica().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_cut_off_shows_what_others_wrote_meanwhile() {
    let (app, admin) = start().await;
    let disease = make_disease(&app, &admin, "Scours").await;
    let (fragile, proxy) = fragile(&app).await;
    for round in 0..3 {
        warm(&fragile, &disease, None).await;
        warm(&fragile, "/v1/diseases", None).await;
        proxy.cut();
        let symptoms = format!("round {round}");
        app.patch(&disease, Some(&admin), &json!({"symptoms": symptoms})).await.expect(200);
        for _ in 0..2 {
            assert_eq!(fragile.get(&disease, None).await.expect(200).json()["symptoms"], symptoms.as_str());
            let list = fragile.get("/v1/diseases", None).await.expect(200).json();
            assert_eq!(list["items"][0]["symptoms"], symptoms.as_str());
        }
        proxy.restore();
        let mut session = Some(&admin);
        wait_until("it uses Redis again", DEADLINE, async || {
            let answer = fragile.get(&disease, session.take()).await.expect(200);
            assert_eq!(answer.json()["symptoms"], symptoms.as_str());
            answer.statements() == 0
        })
        .await;
    }
    fragile.stop_replica().await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_writes_are_answered_and_reach_every_replica() {
    let (app, admin) = start().await;
    let disease = make_disease(&app, &admin, "Scours").await;
    let mut config = app.config.clone();
    config.nats.url = "nats://127.0.0.1:1".to_owned();
    let silent = app.replica(config).await;
    for round in 0..5 {
        warm(&app, &disease, None).await;
        let symptoms = format!("round {round}");
        silent.patch(&disease, Some(&admin), &json!({"symptoms": symptoms})).await.expect(200);
        for replica in [&app, &silent] {
            assert_eq!(replica.get(&disease, None).await.json()["symptoms"], symptoms.as_str());
        }
    }
    silent.stop_replica().await;
    app.stop().await;
}
