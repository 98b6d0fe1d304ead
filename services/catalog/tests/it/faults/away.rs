//! Something that the catalog needs is away from the start, or goes.

use catalog::model::registry::Registry;
use reqwest::Method;
use serde_json::json;
use test_harness::{Database, wait_until};

use super::{DEADLINE, Fragile, assert_unavailable, count};
use crate::harness::{PASSWORD, TestApp, config};

/// A port that nobody listens on.
const NOWHERE: &str = "127.0.0.1:1";

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_every_operation_says_so_and_readiness_falls_until_it_is_back() {
    let fragile = Fragile::start().await;
    let Fragile { app, proxy, administrator } = &fragile;
    let breed = app.make_breed(administrator, "cattle").await;
    let before = app.get("/v1/breeds/metadata", None).await.json();
    assert_eq!(fragile.readiness().await.0, 200);
    proxy.cut();
    for path in [
        "/v1/breeds",
        "/v1/breeds?since=beginning",
        "/v1/breeds?include=species",
        "/v1/breeds?export=csv",
        "/v1/breeds/metadata?digest_prefix=0",
        "/v1/breeds/stats",
        &format!("/v1/breeds/{breed}"),
        &format!("/v1/breeds/{breed}?include=species"),
    ] {
        assert_unavailable(&app.get(path, None).await);
    }
    let missing = uuid::Uuid::now_v7();
    for path in [format!("/v1/animals/{missing}/pedigree"), format!("/v1/animals/{missing}/withdrawal")] {
        assert_unavailable(&app.get(&path, Some(administrator)).await);
    }
    let credentials = json!({"username": "nobody", "password": PASSWORD});
    assert_unavailable(&app.post("/v1/auth/token", None, &credentials).await);
    assert_unavailable(
        &app.post("/v1/breeds", Some(administrator), &json!({"name": "New", "species_id": missing})).await,
    );
    let (status, report) = fragile.readiness().await;
    assert_eq!(status, 503, "{report}");
    assert!(
        report.contains("postgres") && !report.contains(NOWHERE) && !report.contains("service_test"),
        "{report}"
    );
    // What needs no database goes on, and so does what is known: nobody can have changed it.
    assert_eq!(app.get("/v1/breeds/metadata", None).await.expect(200).json(), before);
    app.get("/openapi.json", None).await.expect(200);
    let alive = app.send_unchecked(app.request(Method::GET, "/livez", None)).await;
    assert_eq!(alive.status.as_u16(), 200);
    proxy.restore();
    wait_until("it is not ready again", DEADLINE, async || fragile.readiness().await.0 == 200).await;
    assert_eq!(app.get("/v1/breeds/metadata", None).await.expect(200).json(), before);
    fragile.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_falls_silent_is_not_ready_and_holds_nobody_up_for_long() {
    let fragile = Fragile::with(|config| config.postgres.acquire_timeout_ms = 500).await;
    assert_eq!(fragile.readiness().await.0, 200);
    fragile.proxy.stall();
    let (status, report) = fragile.readiness().await;
    assert_eq!(status, 503, "{report}");
    fragile.proxy.cut();
    fragile.proxy.restore();
    wait_until("it is not ready again", DEADLINE, async || fragile.readiness().await.0 == 200).await;
    fragile.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_changes_are_made_and_their_events_wait() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let mut config = config(db.url(), "");
    config.nats.url = format!("nats://{NOWHERE}");
    let app = TestApp::with(db, config, Registry::default()).await;
    let administrator = app.sign_in("administrator").await;
    for n in 0..3 {
        app.make("diseases", &administrator, json!({"name": format!("Fever {n}")})).await;
    }
    let ready = app.send_unchecked(app.request(Method::GET, "/readyz", None)).await;
    assert_eq!(ready.status.as_u16(), 200, "{}", ready.text());
    let mut conn = app.db.connect().await;
    let waiting = "SELECT count(*) AS n FROM outbox WHERE published_at IS NULL";
    // Three diseases and the administrator.
    assert_eq!(count(&mut conn, waiting).await, 4);
    let gauge = async || {
        let metrics = app.send_unchecked(app.request(Method::GET, "/metrics", None)).await;
        metrics.text().lines().any(|line| line.starts_with("outbox_unpublished") && line.ends_with(" 4"))
    };
    wait_until("the gauge does not show what waits", DEADLINE, gauge).await;
    // A catalog that reaches NATS publishes them.
    let db = app.stop().await;
    let app = TestApp::on(db).await;
    wait_until("the events are not published", DEADLINE, async || count(&mut conn, waiting).await == 0).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_people_sign_in_and_attempts_are_still_limited() {
    // People are made while it is there: that is a write.
    let before = TestApp::start().await;
    let administrator = before.sign_in("administrator").await;
    let user = before.get(&format!("/v1/users/{}", administrator.id), Some(&administrator)).await.json();
    let db = before.stop().await;
    let mut config = config(db.url(), "");
    config.redis.url = format!("redis://{NOWHERE}").into();
    config.auth.attempts.per_username = 3;
    let app = TestApp::with(db, config, Registry::default()).await;
    let credentials = json!({"username": user["identification"], "password": PASSWORD});
    app.post("/v1/auth/token", None, &credentials).await.expect(200);
    app.get("/v1/users", Some(&administrator)).await.expect(200);
    let guess = json!({"username": "somebody", "password": "a guess"});
    for _ in 0..3 {
        app.post("/v1/auth/token", None, &guess).await.expect_problem(401, "invalid_credentials");
    }
    let refused = app.post("/v1/auth/token", None, &guess).await;
    refused.expect_problem(429, "too_many_requests");
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    app.stop().await;
}
