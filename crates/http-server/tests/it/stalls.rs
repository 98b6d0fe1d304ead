//! A handler that holds its thread is found, named, and told apart from one that waits.

use std::time::Duration;

use actix_web::web;

use crate::support::{header, lines, serve};

const SLEEP: Duration = Duration::from_millis(60);

#[tokio::test]
async fn a_handler_that_sleeps_is_named_to_clients_and_operators() {
    let served = serve(|app| {
        app.service(web::resource("/v1/stuck/{id}").route(web::get().to(sleeps)));
        app.service(web::resource("/v1/patient").route(web::get().to(waits)));
    });
    stall_detector::strict::enable();
    let answer = served.get_as("/v1/stuck/7", "stuck-1").await;
    // It was not over yet when the head of its own answer was written.
    let timing = header(&answer, "server-timing");
    let blocked = timing.split("blocked;dur=").nth(1).unwrap().split([',', ';']).next().unwrap();
    assert!(blocked.parse::<f64>().unwrap() >= 60.0, "{timing}");

    let told = lines("blocked", "stuck-1").await;
    assert_eq!(told.len(), 1);
    let line = &told[0];
    let expected = [
        ("method", "GET"),
        ("route", "/v1/stuck/{id}"),
        ("task", "request"),
        ("kind", "blocked"),
        ("level", "WARN"),
    ];
    for (field, value) in expected {
        assert_eq!(line[field], value, "{line:?}");
    }
    assert!(line["spans"].contains("request"), "{line:?}");

    let answer = served.get_as("/v1/patient", "patient-1").await;
    assert!(!header(&answer, "server-timing").contains("blocked"), "{answer:?}");
    let metrics = served.get("/metrics").await.text().await.unwrap();
    let held = metrics.lines().filter(|line| line.starts_with("runtime_blocked_poll_duration_seconds_count"));
    let held: Vec<&str> = held.filter(|line| line.contains("kind=\"blocked\"")).collect();
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(held[0].contains("route=\"/v1/stuck/{id}\"") && held[0].ends_with(" 1"), "{held:?}");
    for name in [
        "runtime_worker_busy_seconds_total{service=\"test\",runtime=\"worker-0\",worker=\"0\"}",
        "runtime_scheduling_lag_seconds_count{service=\"test\",runtime=\"worker-0\"}",
        "runtime_poll_duration_seconds_count{service=\"test\",task=\"request\"}",
    ] {
        assert!(metrics.contains(name), "{name}\n{metrics}");
    }
}

#[expect(clippy::disallowed_methods, reason = "this is what has to be found")]
async fn sleeps() -> &'static str {
    std::thread::sleep(SLEEP);
    ""
}

async fn waits() -> &'static str {
    tokio::time::sleep(SLEEP).await;
    ""
}
