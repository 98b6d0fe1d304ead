//! What every answer says about itself.

use std::time::{Duration, Instant};

use actix_web::web;
use futures_util::StreamExt as _;
use telemetry::request::Part;

use crate::support::{header, serve};

/// The milliseconds of one part of a `Server-Timing` value.
fn part(timing: &str, name: &str) -> f64 {
    let member = timing.split(", ").find(|member| member.starts_with(&format!("{name};"))).unwrap();
    member.split(';').find_map(|field| field.strip_prefix("dur=")).unwrap().parse().unwrap()
}

/// Lets the time go by without holding the thread.
async fn pass(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_answer_says_who_asked_when_and_where_the_time_went() {
    let served = serve(|app| {
        app.service(web::resource("/").route(web::get().to(async || {
            let request = telemetry::request::current().unwrap();
            let waiting = request.enter(Part::Pool);
            pass(Duration::from_millis(1)).await;
            drop(waiting);
            // Both at once: together they are longer than the request.
            let statements = [request.enter(Part::Database), request.enter(Part::Database)];
            pass(Duration::from_millis(4)).await;
            for (text, took) in [("SELECT 1", 4), ("SELECT 2", 4)] {
                request.record_statement(text, Duration::from_millis(took));
            }
            drop(statements);
            pass(Duration::from_millis(1)).await;
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
    assert!(timing.contains(";desc=\"2 statements\", pool;dur="), "{timing}");
    assert!(
        part(timing, "db") >= 4.0 && part(timing, "pool") >= 1.0 && part(timing, "app") >= 1.0,
        "{timing}"
    );
    let total = part(timing, "total");
    let sum = part(timing, "db") + part(timing, "pool") + part(timing, "app");
    assert!((sum - total).abs() <= 0.05 * total, "{timing}");
    assert!((seconds.parse::<f64>().unwrap() * 1000.0 - total).abs() <= 0.05 * total);
}

#[tokio::test]
async fn the_time_of_a_slow_client_is_recv() {
    let served = serve(|app| {
        app.service(
            web::resource("/").route(web::post().to(async |body: web::Bytes| body.len().to_string())),
        );
    });
    let pieces = futures_util::stream::iter(["ab", "cd"]).then(async |piece| {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok::<_, std::io::Error>(piece)
    });
    let request = served.client.post(served.url("/")).body(reqwest::Body::wrap_stream(pieces));
    let response = request.send().await.unwrap();
    let timing = header(&response, "server-timing");
    // The head may be answered for before the first piece is on its way, the second comes after it in any case.
    assert!(part(timing, "recv") >= 25.0, "{timing}");
    assert!(part(timing, "recv") >= part(timing, "app"), "{timing}");
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
