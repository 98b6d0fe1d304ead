//! The issuer, seen by the verifier every service has.

use http_client::{Client, ClientConfig};
use identity::{IdentityError, Verifier};
use test_harness::{TEST_AUDIENCE, TestIssuer};

fn verifier(issuer: &TestIssuer, audience: &str) -> Verifier {
    Verifier::new(&issuer.config(audience), Client::new(ClientConfig::default()).unwrap())
}

#[tokio::test]
async fn its_tokens_are_accepted_by_a_service_that_trusts_it() {
    let issuer = TestIssuer::start();
    let token = issuer.token("user-1", &["instructor"]);
    let principal = verifier(&issuer, TEST_AUDIENCE).verify(&token).await.unwrap();
    assert_eq!((principal.subject.as_str(), principal.roles), ("user-1", vec!["instructor".to_owned()]));
}

#[tokio::test]
async fn its_keys_are_found_by_discovery_too() {
    let issuer = TestIssuer::start();
    let mut config = issuer.config(TEST_AUDIENCE);
    config.issuers[0].jwks_url = None;
    let verifier = Verifier::new(&config, Client::new(ClientConfig::default()).unwrap());
    assert!(verifier.verify(&issuer.token("user-1", &[])).await.is_ok());
}

#[tokio::test]
async fn its_bad_tokens_are_refused() {
    let (issuer, other) = (TestIssuer::start(), TestIssuer::start());
    let ours = verifier(&issuer, TEST_AUDIENCE);
    let expired = ours.verify(&issuer.expired_token("user-1", &[])).await;
    assert!(matches!(expired, Err(IdentityError::Expired)), "{expired:?}");
    assert!(ours.verify(&other.token("user-1", &[])).await.is_err());
    assert!(verifier(&issuer, "another").verify(&issuer.token("user-1", &[])).await.is_err());
}
