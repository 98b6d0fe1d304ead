//! User name and password.

use actix_web::test::TestRequest;
use serde_json::json;

use super::support::{Fixture, PASSWORD, config};
use crate::api::auth::config::{AttemptsConfig, AuthConfig, PasswordConfig};

#[actix_web::test]
async fn the_right_password_gets_tokens_that_our_verifier_takes() {
    let fixture = Fixture::new().await;
    let user = fixture.user().await;
    for name in [&user.identification, &user.email, &user.email.to_uppercase()] {
        let seen = fixture.sign_in(name, PASSWORD).await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        assert_eq!(seen.headers.get("Cache-Control").unwrap(), "no-store");
        assert_eq!(seen.text_of("token_type"), "Bearer");
        assert_eq!(
            (&seen.json()["expires_in"], &seen.json()["refresh_expires_in"]),
            (&json!(900), &json!(2_592_000))
        );
        let principal = fixture.verify(&seen.text_of("access_token")).await.unwrap();
        assert_eq!(
            (principal.subject, principal.roles),
            (user.id.to_string(), vec!["apprentice".to_owned()])
        );
    }
}

#[actix_web::test]
async fn a_form_is_taken_too() {
    let fixture = Fixture::new().await;
    let user = fixture.user().await;
    let form =
        [("grant_type", "password"), ("username", &user.email), ("password", PASSWORD), ("scope", "any")];
    let seen = fixture.send(TestRequest::post().uri("/v1/auth/token").set_form(form)).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
}

#[actix_web::test]
async fn every_failure_looks_the_same() {
    let fixture = Fixture::new().await;
    let (wrong, inactive, deleted, without) =
        (fixture.user().await, fixture.user().await, fixture.user().await, fixture.user().await);
    inactive.set_active(&fixture, false).await;
    deleted.delete(&fixture).await;
    without.set_hash(&fixture, None).await;
    let answers = [
        fixture.sign_in(&wrong.email, "incorrect horse").await,
        fixture.sign_in(&inactive.email, PASSWORD).await,
        fixture.sign_in(&deleted.email, PASSWORD).await,
        fixture.sign_in(&without.email, "nobody has this password").await,
        fixture.sign_in(&format!("nobody-{}", wrong.id), "nobody has this password").await,
    ];
    for answer in &answers {
        assert_eq!(answer.problem(), (401, "invalid_credentials".to_owned()));
        assert_eq!(answer.text, answers[0].text);
    }
}

#[actix_web::test]
async fn an_identification_wins_over_somebody_elses_address() {
    let fixture = Fixture::new().await;
    let (user, other) = (fixture.user().await, fixture.user().await);
    other.set_email(&fixture, &user.identification).await;
    let seen = fixture.sign_in(&user.identification, PASSWORD).await;
    let principal = fixture.verify(&seen.text_of("access_token")).await.unwrap();
    assert_eq!(principal.subject, user.id.to_string());
}

#[actix_web::test]
async fn attempts_are_counted_per_name_known_or_not_and_forgiven_by_success() {
    let attempts = AttemptsConfig { per_username: 2, ..config().attempts };
    let fixture = Fixture::with(AuthConfig { attempts, ..config() }).await;
    let user = fixture.user().await;
    for name in [user.email.clone(), format!("nobody-{}", user.id)] {
        assert_eq!(fixture.sign_in(&name, "wrong").await.problem().0, 401);
        assert_eq!(fixture.sign_in(&name.to_uppercase(), "wrong").await.problem().0, 401);
        let refused = fixture.sign_in(&name, PASSWORD).await;
        assert_eq!(refused.problem(), (429, "too_many_requests".to_owned()));
        let wait: u64 = refused.headers.get("Retry-After").unwrap().to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    let patient = fixture.user().await;
    for _ in 0..3 {
        assert_eq!(fixture.sign_in(&patient.email, "wrong").await.status, 401);
        assert_eq!(fixture.sign_in(&patient.email, PASSWORD).await.status, 200);
    }
}

#[actix_web::test]
async fn attempts_are_counted_per_address_whatever_the_name() {
    let attempts = AttemptsConfig { per_address: 2, ..config().attempts };
    let fixture = Fixture::with(AuthConfig { attempts, ..config() }).await;
    let user = fixture.user().await;
    // An address of this test's own, told by a proxy that is trusted.
    let [.., a, b, c, d] = *user.id.as_bytes();
    let address = format!("2001:db8:{:x}:{:x}::1", u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let attempt = async |name: &str| {
        let request = TestRequest::post()
            .uri("/v1/auth/token")
            .peer_addr("127.0.0.1:5000".parse().unwrap())
            .insert_header(("X-Forwarded-For", address.as_str()))
            .set_json(json!({"username": name, "password": "wrong"}));
        fixture.send(request).await.status.as_u16()
    };
    assert_eq!(attempt(&format!("a-{}", user.id)).await, 401);
    assert_eq!(attempt(&format!("b-{}", user.id)).await, 401);
    assert_eq!(attempt(&format!("c-{}", user.id)).await, 429);
}

#[actix_web::test]
async fn an_outdated_hash_is_renewed_and_its_sessions_go_on() {
    let fixture = Fixture::new().await;
    let user = fixture.user().await;
    let before = fixture.sign_in(&user.email, PASSWORD).await.text_of("refresh_token");
    let old = user.hash(&fixture).await;
    let password = PasswordConfig { memory_kib: 128, ..config().password };
    let newer = fixture.replica_with(AuthConfig { password, ..config() });
    assert_eq!(newer.sign_in(&user.email, PASSWORD).await.status, 200);
    let new = user.hash(&fixture).await;
    assert!(old.contains("m=64,") && new.contains("m=128,"), "{old} {new}");
    assert_eq!(fixture.refresh(&before).await.status, 200);
    assert_eq!(newer.sign_in(&user.email, PASSWORD).await.status, 200);
    assert_eq!(user.hash(&fixture).await, new, "renewed once");
}

#[actix_web::test]
async fn a_stored_hash_nobody_can_read_is_our_fault_and_says_nothing() {
    let fixture = Fixture::new().await;
    let user = fixture.user().await;
    user.set_hash(&fixture, Some("$argon2id$broken")).await;
    let seen = fixture.sign_in(&user.email, PASSWORD).await;
    assert_eq!(seen.problem(), (500, "internal".to_owned()));
    assert!(!seen.text.contains("argon2") && !seen.text.contains("hash"), "{}", seen.text);
}

#[actix_web::test]
async fn bad_requests_name_every_fault() {
    let fixture = Fixture::new().await;
    let send = async |content_type: &'static str, body: &str| {
        let request = TestRequest::post().uri("/v1/auth/token").insert_header(("Content-Type", content_type));
        fixture.send(request.set_payload(body.to_owned())).await
    };
    let json = "application/json";
    assert_eq!(send(json, "{").await.problem(), (400, "malformed_json".to_owned()));
    assert_eq!(send("text/plain", "{}").await.problem(), (415, "unsupported_media_type".to_owned()));
    assert_eq!(send(json, &" ".repeat(20_000)).await.problem(), (413, "payload_too_large".to_owned()));
    let unsupported = send(json, r#"{"grant_type": "implicit"}"#).await;
    assert_eq!(unsupported.problem(), (400, "unsupported_grant_type".to_owned()));
    let invalid = send(json, r#"{"username": 7, "pass": "x"}"#).await;
    assert_eq!(invalid.problem(), (422, "validation_failed".to_owned()));
    let pointers: Vec<_> =
        invalid.json()["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].clone()).collect();
    assert_eq!(pointers, ["/pass", "/username", "/password"]);
    let long = json!({"username": "u".repeat(255), "password": "p".repeat(1_025)}).to_string();
    assert_eq!(send(json, &long).await.json()["errors"].as_array().unwrap().len(), 2);
}
