//! What every answer says about itself.

use std::time::{Duration, Instant};

use actix_web::web;

use crate::support::{header, serve};

/// The milliseconds of one part of a `Server-Timing` value.
fn part(timing: &str, name: &str) -> f64 {
    let member = timing.split(", ").find(|member| member.starts_with(&format!("{name};"))).unwrap();
    member.split(';').find_map(|field| field.strip_prefix("dur=")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_answer_says_who_asked_when_and_where_the_time_went() {
    let served = serve(|app| {
        app.service(web::resource("/").route(web::get().to(async || {
            let request = telemetry::request::current().unwrap();
            request.record_statement("SELECT 1", Duration::from_micros(300));
            request.record_statement("SELECT 2", Duration::from_micros(200));
            request.record_pool_wait(Duration::from_micros(100));
            let started = Instant::now();
            while started.elapsed() < Duration::from_millis(2) {
                tokio::task::yield_now().await;
            }
            "done"
        })));
    });
    let response = served.get_as("/", "my-id_1.a").await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "x-request-id"), "my-id_1.a");
    assert_eq!(header(&response, "x-api-version"), "1");
    let seconds = header(&response, "x-process-time");
    assert_eq!(seconds.split_once('.').unwrap().1.len(), 6);
    let timing = header(&response, "server-timing");
    assert!(timing.contains("db;dur=0.500;desc=\"2 statements\", pool;dur=0.100, app;dur="), "{timing}");
    let total = part(timing, "total");
    let sum = part(timing, "db") + part(timing, "pool") + part(timing, "app");
    assert!((sum - total).abs() <= 0.05 * total, "{timing}");
    assert!((seconds.parse::<f64>().unwrap() * 1000.0 - total).abs() <= 0.05 * total);
}

#[tokio::test]
async fn a_request_id_that_could_harm_a_log_is_replaced() {
    let served = serve(|_| {});
    for id in ["", "a b", "a\tb", "a\"b", "ü", &"x".repeat(129)] {
        let response = served.get_as("/", id).await;
        let answered = header(&response, "x-request-id");
        assert_eq!(answered.len(), 36, "{id:?} -> {answered:?}");
    }
    assert_eq!(header(&served.get_as("/", &"x".repeat(128)).await, "x-request-id").len(), 128);
}

#[tokio::test]
async fn a_part_that_was_measured_behind_this_server_stays_in_server_timing() {
    let served = serve(|app| {
        app.service(web::resource("/").route(web::get().to(async || {
            actix_web::HttpResponse::Ok().insert_header(("server-timing", "cache;dur=1")).finish()
        })));
    });
    let response = served.get("/").await;
    assert_eq!(response.headers().get_all("server-timing").iter().count(), 2);
}
