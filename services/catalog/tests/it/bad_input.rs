//! Bad input ends in a problem that points at the fault, and leaves nothing behind. What can be wrong is derived from
//! the API's document, for every operation in it.

mod bodies;
mod bulk;
mod headers;
mod parameters;
mod problem_registry;
mod schema_faults;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use catalog::model::registry::Registry;
use diesel_async::RunQueryDsl as _;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::authorization::document::Operation;
use crate::conformance::maker::{Extent, Maker, Members};
use crate::harness::{Answer, Session, TestApp};

/// A catalog with a record of each model, an administrator who may do everything, and what went wrong so far.
struct Bench {
    app: TestApp,
    administrator: Session,
    operations: Vec<Operation>,
    wrong: Vec<String>,
    asked: usize,
    made: Arc<AtomicI64>,
}

impl Bench {
    async fn start() -> Self {
        let app = TestApp::start().await;
        let administrator = app.sign_in("administrator").await;
        let operations = Operation::all(&app.get("/openapi.json", None).await.json());
        Self { app, administrator, operations, wrong: Vec::new(), asked: 0, made: Arc::default() }
    }

    fn maker(&self) -> Maker<'_> {
        Maker::going_on(&self.app, &self.administrator, Registry::default(), Arc::clone(&self.made))
    }

    /// The address of an operation, with the id of a record where it has one, and that record.
    async fn address(&self, operation: &Operation) -> (String, Json) {
        let Some((model, rest)) = operation.model() else { return (operation.path.clone(), Json::Null) };
        if !rest.starts_with("/{id}") {
            return (operation.path.clone(), Json::Null);
        }
        let record = self.maker().make(model, Extent::Minimal, Members::new()).await;
        (operation.path.replace("{id}", record["id"].as_str().unwrap_or_default()), record)
    }

    /// A valid body for an operation of a model; `record` is what it changes.
    async fn good(&self, operation: &Operation, record: &Json) -> Members {
        let Some((model, _)) = operation.model() else { return Members::new() };
        if operation.method == Method::POST {
            return self.maker().body(model, Extent::Minimal, Members::new()).await;
        }
        let shown = model.shown().filter(|field| !record[field.name].is_null());
        shown.map(|field| (field.name.to_owned(), record[field.name].clone())).collect()
    }

    /// The whole of a valid body: many records stand in a list.
    async fn good_body(&self, operation: &Operation, record: &Json) -> Json {
        let good = self.good(operation, record).await;
        if operation.path.ends_with("/bulk") { json!({"items": [good]}) } else { json!(good) }
    }

    /// A request as administrator, with the tag that a change needs.
    fn request(&self, operation: &Operation, address: &str) -> RequestBuilder {
        let request = self.app.request(operation.method.clone(), address, Some(&self.administrator));
        let tagged = operation.parameters("header").iter().any(|(name, _)| *name == "If-Match");
        if tagged { request.header("If-Match", "*") } else { request }
    }

    /// Sends what is bad and notes it where it is not refused so.
    async fn refused(&mut self, request: RequestBuilder, expected: (u16, &str, &[&str]), what: &str) {
        let answer = self.app.send(request).await;
        self.asked += 1;
        let (status, code, pointers) = expected;
        let found = (answer.status.as_u16(), answer.header("content-type"), pointers_of(&answer));
        let right = found.0 == status
            && found.1 == "application/problem+json"
            && found.2 == pointers
            && answer.json()["code"] == code;
        if !right {
            self.wrong
                .push(format!("{what}: expected {status} {code} {pointers:?}, found {}", answer.text()));
        }
    }

    /// The versions of all models, and how many rows the outbox has.
    async fn state(&self) -> String {
        let sql = "SELECT string_agg(model || ' ' || version, ', ' ORDER BY model) || ' ' || (SELECT count(*) FROM outbox) AS all FROM model_clock";
        let mut conn = self.app.db.connect().await;
        let state: State = diesel::sql_query(sql).get_result(&mut conn).await.unwrap();
        state.all
    }

    /// Ends the test.
    async fn finish(self, least: usize) {
        eprintln!("{} bad requests", self.asked);
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
        assert!(self.asked >= least, "only {} requests", self.asked);
        self.app.stop().await;
    }
}

#[derive(diesel::QueryableByName)]
struct State {
    #[diesel(sql_type = diesel::sql_types::Text)]
    all: String,
}

fn pointers_of(answer: &Answer) -> Vec<String> {
    let json: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
    json["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|fault| fault["pointer"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_cannot_be_done_are_problems_too() {
    let app = TestApp::start().await;
    for path in [
        "/v1/nothing",
        "/v1",
        "/",
        "/v1/animals/x/y",
        "/v1/../etc/passwd",
        "/v1/animals/%00",
        "/v1/animals/%FF",
    ] {
        let request = app.request(Method::GET, path, None);
        let answer = app.send_unchecked(request).await;
        let expected =
            if path.starts_with("/v1/animals/%") { (401, "unauthenticated") } else { (404, "not_found") };
        answer.expect_problem(expected.0, expected.1);
    }
    for (method, path) in
        [(Method::DELETE, "/v1/animals"), (Method::PUT, "/v1/animals/bulk"), (Method::GET, "/v1/auth/token")]
    {
        let answer = app.send_unchecked(app.request(method, path, None)).await;
        answer.expect_problem(405, "method_not_allowed");
        assert!(answer.header("allow").contains("POST"), "{path}");
    }
    let brew = Method::from_bytes(b"BREW").unwrap();
    let answer = app.send_unchecked(app.request(brew, "/v1/breeds", None)).await;
    answer.expect_problem(405, "method_not_allowed");
    let administrator = app.sign_in("administrator").await;
    for path in ["/v1/animals/%00", "/v1/animals/%FF", "/v1/animals/x"] {
        app.get(path, Some(&administrator)).await.expect_problem(404, "not_found");
    }
    let answer = app.send_unchecked(app.request(Method::GET, "/v1/breeds?limit=%FF", None)).await;
    assert_eq!(answer.status.as_u16(), 400);
    let long = format!("/v1/breeds?search={}", "x".repeat(60_000));
    let answer = app.send_unchecked(app.request(Method::GET, &long, None)).await;
    assert_eq!(answer.expect_problem(400, "invalid_parameter"), ["?search"]);
    assert_eq!(app.get("/v1/breeds/metadata", None).await.json()["count"], json!(0));
    app.stop().await;
}

/// Sends bytes as they are and returns what comes back.
async fn raw(app: &TestApp, request: &str) -> String {
    let mut stream = TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The server may close before it has read everything; what it said is there all the same.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_answered_without_inner_words() {
    let app = TestApp::start().await;
    for request in [
        format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(200_000)),
        format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(200_000)),
        "nonsense\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned(),
        "POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned(),
    ] {
        let answer = raw(&app, &request).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        let text = answer.to_ascii_lowercase();
        assert!(
            ["actix", "hyper", "panic", ".rs", "error"].iter().all(|inside| !text.contains(inside)),
            "{answer}"
        );
    }
    app.stop().await;
}
