//! What a client of a service behind the middleware sees.

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpResponse, web};
use identity::{Authenticate, MaybePrincipal, Principal};
use serde_json::Value;

use crate::support::{Issuer, START};

async fn whoami(principal: Principal) -> HttpResponse {
    HttpResponse::Ok().body(principal.subject)
}

async fn anyone(MaybePrincipal(principal): MaybePrincipal) -> HttpResponse {
    HttpResponse::Ok().body(principal.map_or_else(|| "nobody".to_owned(), |principal| principal.subject))
}

struct Seen {
    status: StatusCode,
    challenge: String,
    body: String,
}

impl Seen {
    fn code(&self) -> String {
        serde_json::from_str::<Value>(&self.body).unwrap()["code"].as_str().unwrap().to_owned()
    }
}

async fn get(issuer: &Issuer, path: &str, authorization: &[&str]) -> Seen {
    let app = init_service(
        App::new()
            .wrap(Authenticate::new(issuer.verifier()).except("/open/"))
            .route("/whoami", web::get().to(whoami))
            .route("/anyone", web::get().to(anyone))
            .route("/open/token", web::get().to(anyone)),
    )
    .await;
    let mut request = TestRequest::get().uri(path);
    for value in authorization {
        request = request.append_header(("Authorization", *value));
    }
    let response = call_service(&app, request.to_request()).await;
    let challenge = response
        .headers()
        .get("WWW-Authenticate")
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let status = response.status();
    let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    Seen { status, challenge, body }
}

#[actix_web::test]
async fn a_good_token_reaches_the_handler_as_its_principal() {
    let issuer = Issuer::new();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let seen = get(&issuer, "/whoami", &[&format!("{scheme} {}", issuer.token())]).await;
        assert_eq!((seen.status, seen.body.as_str()), (StatusCode::OK, "mara"));
    }
}

#[actix_web::test]
async fn no_token_is_anonymous_and_challenged_only_where_one_is_needed() {
    let issuer = Issuer::new();
    assert_eq!(get(&issuer, "/anyone", &[]).await.body, "nobody");
    assert_eq!(get(&issuer, "/anyone", &["Basic bWFyYTpwdw=="]).await.body, "nobody");
    let seen = get(&issuer, "/whoami", &[]).await;
    assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
    assert_eq!(seen.challenge, r#"Bearer realm="aldia""#);
    assert_eq!(seen.code(), "unauthenticated");
}

#[actix_web::test]
async fn a_bad_token_is_refused_even_where_none_is_needed() {
    let issuer = Issuer::new();
    let expired = format!("Bearer {}", issuer.token_with(|claims| claims["exp"] = (START - 60).into()));
    let seen = get(&issuer, "/anyone", &[&expired]).await;
    assert_eq!((seen.status, seen.code().as_str()), (StatusCode::UNAUTHORIZED, "token_expired"));
    assert!(seen.challenge.contains(r#"error="invalid_token""#), "{}", seen.challenge);

    let foreign = format!("Bearer {}", issuer.token_with(|claims| claims["aud"] = "other".into()));
    let seen = get(&issuer, "/anyone", &[&foreign]).await;
    assert_eq!((seen.status, seen.code().as_str()), (StatusCode::UNAUTHORIZED, "unauthenticated"));
    assert!(!seen.body.contains("audience"), "which check failed is nobody's business: {}", seen.body);
}

#[actix_web::test]
async fn headers_nobody_can_read_are_refused() {
    let issuer = Issuer::new();
    let good = format!("Bearer {}", issuer.token());
    let two = format!("{good}, {good}");
    for headers in [&["Bearer"][..], &["Bearer  "], &["Bearer a b"], &[&two], &[&good, &good]] {
        let seen = get(&issuer, "/anyone", headers).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED, "{headers:?}");
    }
}

#[actix_web::test]
async fn an_issuer_that_is_away_is_a_503() {
    let issuer = Issuer::new();
    issuer.away.store(true, std::sync::atomic::Ordering::SeqCst);
    let seen = get(&issuer, "/whoami", &[&format!("Bearer {}", issuer.token())]).await;
    assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!seen.body.contains("refused"), "{}", seen.body);
}

#[actix_web::test]
async fn excepted_paths_do_not_look_at_the_token() {
    let issuer = Issuer::new();
    let seen = get(&issuer, "/open/token", &["Bearer long.since.expired"]).await;
    assert_eq!((seen.status, seen.body.as_str()), (StatusCode::OK, "nobody"));
}
