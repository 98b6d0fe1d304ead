//! Answers, retries, bounds and breakers.

use std::time::{Duration, Instant};

use http_client::{Client, ClientConfig, HttpError, Method};

use crate::{Act, Script, answer};

fn client(change: impl FnOnce(&mut ClientConfig)) -> Client {
    let mut config = ClientConfig::default();
    change(&mut config);
    Client::new(config).unwrap()
}

#[tokio::test]
async fn a_json_answer_is_read() {
    let server = Script::play(vec![answer("200 OK", r#"{"a":[1,2]}"#)]).await;
    let got: serde_json::Value = client(|_| {}).get_json(&format!("{}/x?y=1", server.url)).await.unwrap();
    assert_eq!(got["a"][1], 2);
    assert!(server.seen()[0].starts_with("get /x?y=1 http/1.1\r\n"));
}

#[tokio::test]
async fn an_error_status_is_an_answer_to_send_and_an_error_to_get_json() {
    let server = Script::play(vec![answer("404 Not Found", "{}")]).await;
    let client = client(|_| {});
    assert_eq!(client.get(&server.url).send().await.unwrap().status, 404);
    let error = client.get_json::<serde_json::Value>(&server.url).await.unwrap_err();
    assert!(matches!(&error, HttpError::Status { status, .. } if *status == 404) && !error.is_unavailable());
    assert_eq!(server.seen().len(), 2, "a 404 is not repeated");
}

#[tokio::test]
async fn a_get_is_repeated_over_a_broken_connection_and_an_overloaded_peer() {
    let acts = vec![Act::HangUp, answer("503 Service Unavailable", ""), answer("200 OK", "1")];
    let server = Script::play(acts).await;
    assert_eq!(client(|_| {}).get_json::<u32>(&server.url).await.unwrap(), 1);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_post_is_not_repeated_unless_it_is_called_idempotent() {
    let server = Script::play(vec![answer("503 Service Unavailable", "")]).await;
    let client = client(|config| config.breaker_failures = 0);
    assert_eq!(client.request(Method::POST, &server.url).json(&1).send().await.unwrap().status, 503);
    assert_eq!(server.seen().len(), 1);
    let again = client.request(Method::POST, &server.url).json(&1).idempotent().send().await;
    assert_eq!(again.unwrap().status, 503);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn retries_stop_when_the_budget_is_spent() {
    let server = Script::play(vec![Act::HangUp]).await;
    let client = client(|config| {
        config.breaker_failures = 0;
        config.max_retries = 1;
    });
    for _ in 0..20 {
        assert!(client.get(&server.url).send().await.is_err());
    }
    // 20 first attempts, 10 retries saved up and at most 2 earned.
    assert!((30..=32).contains(&server.seen().len()), "{}", server.seen().len());
}

#[tokio::test]
async fn a_call_ends_by_its_deadline() {
    let server = Script::play(vec![Act::Stall]).await;
    let started = Instant::now();
    let error = client(|config| config.timeout_ms = 60).get(&server.url).send().await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { .. }), "{error:?}");
    let sooner = client(|_| {}).get(&server.url).timeout(Duration::from_millis(60)).send().await;
    assert!(sooner.is_err_and(|error| error.is_unavailable()));
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_large_answer_is_refused() {
    let server = Script::play(vec![answer("200 OK", &"x".repeat(2_000))]).await;
    let error = client(|config| config.max_answer_bytes = 1_000).get(&server.url).send().await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: 1_000, .. }), "{error:?}");
}

#[tokio::test]
async fn a_failing_origin_is_left_alone_and_recovers_by_a_probe() {
    let acts = vec![Act::HangUp, Act::HangUp, answer("200 OK", "1")];
    let server = Script::play(acts).await;
    let client = client(|config| {
        config.max_retries = 0;
        config.breaker_failures = 2;
        config.breaker_pause_ms = 100;
    });
    for _ in 0..2 {
        assert!(client.get(&server.url).send().await.is_err());
    }
    let error = client.get(&server.url).send().await.unwrap_err();
    let HttpError::Suspended { retry_after, .. } = error else { panic!("{error:?}") };
    assert_eq!(server.seen().len(), 2, "nothing was sent");
    tokio::time::sleep(retry_after).await;
    assert_eq!(client.get_json::<u32>(&server.url).await.unwrap(), 1);
    assert_eq!(client.get_json::<u32>(&server.url).await.unwrap(), 1);
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_the_error_tells_no_secrets() {
    let error =
        client(|_| {}).get("http://user:hunter2@127.0.0.1:1/?token=hunter2").send().await.unwrap_err();
    assert!(error.is_unavailable());
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    let wrong = client(|_| {}).get("ftp://host/").send().await.unwrap_err();
    assert!(matches!(wrong, HttpError::Url));
}
