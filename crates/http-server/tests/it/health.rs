//! The endpoints for operators.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_server::ReadinessCheck;
use serde_json::json;

use crate::support::{header, json as body, serve, shell, start};

fn switch(on: &Arc<AtomicBool>) -> Arc<dyn ReadinessCheck> {
    let on = Arc::clone(on);
    http_server::check("switch", async move || on.load(Ordering::Relaxed).then_some(()).ok_or("switched off"))
}

fn hanging() -> Arc<dyn ReadinessCheck> {
    http_server::check("hanging", async || std::future::pending::<Result<(), String>>().await)
}

#[tokio::test]
async fn readiness_follows_its_checks_and_startup_stays_passed() {
    let on = Arc::new(AtomicBool::new(false));
    let served = start(shell(vec![switch(&Arc::new(AtomicBool::new(true))), switch(&on)]), |_| {});
    assert_eq!(served.get("/startupz").await.status(), 503);
    let response = served.get("/readyz").await;
    assert_eq!(response.status(), 503);
    assert_eq!(header(&response, "cache-control"), "no-store");
    let failed = json!({"name": "switch", "status": "fail", "detail": "switched off"});
    let passed = json!({"name": "switch", "status": "pass"});
    assert_eq!(body(response).await, json!({"status": "not_ready", "checks": [passed, failed]}));

    on.store(true, Ordering::Relaxed);
    let response = served.get("/readyz").await;
    assert_eq!(response.status(), 200);
    assert_eq!(body(response).await["status"], "ready");

    on.store(false, Ordering::Relaxed);
    assert_eq!(served.get("/startupz").await.status(), 200);
    assert_eq!(served.get("/livez").await.status(), 200);
}

#[tokio::test]
async fn a_check_that_hangs_fails_after_two_seconds() {
    let served = start(shell(vec![hanging(), hanging()]), |_| {});
    let response = served.get("/readyz").await;
    assert_eq!(response.status(), 503);
    assert_eq!(body(response).await["checks"][1]["detail"], "no answer within 2 s");
}

#[tokio::test]
async fn a_draining_server_is_alive_but_not_ready() {
    let served = serve(|_| {});
    served.running.handle().drain();
    let response = served.get("/readyz").await;
    assert_eq!(response.status(), 503);
    assert_eq!(body(response).await["status"], "draining");
    assert_eq!(served.get("/livez").await.status(), 200);
}

#[tokio::test]
async fn version_and_metrics_are_there() {
    let served = serve(|_| {});
    assert_eq!(body(served.get("/version").await).await, json!({"service": "test", "version": "1.2.3"}));
    let response = served.get("/metrics").await;
    assert!(header(&response, "content-type").starts_with("application/openmetrics-text"));
    assert!(response.text().await.unwrap().ends_with("# EOF\n"));
}

#[tokio::test]
async fn a_public_port_can_do_without_them() {
    let shell = shell(vec![]);
    let running = shell.start_without_health(|_| {}).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(format!("http://{}/metrics", running.addr)).send().await.unwrap();
    assert_eq!(response.status(), 404);
}
