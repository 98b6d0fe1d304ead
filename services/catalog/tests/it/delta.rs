//! Measuring.
use crate::harness::TestApp;
use reqwest::Method;
use serde_json::json;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn measure() {
    let db = test_harness::Database::create(catalog::app::migrations(), "catalog").await;
    let mut config = crate::harness::config(db.url(), "");
    config.nats.url = "nats://127.0.0.1:1".to_owned();
    let app = TestApp::with(db, config, catalog::model::registry::Registry::default()).await;
    let admin = app.sign_in("administrator").await;
    let mut id = String::new();
    for size in [1usize, 10, 50, 100, 1000] {
        let at = Instant::now();
        let rounds = (1000 / size).min(20);
        for r in 0..rounds {
            let items: Vec<_> = (0..size).map(|n| json!({"name": format!("d {size} {r} {n}")})).collect();
            let (a, ..) = app.send_unchecked(app.request(Method::POST, "/v1/diseases/bulk", Some(&admin)).json(&json!({"items": items}))).await;
            assert_eq!(a.status.as_u16(), 201, "{}", a.text());
            id = a.json()["items"][0]["id"].as_str().unwrap().to_owned();
        }
        eprintln!("bulk {size}: {:?} per request", at.elapsed() / rounds as u32);
    }
    let at = Instant::now();
    for n in 0..100 {
        let (a, ..) = app.send_unchecked(app.request(Method::PATCH, &format!("/v1/diseases/{id}"), Some(&admin)).header("If-Match", "*").json(&json!({"symptoms": n.to_string()}))).await;
        assert_eq!(a.status.as_u16(), 200, "{}", a.text());
    }
    eprintln!("patch {:?}", at.elapsed() / 100);
    let at = Instant::now();
    futures_util::future::join_all((0..8).map(|_| async {
        for n in 0..50 {
            let (a, ..) = app.send_unchecked(app.request(Method::PATCH, &format!("/v1/diseases/{id}"), Some(&admin)).header("If-Match", "*").json(&json!({"symptoms": n.to_string()}))).await;
            assert_eq!(a.status.as_u16(), 200, "{}", a.text());
        }
    })).await;
    eprintln!("8 writers patch {:?}", at.elapsed() / 400);
    for limit in [1, 10, 100, 1000] {
        let at = Instant::now();
        for _ in 0..10 {
            let (a, ..) = app.send_unchecked(app.request(Method::GET, &format!("/v1/diseases?since=beginning&limit={limit}"), Some(&admin))).await;
            assert_eq!(a.status.as_u16(), 200, "{}", a.text());
        }
        eprintln!("delta {limit} {:?}", at.elapsed() / 10);
    }
}
