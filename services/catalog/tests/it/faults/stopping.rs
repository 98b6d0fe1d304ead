//! The catalog is told to stop while it works.

use reqwest::Method;
use serde_json::json;
use test_harness::wait_until;

use super::{DEADLINE, Held, count};
use crate::harness::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_has_begun_is_answered_before_the_end() {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    let request =
        app.request(Method::POST, "/v1/diseases", Some(&administrator)).json(&json!({"name": "Late"}));
    let readiness = app.request(Method::GET, "/readyz", None);
    let mut held = Held::lock(&app.db, "change_log").await;
    let mut conn = app.db.admin().await;
    let begun = tokio::spawn(request.send());
    held.wait_for_somebody().await;
    let stopped = tokio::spawn(app.stop());
    // Nobody new is let in: the port is closed, or says that it is not ready.
    let shut = async || match readiness.try_clone().map(reqwest::RequestBuilder::send) {
        Some(answer) => answer.await.map_or(true, |answer| answer.status().as_u16() == 503),
        None => false,
    };
    wait_until("new requests are let in", DEADLINE, shut).await;
    assert!(!begun.is_finished(), "the request waits");
    held.release().await;
    let answer = begun.await.unwrap().unwrap();
    assert_eq!(answer.status().as_u16(), 201);
    let made: serde_json::Value = answer.json().await.unwrap();
    let _db = stopped.await.unwrap();
    let sql =
        format!("SELECT count(*) AS n FROM disease WHERE id = '{}'", made["id"].as_str().unwrap_or_default());
    assert_eq!(count(&mut conn, &sql).await, 1);
}
