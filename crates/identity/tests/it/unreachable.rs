//! Floods of unknown keys, issuers that are away or slow, and keys that come and go.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use identity::keys::SigningKey;
use identity::{IdentityError, Verifier};

use crate::support::Issuer;

fn stranger(issuer: &Issuer) -> String {
    SigningKey::generate().unwrap().sign(&issuer.claims(|_| {})).unwrap()
}

async fn until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "it never came to be");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_flood_of_unknown_keys_is_one_fetch_in_five_seconds() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    for round in 1..=3 {
        let flood = (0..200).map(|_| {
            let (verifier, token) = (verifier.clone(), stranger(&issuer));
            tokio::spawn(async move { verifier.verify(&token).await })
        });
        for request in flood.collect::<Vec<_>>() {
            assert_eq!(request.await.unwrap(), Err(IdentityError::UnknownKey));
        }
        assert_eq!(issuer.fetched(), round);
        issuer.pass(5);
    }
}

#[tokio::test]
async fn a_new_key_is_found_by_its_first_token() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    verifier.verify(&issuer.token()).await.unwrap();
    let next = SigningKey::generate().unwrap();
    issuer.publish(&next);
    issuer.pass(5);
    verifier.verify(&next.sign(&issuer.claims(|_| {})).unwrap()).await.unwrap();
    assert_eq!(issuer.fetched(), 2);
}

#[tokio::test]
async fn many_first_requests_share_one_fetch() {
    let issuer = Issuer { gate: std::sync::Arc::new(tokio::sync::Semaphore::new(0)), ..Issuer::new() };
    let verifier = issuer.verifier();
    let token = issuer.token();
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), token.clone());
            tokio::spawn(async move { verifier.verify(&token).await })
        })
        .collect();
    until(|| issuer.fetched() == 1).await;
    issuer.gate.add_permits(1);
    for request in requests {
        request.await.unwrap().unwrap();
    }
    assert_eq!(issuer.fetched(), 1);
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_cut_the_fetch_off() {
    let issuer = Issuer { gate: std::sync::Arc::new(tokio::sync::Semaphore::new(0)), ..Issuer::new() };
    let verifier = issuer.verifier();
    let token = issuer.token();
    let first = tokio::spawn({
        let (verifier, token) = (verifier.clone(), token.clone());
        async move { verifier.verify(&token).await }
    });
    until(|| issuer.fetched() == 1).await;
    first.abort();
    let second = tokio::spawn(async move { verifier.verify(&token).await });
    issuer.gate.add_permits(1);
    second.await.unwrap().unwrap();
    assert_eq!(issuer.fetched(), 1);
}

#[tokio::test]
async fn known_keys_outlive_an_issuer_that_is_away_for_a_day() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    verifier.verify(&issuer.token()).await.unwrap();
    issuer.away.store(true, Ordering::SeqCst);
    issuer.pass(600);
    // Another token, so that the key is needed and not only the memory of a verification.
    let token = issuer.token_with(|claims| claims["jti"] = serde_json::json!("t-2"));
    verifier.verify(&token).await.unwrap();
    until(|| issuer.fetched() == 2).await;
    // A key nobody knows cannot be told from a new one while the issuer is away.
    assert_eq!(verifier.verify(&stranger(&issuer)).await, Err(IdentityError::IssuerUnavailable));
    issuer.pass(24 * 3600);
    let late = issuer.token_with(|claims| claims["exp"] = serde_json::json!(crate::support::START + 900_000));
    assert_eq!(verifier.verify(&late).await, Err(IdentityError::IssuerUnavailable));
}

#[tokio::test]
async fn a_withdrawn_key_stops_working() {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    verifier.verify(&issuer.token()).await.unwrap();
    issuer.published.lock().unwrap().clear();
    issuer.pass(301);
    let token = issuer.token_with(|claims| claims["jti"] = serde_json::json!("t-2"));
    // The request that finds the set old is still served, and starts the fetch.
    verifier.verify(&token).await.unwrap();
    until(|| issuer.fetched() == 2).await;
    let fresh = |n: i32| issuer.token_with(|claims| claims["jti"] = serde_json::json!(format!("t-{n}")));
    let mut n = 3;
    let deadline = Instant::now() + Duration::from_secs(10);
    while verifier.verify(&fresh(n)).await.is_ok() {
        assert!(Instant::now() < deadline, "the withdrawn key went on working");
        tokio::task::yield_now().await;
        n += 1;
    }
    issuer.pass(60);
    assert_eq!(verifier.verify(&issuer.token()).await, Err(IdentityError::UnknownKey));
}

#[tokio::test]
async fn an_issuer_never_seen_is_our_fault_not_the_clients() {
    let issuer = Issuer::new();
    issuer.away.store(true, Ordering::SeqCst);
    let verifier: Verifier = issuer.verifier();
    assert_eq!(verifier.verify(&issuer.token()).await, Err(IdentityError::IssuerUnavailable));
    issuer.away.store(false, Ordering::SeqCst);
    assert_eq!(
        verifier.verify(&issuer.token()).await,
        Err(IdentityError::IssuerUnavailable),
        "not yet again"
    );
    issuer.pass(5);
    verifier.verify(&issuer.token()).await.unwrap();
}
