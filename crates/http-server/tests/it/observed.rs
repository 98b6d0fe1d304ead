//! What a request leaves behind: one log line, one span, one observation.

use std::time::Duration;

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, web};
use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Served, has_span, header, json, lines, serve, shell, span, start};

fn served() -> Served {
    serve(configure)
}

fn configure(app: &mut ServiceConfig) {
    app.service(web::scope("/v1").service(web::resource("/animals/{id}").route(web::get().to(async || {
        let request = telemetry::request::current().unwrap();
        request.set_principal("user-7");
        request.record_statement("SELECT name FROM animal", Duration::from_millis(3));
        "answer"
    }))))
    .service(web::resource("/slow").route(web::get().to(async || {
        let request = telemetry::request::current().unwrap();
        for (text, took) in [("SELECT quick", 1), ("SELECT slow WHERE a = 'x'", 200), ("SELECT quick", 3)] {
            request.record_statement(text, Duration::from_millis(took));
        }
        ""
    })))
    .service(web::resource("/hang").route(web::get().to(async || {
        tracing::info!(target: "test", "hanging");
        std::future::pending::<&str>().await
    })))
    .service(web::resource("/fail").route(web::get().to(async || {
        Err::<&str, _>(problem::Problem::new(&problem::registry::UNAVAILABLE).cause("no database"))
    })))
    .default_service(web::to(async |request: HttpRequest| {
        http_server::name_route(&request, "/forwarded");
        ""
    }));
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key.as_str() == key)?;
    Some(match &attribute.value {
        Value::String(text) => text.to_string(),
        other => other.to_string(),
    })
}

#[tokio::test]
async fn one_access_line_tells_the_whole_request() {
    let served = served();
    served.get_as("/v1/animals/12?token=hidden", "access-1").await;
    let logged = lines("access", "access-1").await;
    assert_eq!(logged.len(), 1);
    let line = &logged[0];
    let expected = [
        ("level", "INFO"),
        ("message", "request"),
        ("method", "GET"),
        ("route", "/v1/animals/{id}"),
        ("path", "/v1/animals/12"),
        ("status", "200"),
        ("bytes", "6"),
        ("principal", "user-7"),
        ("statements", "1"),
        ("db_ms", "3.0"),
        ("pool_wait_ms", "0.0"),
    ];
    for (field, value) in expected {
        assert_eq!(line[field], value, "{field}");
    }
    assert_eq!(line["trace_id"].len(), 32);
    assert!(!line.contains_key("code") && !line.contains_key("upstream_ms"));
    assert!(!line.values().any(|value| value.contains("hidden")), "{line:?}");
}

#[tokio::test]
async fn a_slow_request_is_logged_with_its_statements_slowest_first() {
    let mut shell = shell(vec![]);
    shell.slow_request = Duration::ZERO;
    let served = start(shell, configure);
    served.get_as("/slow", "slow-1").await;
    let logged = lines("slow", "slow-1").await;
    assert_eq!(logged.len(), 1);
    let listed = r#"["1 x 200.000 ms (max 200.000): SELECT slow WHERE a = ?", "2 x 4.000 ms (max 3.000): SELECT quick"]"#;
    assert_eq!(logged[0]["statement_list"], listed);
    assert_eq!(logged[0]["statements"], "3");
}

#[tokio::test]
async fn the_span_carries_on_the_callers_trace_under_its_stable_names() {
    let served = served();
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4701";
    let request = served.client.get(served.url("/v1/animals/12")).header("user-agent", "tester");
    request.header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01")).send().await.unwrap();
    let span = span(trace_id).await;
    assert_eq!(span.name, "GET /v1/animals/{id}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_eq!(span.status, Status::Unset);
    let expected = [
        ("http.request.method", "GET"),
        ("http.route", "/v1/animals/{id}"),
        ("http.response.status_code", "200"),
        ("url.path", "/v1/animals/12"),
        ("client.address", "127.0.0.1"),
        ("user_agent.original", "tester"),
    ];
    for (key, value) in expected {
        assert_eq!(attribute(&span, key).as_deref(), Some(value), "{key}");
    }
}

#[tokio::test]
async fn a_failure_of_ours_marks_the_span() {
    let served = served();
    let body = json(served.get("/fail").await).await;
    let span = span(body["trace_id"].as_str().unwrap()).await;
    assert!(matches!(span.status, Status::Error { .. }), "{:?}", span.status);
    assert_eq!(attribute(&span, "error.type").as_deref(), Some("503"));
    assert_eq!(attribute(&span, "aldia.problem.code").as_deref(), Some("unavailable"));
}

#[tokio::test]
async fn a_repeated_traceparent_starts_a_new_trace() {
    let served = served();
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4702";
    let parent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    let request =
        served.client.get(served.url("/fail")).header("traceparent", &parent).header("traceparent", &parent);
    let body = json(request.send().await.unwrap()).await;
    assert_ne!(body["trace_id"], trace_id);
}

#[tokio::test]
async fn health_checks_are_neither_traced_nor_logged_at_info() {
    let served = served();
    served.get_as("/livez", "health-1").await;
    let line = &lines("access", "health-1").await[0];
    assert_eq!(line["level"], "DEBUG");
    assert!(!has_span(&line["trace_id"]));
}

#[tokio::test]
async fn metrics_are_labelled_by_pattern_and_never_by_path() {
    let served = served();
    for path in ["/v1/animals/1", "/v1/animals/2", "/v1", "/livez/deeper"] {
        served.get(path).await;
    }
    let method = reqwest::Method::from_bytes(b"BREW").unwrap();
    served.client.request(method, served.url("/v1/animals/1")).send().await.unwrap();
    let text = served.get("/metrics").await.text().await.unwrap();
    let counts = |method: &str, route: &str, status: u16, count: u32| {
        let line = format!(
            r#"http_server_request_duration_seconds_count{{service="test",method="{method}",route="{route}",status="{status}"}} {count}"#
        );
        assert!(text.contains(&line), "{line}\n{text}");
    };
    counts("GET", "/v1/animals/{id}", 200, 2);
    counts("GET", "/forwarded", 200, 2);
    counts("_OTHER", "/v1/animals/{id}", 405, 1);
    assert!(text.contains(r#"http_server_active_requests{service="test"} 1"#), "{text}");
    assert!(!text.contains("/v1/animals/1"));
}

#[tokio::test]
async fn a_route_that_is_named_late_names_the_span_too() {
    let served = served();
    served.get_as("/v1/elsewhere", "late-1").await;
    let line = &lines("access", "late-1").await[0];
    let span = span(&line["trace_id"]).await;
    assert_eq!(span.name, "GET /forwarded");
    assert_eq!(attribute(&span, "http.route").as_deref(), Some("/forwarded"));
}

#[tokio::test]
async fn an_unknown_path_is_filed_as_unmatched() {
    let served = serve(|_| {});
    let response = served.get("/who/knows").await;
    let request_id = header(&response, "x-request-id").to_owned();
    assert_eq!(lines("access", &request_id).await[0]["route"], "unmatched");
}

#[tokio::test]
async fn a_client_that_leaves_is_reported_as_499() {
    let served = served();
    for (id, reset) in [("gone-1", true), ("gone-2", false)] {
        let mut stream = tokio::net::TcpStream::connect(served.running.addr).await.unwrap();
        let request = format!("GET /hang HTTP/1.1\r\nhost: test\r\nx-request-id: {id}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        lines("test", id).await;
        if reset {
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
        assert_eq!(lines("access", id).await[0]["status"], "499", "{id}");
    }
}
