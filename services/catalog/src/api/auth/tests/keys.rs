//! Keys: the first one, rotation across replicas, and what is published.

use actix_web::test::TestRequest;
use base64::Engine as _;
use identity::{IdentityError, Principal};

use super::support::{Fixture, PASSWORD, START, config};
use crate::api::auth::config::AuthConfig;
use crate::jobs::key_rotation::{Rotation, pass, rotate_now};

const MONTH: i64 = 30 * 86_400;

async fn kids(fixture: &Fixture) -> Vec<String> {
    let seen = fixture.send(TestRequest::get().uri("/.well-known/jwks.json")).await;
    assert_eq!(seen.headers.get("Cache-Control").unwrap(), "public, max-age=300");
    let set = seen.json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid_of(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

async fn token(fixture: &Fixture) -> String {
    let user = fixture.user().await;
    let seen = fixture.sign_in(&user.email, PASSWORD).await;
    seen.text_of("access_token")
}

#[actix_web::test]
async fn replicas_that_start_together_make_one_key() {
    let fixture = Fixture::new().await;
    let replicas: Vec<Fixture> = (0..6).map(|_| fixture.replica()).collect();
    let sets = futures_util::future::join_all(replicas.iter().map(kids)).await;
    assert_eq!(sets[0].len(), 1);
    assert!(sets.iter().all(|set| *set == sets[0]), "{sets:?}");
}

#[actix_web::test]
async fn only_public_parts_are_published() {
    let fixture = Fixture::new().await;
    let seen = fixture.send(TestRequest::get().uri("/.well-known/jwks.json")).await;
    let mut members: Vec<_> = seen.json()["keys"][0].as_object().unwrap().keys().cloned().collect();
    members.sort();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
}

#[actix_web::test]
async fn discovery_leads_to_the_keys() {
    let fixture = Fixture::new().await;
    let seen = fixture.send(TestRequest::get().uri("/.well-known/openid-configuration")).await;
    assert_eq!(seen.text_of("issuer"), "http://127.0.0.1:8080");
    assert_eq!(seen.text_of("jwks_uri"), "http://127.0.0.1:8080/.well-known/jwks.json");
    assert_eq!(seen.text_of("token_endpoint"), "http://127.0.0.1:8080/v1/auth/token");
}

#[actix_web::test]
async fn the_next_key_is_published_before_it_signs_and_the_last_until_its_tokens_ran_out() {
    let fixture = Fixture::new().await;
    let replica = fixture.replica();
    let first = kids(&fixture).await;
    assert_eq!(kids(&replica).await, first);

    fixture.pass(MONTH - 600);
    let done = pass(&fixture.auth).await.unwrap();
    let (next, begins) = done.created.unwrap();
    assert_eq!((begins.timestamp(), done.retired), (START + MONTH, first.clone()));
    assert_eq!(
        pass(&replica.auth).await.unwrap(),
        Rotation::default(),
        "the other replica has nothing to do"
    );
    assert_eq!(kids(&replica).await.len(), 2);
    assert_eq!(kid_of(&token(&replica).await), first[0], "published, not signing");

    fixture.pass(599);
    let late = token(&replica).await;
    assert_eq!(kid_of(&late), first[0]);
    fixture.pass(1);
    assert_eq!(kid_of(&token(&fixture).await), next);
    assert_eq!(kid_of(&token(&replica).await), next);

    // The last token of the first key is good to its end, and the key goes after it.
    fixture.pass(880);
    fixture.verify(&late).await.unwrap();
    assert_eq!(kids(&replica).await.len(), 2);
    fixture.pass(620);
    assert_eq!(pass(&replica.auth).await.unwrap().removed, 1);
    assert_eq!(kids(&fixture).await, [next]);
}

#[actix_web::test]
async fn replicas_that_rotate_together_make_one_key() {
    let fixture = Fixture::new().await;
    kids(&fixture).await;
    fixture.pass(MONTH);
    let replicas: Vec<Fixture> = (0..6).map(|_| fixture.replica()).collect();
    let done = futures_util::future::join_all(replicas.iter().map(|replica| pass(&replica.auth))).await;
    let created = done.into_iter().filter(|done| done.as_ref().unwrap().created.is_some()).count();
    assert_eq!(created, 1);
    assert_eq!(kids(&fixture).await.len(), 2);
}

#[actix_web::test]
async fn a_key_that_leaked_is_worthless_at_once() {
    let fixture = Fixture::new().await;
    let old = token(&fixture).await;
    fixture.verify(&old).await.unwrap();
    let now = fixture.auth.now();
    let done = rotate_now(fixture.auth.pool(), fixture.auth.config(), now, true).await.unwrap();
    let (new, begins) = done.created.unwrap();
    assert_eq!(begins, now);
    fixture.pass(31);
    assert_eq!(kids(&fixture).await, std::slice::from_ref(&new));
    assert_eq!(kid_of(&token(&fixture).await), new);
    assert_eq!(fixture.verify(&old).await, Err::<Principal, _>(IdentityError::UnknownKey));
}

#[actix_web::test]
async fn another_master_key_opens_nothing_and_its_predecessor_opens_all() {
    let fixture = Fixture::new().await;
    let signed = token(&fixture).await;
    let other = || base64::engine::general_purpose::STANDARD.encode([8; 32]).into();
    let stranger = fixture.replica_with(AuthConfig { master_key: other(), ..config() });
    let user = fixture.user().await;
    let seen = stranger.sign_in(&user.email, PASSWORD).await;
    assert_eq!(seen.problem(), (500, "internal".to_owned()));
    assert!(!seen.text.contains("key"), "{}", seen.text);
    stranger.verify(&signed).await.unwrap();

    let heir = AuthConfig { master_key: other(), previous_master_key: Some(config().master_key), ..config() };
    let heir = fixture.replica_with(heir);
    assert_eq!(heir.sign_in(&user.email, PASSWORD).await.status, 200);
}

#[actix_web::test]
async fn sessions_that_are_over_are_swept() {
    use diesel::prelude::*;
    use diesel_async::RunQueryDsl;
    let fixture = Fixture::new().await;
    token(&fixture).await;
    fixture.pass(91 * 86_400);
    token(&fixture).await;
    pass(&fixture.auth).await.unwrap();
    let mut conn = fixture.database.connect().await;
    let sessions: i64 =
        crate::store::auth::schema::refresh_family::table.count().get_result(&mut conn).await.unwrap();
    let tokens: i64 =
        crate::store::auth::schema::refresh_token::table.count().get_result(&mut conn).await.unwrap();
    assert_eq!((sessions, tokens), (1, 1));
}
