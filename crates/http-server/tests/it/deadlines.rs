//! How long the caller waits, as a handler finds it.

use std::time::Instant;

use actix_web::web;
use futures_util::StreamExt as _;

use crate::support::{Served, serve};

/// Answers with the milliseconds left, or `none`.
fn left() -> String {
    let deadline = telemetry::request::current().unwrap().deadline();
    deadline
        .map_or("none".to_owned(), |at| at.saturating_duration_since(Instant::now()).as_millis().to_string())
}

fn served() -> Served {
    serve(|app| {
        app.service(web::resource("/").route(web::get().to(async || left())).route(web::post().to(
            async |mut body: web::Payload| {
                let before = left();
                while body.next().await.transpose()?.is_some() {}
                Ok::<_, actix_web::Error>(format!("{before} then {}", left()))
            },
        )))
        .service(web::resource("/unread").route(web::post().to(async |_body: web::Payload| left())));
    })
}

async fn asked(served: &Served, values: &[&str]) -> String {
    let mut request = served.client.get(served.url("/"));
    for value in values {
        request = request.header("x-request-timeout-ms", *value);
    }
    request.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn the_time_a_caller_grants_becomes_the_deadline_of_the_request() {
    let served = served();
    let left: u64 = asked(&served, &["3600000"]).await.parse().unwrap();
    assert!((3_000_000..=3_600_000).contains(&left), "{left}");
}

#[tokio::test]
async fn what_is_no_time_is_ignored() {
    let served = served();
    for values in [&[][..], &["0"], &["-1"], &["+1"], &["1.5"], &["soon"], &["3600001"], &["60000", "60000"]]
    {
        assert_eq!(asked(&served, values).await, "none", "{values:?}");
    }
}

#[tokio::test]
async fn the_time_counts_from_the_end_of_the_body() {
    let served = served();
    let request = served.client.post(served.url("/")).header("x-request-timeout-ms", "3600000").body("abcd");
    let text = request.send().await.unwrap().text().await.unwrap();
    let (before, after) = text.split_once(" then ").unwrap();
    assert_eq!(before, "none");
    assert!((3_000_000..=3_600_000).contains(&after.parse::<u64>().unwrap()), "{after}");
}

#[tokio::test]
async fn a_body_that_was_not_read_has_no_end_to_count_from() {
    let served = served();
    let request =
        served.client.post(served.url("/unread")).header("x-request-timeout-ms", "60000").body("abcd");
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "none");
}
