//! Signing in through the front door; every answer is checked against the OpenAPI document. What needs a clock that tests
//! turn (lifetimes, rotation) stands beside the code, in `api/auth/tests`.

use reqwest::Method;
use serde_json::{Value as Json, json};
use test_harness::{ChaosProxy, Database, TEST_AUDIENCE, TestIssuer};

use crate::harness::{Answer, PASSWORD, Session, TestApp, config};

const TOKEN: &str = "/v1/auth/token";

/// A user and what signing in gave.
struct SignedIn {
    user: Json,
    tokens: Json,
}

impl SignedIn {
    fn session(&self) -> Session {
        Session { id: text(&self.user["id"]), token: text(&self.tokens["access_token"]) }
    }

    fn refresh_token(&self) -> String {
        text(&self.tokens["refresh_token"])
    }

    fn path(&self) -> String {
        format!("/v1/users/{}", text(&self.user["id"]))
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// Makes an apprentice and signs in with the e-mail address.
async fn signed_in(app: &TestApp, administrator: &Session) -> SignedIn {
    let number = uuid::Uuid::now_v7().simple().to_string();
    let body = json!({
        "identification": format!("A{number}"),
        "fullname": "Mara",
        "email": format!("{number}@example.org"),
        "password": PASSWORD,
    });
    let user = app.make("users", administrator, body).await;
    let tokens = sign_in(app, &text(&user["email"]), PASSWORD).await.expect(200).json();
    SignedIn { user, tokens }
}

async fn sign_in(app: &TestApp, username: &str, password: &str) -> Answer {
    app.post(TOKEN, None, &json!({"username": username, "password": password})).await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post(TOKEN, None, &json!({"grant_type": "refresh_token", "refresh_token": token})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_its_role_may_see_and_is_never_stored_by_caches() {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    let mara = signed_in(&app, &administrator).await;
    app.get("/v1/animals", Some(&mara.session())).await.expect(200);
    let answer = sign_in(&app, &text(&mara.user["identification"]), PASSWORD).await.expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_as_rfc_6749_has_it_is_taken() {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    let mara = signed_in(&app, &administrator).await;
    let form = format!("grant_type=refresh_token&refresh_token={}&scope=anything", mara.refresh_token());
    let request = app.request(Method::POST, TOKEN, None);
    app.send(request.header("Content-Type", "application/x-www-form-urlencoded").body(form))
        .await
        .expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_touched_opens_nothing() {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    let middle = administrator.token.len() / 2;
    let flipped = if administrator.token.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let mut token = administrator.token.clone();
    token.replace_range(middle..=middle, flipped);
    let answer = app.get("/v1/animals", Some(&Session { token, ..administrator })).await;
    answer.expect_problem(401, "unauthenticated");
    assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_works_once_and_its_second_use_ends_the_session() {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    let mara = signed_in(&app, &administrator).await;
    let next = text(&refresh(&app, &mara.refresh_token()).await.expect(200).json()["refresh_token"]);
    refresh(&app, &mara.refresh_token()).await.expect_problem(401, "refresh_token_reused");
    refresh(&app, &next).await.expect_problem(401, "invalid_grant");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_a_new_password_with_deactivation_and_with_deletion() {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    let changed = signed_in(&app, &administrator).await;
    let body = json!({"password": "another password"});
    app.patch(&changed.path(), Some(&administrator), &body).await.expect(200);
    let inactive = signed_in(&app, &administrator).await;
    app.patch(&inactive.path(), Some(&administrator), &json!({"active": false})).await.expect(200);
    let deleted = signed_in(&app, &administrator).await;
    app.delete(&deleted.path(), Some(&administrator)).await;
    for gone in [&changed, &inactive, &deleted] {
        refresh(&app, &gone.refresh_token()).await.expect_problem(401, "invalid_grant");
        sign_in(&app, &text(&gone.user["email"]), PASSWORD).await.expect_problem(401, "invalid_credentials");
    }
    sign_in(&app, &text(&changed.user["email"]), "another password").await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_one_session_or_all() {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    let mara = signed_in(&app, &administrator).await;
    let other = text(&sign_in(&app, &text(&mara.user["email"]), PASSWORD).await.json()["refresh_token"]);
    let body = json!({"token": mara.refresh_token(), "token_type_hint": "refresh_token"});
    app.post("/v1/auth/revoke", None, &body).await.expect(200);
    refresh(&app, &mara.refresh_token()).await.expect_problem(401, "invalid_grant");
    let other = text(&refresh(&app, &other).await.expect(200).json()["refresh_token"]);
    app.send(app.request(Method::POST, "/v1/auth/logout_all", Some(&mara.session()))).await.expect(204);
    refresh(&app, &other).await.expect_problem(401, "invalid_grant");
    app.send(app.request(Method::POST, "/v1/auth/logout_all", None))
        .await
        .expect_problem(401, "unauthenticated");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_discovery_are_public_and_cacheable() {
    let app = TestApp::start().await;
    // Whoever is first in the life of an installation makes the first key, and that is no reading.
    app.send_unchecked(app.request(Method::GET, "/.well-known/jwks.json", None)).await.expect(200);
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let answer = app.get(path, None).await.expect(200);
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
    }
    let keys = app.get("/.well-known/jwks.json", None).await.json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    assert_eq!((&keys["keys"][0]["alg"], &keys["keys"][0]["d"]), (&json!("EdDSA"), &Json::Null));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_by_hand_publishes_the_next_key_and_breaks_no_token() {
    let app = TestApp::start().await;
    let administrator = app.sign_in("administrator").await;
    let rotated = catalog::app::rotate_keys(&app.config, false).await.unwrap();
    let (_, signs_from) = rotated.unwrap();
    assert!(signs_from > chrono::Utc::now() + chrono::Duration::seconds(500));
    assert!(
        catalog::app::rotate_keys(&app.config, false).await.unwrap().is_none(),
        "one successor is enough"
    );
    app.get("/v1/animals", Some(&administrator)).await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_openid_issuer_is_trusted_by_configuration_alone() {
    let (issuer, stranger) = (TestIssuer::start(), TestIssuer::start());
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let mut config = config(db.url(), "");
    config.identity = issuer.config(TEST_AUDIENCE);
    // Found by discovery.
    config.identity.issuers[0].jwks_url = None;
    let app = TestApp::with(db, config, catalog::model::registry::Registry::default()).await;
    let session = |token: String| Session { id: String::new(), token };
    let good = session(issuer.token("someone", &["apprentice"]));
    app.get("/v1/animals", Some(&good)).await.expect(200);
    let expired = session(issuer.expired_token("someone", &["apprentice"]));
    app.get("/v1/animals", Some(&expired)).await.expect_problem(401, "token_expired");
    let foreign = session(stranger.token("someone", &["administrator"]));
    app.get("/v1/animals", Some(&foreign)).await.expect_problem(401, "unauthenticated");
    // Its subjects are not our users, whatever they are called.
    app.send(app.request(Method::POST, "/v1/auth/logout_all", Some(&good)))
        .await
        .expect_problem(403, "forbidden");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_attempts_wait_and_the_right_password_waits_too() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let mut config = config(db.url(), "");
    config.auth.attempts.per_username = 3;
    let app = TestApp::with(db, config, catalog::model::registry::Registry::default()).await;
    let administrator = app.sign_in("administrator").await;
    let mara = signed_in(&app, &administrator).await;
    let name = text(&mara.user["email"]);
    for _ in 0..3 {
        sign_in(&app, &name, "wrong password").await.expect_problem(401, "invalid_credentials");
    }
    let answer = sign_in(&app, &name, PASSWORD).await;
    answer.expect_problem(429, "too_many_requests");
    assert!((1..=300).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
    refresh(&app, &mara.refresh_token()).await.expect(200);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_cut_off_is_a_503_that_says_nothing() {
    let db = Database::create(catalog::app::migrations(), "catalog").await;
    let proxy = ChaosProxy::to_url(db.url());
    let settings = config(&proxy.rewrite(db.url()), "");
    let app = TestApp::with(db, settings, catalog::model::registry::Registry::default()).await;
    let administrator = app.sign_in("administrator").await;
    let mara = signed_in(&app, &administrator).await;
    proxy.cut();
    for answer in [
        sign_in(&app, &text(&mara.user["email"]), PASSWORD).await,
        refresh(&app, &mara.refresh_token()).await,
        app.post("/v1/auth/revoke", None, &json!({"token": mara.refresh_token()})).await,
    ] {
        answer.expect_problem(503, "unavailable");
        assert!(
            !answer.text().contains("database") && !answer.text().contains("postgres"),
            "{}",
            answer.text()
        );
    }
    // The keys are at hand: others can go on checking tokens.
    app.get("/.well-known/jwks.json", None).await.expect(200);
    proxy.restore();
    refresh(&app, &mara.refresh_token()).await.expect(200);
    app.stop().await;
}
