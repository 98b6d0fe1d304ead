//! What a problem looks like on the wire.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io;

use actix_web::body::MessageBody as _;
use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError as _};
use problem::{FieldError, Problem, Reported, registry};
use serde_json::{Value, json};
use telemetry::request::{RequestStats, scope};

fn body(response: HttpResponse) -> Value {
    serde_json::from_slice(&response.into_body().try_into_bytes().unwrap()).unwrap()
}

fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_problem_has_the_members_of_rfc_9457_and_the_ids_of_its_request() {
    let problem = Problem::new(&registry::VALIDATION_FAILED)
        .detail("two faults")
        .field("/name", "required", "a name is required")
        .errors(vec![FieldError {
            pointer: "?limit".to_owned(),
            code: "range",
            message: "1 to 100".to_owned(),
        }]);
    let stats = RequestStats::new(Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()), "req-1".to_owned());
    let response = scope(stats, async { problem.error_response() }).await;
    assert_eq!(response.status(), 422);
    assert_eq!(header(&response, "content-type"), Some("application/problem+json"));
    assert_eq!(header(&response, "cache-control"), Some("no-store"));
    assert_eq!(
        body(response),
        json!({
            "type": "/problems/validation_failed",
            "title": "The content is not valid",
            "status": 422,
            "detail": "two faults",
            "instance": "urn:request:req-1",
            "code": "validation_failed",
            "errors": [
                {"pointer": "/name", "code": "required", "message": "a name is required"},
                {"pointer": "?limit", "code": "range", "message": "1 to 100"}
            ],
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"
        })
    );
}

#[test]
fn the_cause_is_kept_for_the_log_and_never_sent() {
    let inner = io::Error::other("password of postgres is hunter2");
    let response = Problem::new(&registry::INTERNAL).cause(io::Error::other(inner)).to_response();
    let reported = response.extensions().get::<Reported>().unwrap().0.clone();
    assert!(reported.cause_chain().unwrap().contains("hunter2"));
    assert!(!body(response).to_string().contains("hunter2"));
}

#[test]
fn a_401_asks_for_a_bearer_token_and_keeps_the_parameters_it_is_given() {
    let plain = Problem::new(&registry::UNAUTHENTICATED).to_response();
    assert_eq!(header(&plain, "www-authenticate"), Some("Bearer"));
    let named = Problem::new(&registry::TOKEN_EXPIRED)
        .header("WWW-Authenticate", r#"Bearer error="invalid_token""#)
        .to_response();
    assert_eq!(named.headers().get_all(header::WWW_AUTHENTICATE).count(), 1);
    assert_eq!(header(&named, "www-authenticate"), Some(r#"Bearer error="invalid_token""#));
}

#[test]
fn refusals_that_pass_say_when_to_come_back() {
    for kind in registry::COMMON {
        let response = Problem::new(kind).to_response();
        assert_eq!(
            header(&response, "retry-after").is_some(),
            matches!(kind.status, 429 | 503),
            "{}",
            kind.code
        );
    }
    let later = Problem::new(&registry::TOO_MANY_REQUESTS).header("Retry-After", "30").to_response();
    assert_eq!(header(&later, "retry-after"), Some("30"));
}

#[test]
fn without_a_request_the_ids_are_left_out() {
    let body = body(Problem::new(&registry::NOT_FOUND).to_response());
    assert_eq!(
        body,
        json!({"type": "/problems/not_found", "title": "Not found", "status": 404, "code": "not_found"})
    );
}

#[test]
fn extension_members_stand_beside_the_standard_ones_and_never_in_their_place() {
    let mut problem = Problem::new(&registry::CONFLICT)
        .detail("once")
        .field("upload-offset", "mismatch", "70 was expected")
        .member("expected-offset", 70_u64)
        .member("expected-offset", 80_u64);
    for standard in ["type", "title", "status", "detail", "instance", "code", "errors", "trace_id"] {
        problem = problem.member(standard, "forged");
    }
    let text = String::from_utf8(problem.to_http().into_body().to_vec()).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"type":"/problems/conflict","title":"Conflict with the current state","status":409,"#,
            r#""detail":"once","code":"conflict","#,
            r#""errors":[{"pointer":"upload-offset","code":"mismatch","message":"70 was expected"}],"#,
            r#""expected-offset":80}"#
        )
    );
}

#[tokio::test]
async fn both_kinds_of_answer_are_the_same() {
    for kind in registry::COMMON {
        let problem = Problem::new(kind)
            .detail("once")
            .header("Cache-Control", "no-cache")
            .header("Allow", "GET, HEAD")
            .header("X-Broken", "a\r\nb");
        let stats =
            RequestStats::new(Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()), "req-1".to_owned());
        let (actix, http) = scope(stats, async { (problem.to_response(), problem.to_http()) }).await;
        assert_eq!(actix.status().as_u16(), http.status().as_u16());
        let mut expected: Vec<_> =
            actix.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let mut headers: Vec<_> =
            http.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        expected.sort_unstable();
        headers.sort_unstable();
        assert_eq!(headers, expected, "{}", kind.code);
        assert!(headers.contains(&("allow", b"GET, HEAD")) && !http.headers().contains_key("x-broken"));
        assert_eq!(http.extensions().get::<Reported>().unwrap().0.kind(), *kind);
        assert_eq!(serde_json::from_slice::<Value>(http.body()).unwrap(), body(actix));
    }
}
