//! What passes, what is set, and what ends at the gateway.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value};

use crate::harness::{catch_all, gateway, gateway_to, raw_upstream, read_head, upstream};
use tokio::io::AsyncWriteExt;

/// The request's fields as JSON; repeated ones joined by `|`.
async fn echo(request: HttpRequest) -> HttpResponse {
    let mut seen = Map::new();
    for (name, value) in request.headers() {
        let value = value.to_str().unwrap();
        let joined = match seen.get(name.as_str()).and_then(Value::as_str) {
            Some(before) => format!("{before}|{value}"),
            None => value.to_owned(),
        };
        seen.insert(name.to_string(), Value::from(joined));
    }
    HttpResponse::Ok()
        .append_header(("server-timing", "db;dur=1.5"))
        .append_header(("set-cookie", "a=1"))
        .append_header(("set-cookie", "b=2"))
        .append_header(("x-request-id", "made-up-by-the-service"))
        .json(seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_claims_is_dropped_and_what_we_know_is_set() {
    let echo = upstream(|app| {
        app.default_service(web::to(echo));
    });
    let gateway = gateway_to(echo.addr, "");
    let answer = gateway
        .get("/")
        .header("host", "shop.example")
        .header("x-forwarded-for", "6.6.6.6")
        .header("forwarded", "for=6.6.6.6")
        .header("x-user-id", "1")
        .header("x-principal", "root")
        .header("connection", "x-hop, te")
        .header("x-hop", "1")
        .header("te", "deflate")
        .header("authorization", "Bearer kept")
        .header("cookie", "c=1")
        .header("x-request-id", "from-the-client")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-request-id"], "from-the-client");
    assert_eq!(answer.headers().get_all("set-cookie").iter().count(), 2);
    assert_eq!(answer.headers()["via"], "1.1 aldia");
    let timing: Vec<_> =
        answer.headers().get_all("server-timing").iter().map(|v| v.to_str().unwrap()).collect();
    let timing = timing.join(", ");
    assert!(timing.contains("db;dur=1.5") && timing.contains("upstream;dur="), "{timing}");
    let seen: Map<String, Value> = answer.json().await.unwrap();
    let get = |name: &str| seen.get(name).and_then(Value::as_str);
    for gone in ["x-user-id", "x-principal", "x-hop", "te", "connection", "keep-alive"] {
        assert_eq!(get(gone), None, "{gone}");
    }
    assert_eq!(get("authorization"), Some("Bearer kept"));
    assert_eq!(get("cookie"), Some("c=1"));
    assert_eq!(get("host"), Some(echo_host(&echo.addr).as_str()));
    assert_eq!(get("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(get("x-forwarded-host"), Some("shop.example"));
    assert_eq!(get("x-forwarded-proto"), Some("http"));
    assert_eq!(get("forwarded"), Some("for=127.0.0.1;host=\"shop.example\";proto=http;by=_aldia"));
    assert_eq!(get("via"), Some("1.1 aldia"));
    assert_eq!(get("x-request-id"), Some("from-the-client"));
}

fn echo_host(addr: &std::net::SocketAddr) -> String {
    addr.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_may_speak_for_its_client_and_host_can_be_kept() {
    let echo = upstream(|app| {
        app.default_service(web::to(echo));
    });
    let gateway = gateway(&format!(
        "[forwarded]\ntrusted = [\"127.0.0.0/8\"]\n{}",
        catch_all(echo.addr, "preserve_host = true")
    ));
    let answer = gateway
        .get("/")
        .header("host", "shop.example")
        .header("x-forwarded-for", "198.51.100.7")
        .header("x-forwarded-proto", "https")
        .send()
        .await
        .unwrap();
    let seen: Map<String, Value> = answer.json().await.unwrap();
    assert_eq!(seen["host"], "shop.example");
    assert_eq!(seen["x-forwarded-for"], "198.51.100.7, 127.0.0.1");
    assert_eq!(seen["x-forwarded-proto"], "https");
}

#[tokio::test(flavor = "multi_thread")]
async fn connection_fields_of_an_answer_end_here() {
    let addr = raw_upstream(async |mut stream, _| {
        read_head(&mut stream).await;
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close, x-inner\r\nx-inner: 1\r\n\
                      keep-alive: timeout=5\r\nproxy-connection: x\r\nupgrade: h2c\r\nx-kept: 1\r\n\r\nok";
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let gateway = gateway_to(addr, "");
    let answer = gateway.get("/").send().await.unwrap();
    for gone in ["x-inner", "keep-alive", "proxy-connection", "upgrade"] {
        assert!(!answer.headers().contains_key(gone), "{gone}");
    }
    assert_eq!(answer.headers()["x-kept"], "1");
    assert_eq!(answer.headers()["content-length"], "2");
    assert_eq!(answer.text().await.unwrap(), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_and_bodiless_answers_keep_their_form() {
    let service = upstream(|app| {
        app.route("/page", web::get().to(async || "four"))
            .route("/page", web::head().to(async || HttpResponse::Ok().body("four")))
            .route("/none", web::to(async || HttpResponse::NoContent()))
            .route(
                "/same",
                web::to(async || HttpResponse::NotModified().insert_header(("etag", "\"v\"")).finish()),
            );
    });
    let gateway = gateway_to(service.addr, "");
    let ask = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")
    };
    let head = gateway.raw(&ask("HEAD", "/page")).await;
    assert!(head.contains("content-length: 4\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let none = gateway.raw(&ask("GET", "/none")).await;
    assert!(
        none.starts_with("HTTP/1.1 204") && !none.contains("content-length") && !none.contains("transfer-")
    );
    let same = gateway.raw(&ask("GET", "/same")).await;
    assert!(
        same.starts_with("HTTP/1.1 304") && same.ends_with("\r\n\r\n") && !same.contains("transfer-"),
        "{same}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_service_pass_untouched() {
    let service = upstream(|app| {
        app.route(
            "/bare",
            web::get().to(async || {
                HttpResponse::Unauthorized().insert_header(("www-authenticate", "Negotiate")).finish()
            }),
        )
        .route(
            "/problem",
            web::get().to(async || {
                HttpResponse::Conflict()
                    .content_type("application/problem+json")
                    .body("{\"code\":\"theirs\"}")
            }),
        );
    });
    let gateway = gateway_to(service.addr, "");
    let bare = gateway.get("/bare").send().await.unwrap();
    assert_eq!(
        (bare.status().as_u16(), &bare.headers()["www-authenticate"]),
        (401, &"Negotiate".parse().unwrap())
    );
    assert_eq!(bare.text().await.unwrap(), "");
    let problem = gateway.get("/problem").send().await.unwrap();
    assert_eq!(
        (problem.status(), problem.headers()["content-type"].clone()),
        (reqwest::StatusCode::CONFLICT, "application/problem+json".parse().unwrap())
    );
    assert_eq!(problem.text().await.unwrap(), "{\"code\":\"theirs\"}");
}
