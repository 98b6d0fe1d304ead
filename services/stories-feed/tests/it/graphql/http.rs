//! GraphQL over HTTP between real sockets; `docs/GRAPHQL.md` says which requirement each test holds. Each edge case of the rules is tested
//! where they are, in `crates/graphql-http`.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{GRAPHQL, code};
use crate::harness::{Answer, Harness};

const JSON: &str = "application/json";

struct Http {
    app: Harness,
    token: String,
}

impl Http {
    async fn start(more: &str) -> Self {
        let app = Harness::with(more).await;
        let token = app.token(Uuid::now_v7());
        Self { app, token }
    }

    fn request(&self, method: Method, accept: Option<&str>) -> RequestBuilder {
        let request = self.app.request(method, "/graphql", Some(&self.token));
        match accept {
            Some(accept) => request.header("Accept", accept),
            None => request,
        }
    }

    async fn post(&self, accept: &str, body: &Json) -> Answer {
        self.app.graphql(self.request(Method::POST, Some(accept)).json(body)).await
    }

    /// Status, media type and whether there is a data entry.
    async fn told(&self, accept: &str, body: &Json) -> (u16, String, bool) {
        let answer = self.post(accept, body).await;
        let media_type = answer.header("content-type").split(';').next().unwrap().to_owned();
        (answer.status.as_u16(), media_type, answer.json().get("data").is_some())
    }
}

/// Requests that are well-formed and cannot be executed, with their codes.
fn request_errors() -> [(Json, &'static str); 4] {
    [
        (json!({"query": "{"}), "graphql_unparsable"),
        (json!({"query": "{ unknown }"}), "graphql_invalid"),
        (json!({"query": "query A { __typename } query B { __typename }"}), "graphql_operation_undetermined"),
        (
            json!({"query": "query ($id: ID!) { story(id: $id) { id } }", "variables": {"id": null}}),
            "graphql_variables_invalid",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_served_at_one_address_that_ends_with_graphql() {
    let http = Http::start("").await;
    let answer = http.post(GRAPHQL, &json!({"query": "{ __typename }"})).await.expect(200);
    assert_eq!(answer.json(), json!({"data": {"__typename": "Query"}}));
    assert_eq!(answer.header("content-type"), "application/graphql-response+json; charset=utf-8");
    let get = http.request(Method::GET, None).query(&[("query", "{ __typename }")]);
    assert_eq!(http.app.graphql(get).await.expect(200).json(), json!({"data": {"__typename": "Query"}}));
    http.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_nobody_is_told_401_and_not_in_the_media_type_of_graphql() {
    let http = Http::start("").await;
    for token in [None, Some("nonsense")] {
        let request = http.app.request(Method::POST, "/graphql", token).header("Accept", GRAPHQL);
        let answer = http.app.graphql(request.json(&json!({"query": "{ __typename }"}))).await;
        answer.expect_problem(401, "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    http.app.stop().await;
}

/// What somebody may see is decided field by field: the answer is a partial one.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_does_not_decide_whether_an_answer_is_given() {
    let http = Http::start("").await;
    let gym = http.app.gym().await;
    let query = format!("{{ stories(gymId: \"{gym}\") {{ gymId }} __typename }}");
    let answer = http.post(GRAPHQL, &json!({"query": query})).await.expect(200);
    assert_eq!(answer.json()["data"], json!({"stories": null, "__typename": "Query"}));
    assert_eq!(code(&answer), "not_found");
    http.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_before_it_is_executed_is_400_and_in_plain_json_200() {
    let http = Http::start("").await;
    for (body, expected) in request_errors() {
        assert_eq!(http.told(GRAPHQL, &body).await, (400, GRAPHQL.to_owned(), false), "{body}");
        assert_eq!(http.told(JSON, &body).await, (200, JSON.to_owned(), false), "{body}");
        assert_eq!(code(&http.post(GRAPHQL, &body).await), expected);
    }
    let partial = json!({"query": "{ story(id: \"x\") { id } __typename }"});
    assert_eq!(http.told(GRAPHQL, &partial).await, (200, GRAPHQL.to_owned(), true));
    http.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_published_edition_it_is_422_and_partial_success_is_294() {
    let http = Http::start("[api]\ngraphql_edition = \"2026-09\"\n").await;
    for (body, expected) in request_errors() {
        let status = if expected == "graphql_unparsable" { 400 } else { 422 };
        for accept in [GRAPHQL, JSON] {
            assert_eq!(http.told(accept, &body).await, (status, GRAPHQL.to_owned(), false), "{body}");
        }
    }
    let partial = json!({"query": "{ story(id: \"x\") { id } __typename }"});
    assert_eq!(http.told(GRAPHQL, &partial).await, (294, GRAPHQL.to_owned(), true));
    assert_eq!(http.told(JSON, &partial).await, (294, JSON.to_owned(), true));
    assert_eq!(http.told(GRAPHQL, &json!({"qeury": "{ __typename }"})).await.0, 422);
    http.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_of_graphql_is_refused_by_its_status() {
    let http = Http::start("").await;
    let sent = |content_type: Option<&str>, body: &str| {
        let request = http.request(Method::POST, Some(GRAPHQL)).body(body.to_owned());
        match content_type {
            Some(content_type) => request.header("Content-Type", content_type),
            None => request,
        }
    };
    let good = r#"{"query":"{ __typename }"}"#;
    let large = json!({"query": "{ __typename }", "extensions": {"x": "x".repeat(200_000)}}).to_string();
    let long = http
        .request(Method::GET, Some(GRAPHQL))
        .query(&[("query", format!("{{ __typename }} #{}", "x".repeat(9000)))]);
    for (request, status, expected) in [
        (sent(None, good), 415, "unsupported_media_type"),
        (sent(Some("text/plain"), good), 415, "unsupported_media_type"),
        (sent(Some("application/json; charset=utf-16"), good), 415, "unsupported_media_type"),
        (sent(Some(JSON), "NONSENSE"), 400, "malformed_json"),
        (sent(Some(JSON), ""), 400, "malformed_json"),
        (sent(Some(JSON), r#"{"qeury":"{ __typename }"}"#), 400, "graphql_not_well_formed"),
        (sent(Some(JSON), &large), 413, "payload_too_large"),
        (long, 414, "uri_too_long"),
        (http.request(Method::PUT, Some(GRAPHQL)).json(&json!({})), 405, "method_not_allowed"),
        (http.request(Method::DELETE, Some(GRAPHQL)), 405, "method_not_allowed"),
        (
            http.request(Method::GET, Some(GRAPHQL)).query(&[("query", "mutation { __typename }")]),
            405,
            "method_not_allowed",
        ),
    ] {
        // Some are of methods that no document has.
        let answer = http.app.send_unchecked(request).await.expect(status);
        assert_eq!((code(&answer).as_str(), answer.statements()), (expected, 0), "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/graphql-response+json; charset=utf-8");
        assert_eq!(answer.header("allow"), if status == 405 { "GET, HEAD, POST" } else { "" });
    }
    http.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_media_type_is_the_one_that_the_client_prefers() {
    let http = Http::start("").await;
    let body = json!({"query": "{ __typename }"});
    for (accept, expected) in [
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        ("*/*", GRAPHQL),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL),
        ("application/graphql-response+json;q=0.1, application/json", JSON),
    ] {
        assert_eq!(http.told(accept, &body).await, (200, expected.to_owned(), true), "{accept}");
    }
    let refused = http.post("text/html", &body).await;
    refused.expect_problem(406, "not_acceptable");
    http.app.stop().await;
}
