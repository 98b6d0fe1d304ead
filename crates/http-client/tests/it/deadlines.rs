//! A call made for a request ends when the request's caller stops waiting, and says so to the peer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_client::{Answer, Client, ClientConfig, HttpError};
use telemetry::request::{self, RequestStats};

use crate::{Act, Script, answer};

const LONG_MS: u64 = 600_000;

fn client(change: impl FnOnce(&mut ClientConfig)) -> Client {
    let mut config = ClientConfig { timeout_ms: LONG_MS, ..ClientConfig::default() };
    change(&mut config);
    Client::new(config).unwrap()
}

/// A request whose caller waits `left` from now.
fn request_with(left: Duration) -> Arc<RequestStats> {
    let stats = RequestStats::new(None, "r".to_owned());
    stats.set_deadline(Instant::now() + left);
    stats
}

async fn get_in(stats: &Arc<RequestStats>, client: &Client, url: &str) -> Result<Answer, HttpError> {
    request::scope(Arc::clone(stats), client.get(url).send()).await
}

fn announced(head: &str) -> u64 {
    let (_, rest) = head.split_once("\r\nx-request-timeout-ms: ").unwrap();
    rest.split_once("\r\n").unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn the_time_that_is_left_travels_along() {
    let server = Script::play(vec![answer("200 OK", "1")]).await;
    let client = client(|_| {});
    get_in(&request_with(Duration::from_secs(100)), &client, &server.url).await.unwrap();
    get_in(&request_with(Duration::from_secs(3_000)), &client, &server.url).await.unwrap();
    client.get(&server.url).timeout(Duration::from_secs(50)).send().await.unwrap();
    let told: Vec<u64> = server.seen().iter().map(|head| announced(head)).collect();
    assert!((60_000..=100_000).contains(&told[0]), "the request's: {told:?}");
    assert!((500_000..=LONG_MS).contains(&told[1]), "the client's own, which is sooner: {told:?}");
    assert!((20_000..=50_000).contains(&told[2]), "the call's own, outside of a request: {told:?}");
}

#[tokio::test]
async fn a_call_ends_with_the_request_it_is_made_for() {
    let server = Script::play(vec![Act::Stall]).await;
    let error =
        get_in(&request_with(Duration::from_millis(50)), &client(|_| {}), &server.url).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_is_sent_for_a_request_whose_caller_has_gone() {
    let server = Script::play(vec![answer("200 OK", "1")]).await;
    let error = get_in(&request_with(Duration::ZERO), &client(|_| {}), &server.url).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { .. }), "{error:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_hurried_caller_does_not_open_the_breaker() {
    let server = Script::play(vec![Act::Stall, Act::Stall, Act::Stall, answer("200 OK", "1")]).await;
    let client = client(|config| config.breaker_failures = 2);
    for _ in 0..3 {
        let error = get_in(&request_with(Duration::from_millis(50)), &client, &server.url).await.unwrap_err();
        assert!(matches!(error, HttpError::Timeout { .. }), "{error:?}");
    }
    assert_eq!(client.get_json::<u32>(&server.url).await.unwrap(), 1);
}

#[tokio::test]
async fn a_peer_that_had_its_time_is_at_fault_inside_a_request_too() {
    let server = Script::play(vec![Act::Stall]).await;
    let client = client(|config| {
        config.timeout_ms = 50;
        config.breaker_failures = 2;
    });
    let stats = request_with(Duration::from_secs(600));
    for _ in 0..2 {
        assert!(matches!(get_in(&stats, &client, &server.url).await, Err(HttpError::Timeout { .. })));
    }
    assert!(matches!(get_in(&stats, &client, &server.url).await, Err(HttpError::Suspended { .. })));
}
