//! Sessions: refreshing, reuse, giving back.

use actix_web::test::TestRequest;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::support::{Fixture, PASSWORD};
use crate::domain::credential::hash_password;
use crate::domain::session::RefreshToken;

async fn session(fixture: &Fixture) -> (super::support::User, String) {
    let user = fixture.user().await;
    let token = fixture.sign_in(&user.email, PASSWORD).await.text_of("refresh_token");
    (user, token)
}

fn refused(code: &str) -> (u16, String) {
    (401, code.to_owned())
}

#[actix_web::test]
async fn each_refresh_hands_out_the_next_pair() {
    let fixture = Fixture::new().await;
    let (user, mut token) = session(&fixture).await;
    for _ in 0..3 {
        let seen = fixture.refresh(&token).await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        let principal = fixture.verify(&seen.text_of("access_token")).await.unwrap();
        assert_eq!(principal.subject, user.id.to_string());
        assert_ne!(seen.text_of("refresh_token"), token);
        token = seen.text_of("refresh_token");
    }
}

#[actix_web::test]
async fn a_second_use_ends_the_session_for_everybody() {
    let fixture = Fixture::new().await;
    let (_, first) = session(&fixture).await;
    let second = fixture.refresh(&first).await.text_of("refresh_token");
    assert_eq!(fixture.refresh(&first).await.problem(), refused("refresh_token_reused"));
    assert_eq!(fixture.refresh(&second).await.problem(), refused("invalid_grant"));
    assert_eq!(fixture.refresh(&first).await.problem(), refused("refresh_token_reused"));
}

#[actix_web::test]
async fn a_double_submit_wins_once_and_ends_the_session() {
    let fixture = Fixture::new().await;
    let (_, token) = session(&fixture).await;
    let replica = fixture.replica();
    let tries = (0..8).map(|n| if n % 2 == 0 { fixture.refresh(&token) } else { replica.refresh(&token) });
    let answers = futures_util::future::join_all(tries).await;
    let won: Vec<_> = answers.iter().filter(|seen| seen.status == 200).collect();
    assert_eq!(won.len(), 1);
    let lost = answers.iter().filter(|seen| seen.status != 200);
    assert!(lost.into_iter().all(|seen| seen.problem() == refused("refresh_token_reused")));
    assert_eq!(fixture.refresh(&won[0].text_of("refresh_token")).await.problem(), refused("invalid_grant"));
}

#[actix_web::test]
async fn other_sessions_of_the_same_person_are_left_alone() {
    let fixture = Fixture::new().await;
    let (user, one) = session(&fixture).await;
    let two = fixture.sign_in(&user.email, PASSWORD).await.text_of("refresh_token");
    fixture.refresh(&one).await;
    fixture.refresh(&one).await;
    assert_eq!(fixture.refresh(&two).await.status, 200);
}

#[actix_web::test]
async fn a_token_and_its_session_run_out() {
    let fixture = Fixture::new().await;
    let (_, mut token) = session(&fixture).await;
    let (_, unused) = session(&fixture).await;
    let day = 86_400;
    for _ in 0..4 {
        fixture.pass(22 * day);
        token = fixture.refresh(&token).await.text_of("refresh_token");
    }
    assert_eq!(fixture.refresh(&unused).await.problem(), refused("invalid_grant"));
    let last = fixture.refresh(&token).await;
    assert_eq!(last.json()["refresh_expires_in"], 2 * day, "not past the end of the session");
    fixture.pass(2 * day);
    let after = fixture.refresh(&last.text_of("refresh_token")).await;
    assert_eq!(after.problem(), refused("invalid_grant"));
}

#[actix_web::test]
async fn a_session_ends_with_what_it_stood_on() {
    let fixture = Fixture::new().await;
    let (inactive, one) = session(&fixture).await;
    inactive.set_active(&fixture, false).await;
    let (deleted, two) = session(&fixture).await;
    deleted.delete(&fixture).await;
    let (changed, three) = session(&fixture).await;
    let params = fixture.auth.config().password.params();
    changed.set_hash(&fixture, Some(&hash_password("battery staple", params).unwrap())).await;
    for token in [one, two, three] {
        assert_eq!(fixture.refresh(&token).await.problem(), refused("invalid_grant"));
    }
}

#[actix_web::test]
async fn roles_are_read_anew() {
    let fixture = Fixture::new().await;
    let (user, token) = session(&fixture).await;
    user.set_role(&fixture, "instructor").await;
    let access = fixture.refresh(&token).await.text_of("access_token");
    assert!(fixture.verify(&access).await.unwrap().has_role("instructor"));
}

#[actix_web::test]
async fn what_is_no_token_is_refused_like_an_unknown_one() {
    let fixture = Fixture::new().await;
    let unknown = RefreshToken::from_random(&[1; 32]);
    for token in ["x", unknown.expose()] {
        assert_eq!(fixture.refresh(token).await.problem(), refused("invalid_grant"));
    }
}

#[actix_web::test]
async fn the_database_holds_no_token() {
    let fixture = Fixture::new().await;
    let (_, token) = session(&fixture).await;
    let hashes: Vec<Vec<u8>> = crate::store::auth::schema::refresh_token::table
        .select(crate::store::auth::schema::refresh_token::token_hash)
        .load(&mut fixture.database.connect().await)
        .await
        .unwrap();
    assert_eq!(hashes, [RefreshToken::parse(&token.into()).unwrap().hash().to_vec()]);
}

#[actix_web::test]
async fn giving_a_token_back_ends_its_session_and_always_succeeds() {
    let fixture = Fixture::new().await;
    let (_, first) = session(&fixture).await;
    let second = fixture.refresh(&first).await.text_of("refresh_token");
    // A used one of the session is as good as the current one.
    for token in [first.as_str(), &second, "unknown", RefreshToken::from_random(&[1; 32]).expose()] {
        let seen = fixture.post("/v1/auth/revoke", json!({"token": token})).await;
        assert_eq!((seen.status.as_u16(), seen.text.as_str()), (200, ""));
    }
    assert_eq!(fixture.refresh(&second).await.problem(), refused("invalid_grant"));
    let form =
        TestRequest::post().uri("/v1/auth/revoke").set_form([("token", "x"), ("token_type_hint", "y")]);
    assert_eq!(fixture.send(form).await.status, 200);
    let nothing = fixture.post("/v1/auth/revoke", json!({})).await;
    assert_eq!(nothing.problem(), (422, "validation_failed".to_owned()));
}

#[actix_web::test]
async fn signing_out_everywhere_ends_every_session_of_the_caller_only() {
    let fixture = Fixture::new().await;
    let (user, one) = session(&fixture).await;
    let two = fixture.sign_in(&user.email, PASSWORD).await;
    let (_, others) = session(&fixture).await;
    let request = || TestRequest::post().uri("/v1/auth/logout_all");
    assert_eq!(fixture.send_with_middleware(request()).await.problem(), refused("unauthenticated"));
    let bearer = format!("Bearer {}", two.text_of("access_token"));
    let seen = fixture.send_with_middleware(request().insert_header(("Authorization", bearer))).await;
    assert_eq!(seen.status, 204, "{}", seen.text);
    for token in [&one, &two.text_of("refresh_token")] {
        assert_eq!(fixture.refresh(token).await.problem(), refused("invalid_grant"));
    }
    assert_eq!(fixture.refresh(&others).await.status, 200);
}

#[actix_web::test]
async fn an_expired_access_token_does_not_stand_in_the_way_of_a_new_one() {
    let fixture = Fixture::new().await;
    let user = fixture.user().await;
    let tokens = fixture.sign_in(&user.email, PASSWORD).await;
    fixture.pass(1_000);
    let body = json!({"grant_type": "refresh_token", "refresh_token": tokens.text_of("refresh_token")});
    let bearer = format!("Bearer {}", tokens.text_of("access_token"));
    let request =
        TestRequest::post().uri("/v1/auth/token").insert_header(("Authorization", bearer)).set_json(body);
    assert_eq!(fixture.send_with_middleware(request).await.status, 200);
}
