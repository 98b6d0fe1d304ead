//! Codings and their validators, over the wire.

use std::pin::Pin;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;

use crate::harness::{Gateway, PATIENCE, gateway_to, problem_code, upstream};

const CODINGS: [&str; 4] = ["identity", "br", "zstd", "gzip"];

fn text() -> String {
    (0..400).map(|n| format!("{{\"id\":{n},\"name\":\"animal {n}\"}}\n")).collect()
}

/// A service that knows one version, `"v"`, and nothing of codings.
async fn versioned(request: HttpRequest) -> HttpResponse {
    let matches = |headers: &HeaderMap, name: &str| {
        headers.get(name).is_some_and(|value| value.to_str().unwrap().split(", ").any(|tag| tag == "\"v\""))
    };
    assert!(!request.headers().contains_key("accept-encoding"));
    if request.headers().contains_key("if-match") && !matches(request.headers(), "if-match") {
        return HttpResponse::PreconditionFailed().content_type("text/plain").body("stale");
    }
    if matches(request.headers(), "if-none-match") {
        return HttpResponse::NotModified().insert_header(("etag", "\"v\"")).finish();
    }
    HttpResponse::Ok().insert_header(("etag", "\"v\"")).content_type("application/json").body(text())
}

fn versioned_gateway() -> Gateway {
    let service = upstream(|app| {
        app.default_service(web::to(versioned));
    });
    gateway_to(service.addr, "")
}

async fn decode(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut decoder: Pin<Box<dyn AsyncRead + Send>> = match coding {
        "br" => Box::pin(BrotliDecoder::new(std::io::Cursor::new(body.to_vec()))),
        "zstd" => Box::pin(ZstdDecoder::new(std::io::Cursor::new(body.to_vec()))),
        "gzip" => Box::pin(GzipDecoder::new(std::io::Cursor::new(body.to_vec()))),
        _ => return body.to_vec(),
    };
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).await.unwrap();
    out
}

fn tag(coding: &str) -> String {
    if coding == "identity" { "\"v\"".to_owned() } else { format!("\"v;{coding}\"") }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_coding_has_its_own_tag_and_head_says_what_get_would() {
    let gateway = versioned_gateway();
    for coding in CODINGS {
        let get = gateway.get("/").header("accept-encoding", coding).send().await.unwrap();
        let head = gateway.http.head(&gateway.base).header("accept-encoding", coding).send().await.unwrap();
        for answer in [&get, &head] {
            let headers = answer.headers();
            assert_eq!(headers["etag"].to_str().unwrap(), tag(coding));
            assert_eq!(headers["vary"], "Accept-Encoding");
            let encoding =
                headers.get("content-encoding").map_or("identity", |value| value.to_str().unwrap());
            assert_eq!(encoding, coding);
        }
        assert_eq!(get.headers().get("content-length"), head.headers().get("content-length"));
        let body = get.bytes().await.unwrap();
        assert_eq!(decode(coding, &body).await, text().as_bytes(), "{coding}");
        assert!(coding == "identity" || body.len() < text().len() / 3, "{coding}: {}", body.len());
        assert!(head.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_version_is_always_304_and_never_a_spurious_412() {
    let gateway = versioned_gateway();
    for had in CODINGS {
        for wanted in CODINGS {
            for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
                let answer = gateway
                    .http
                    .request(method, &gateway.base)
                    .header("accept-encoding", wanted)
                    .header("if-none-match", format!("\"other\", {}", tag(had)))
                    .send()
                    .await
                    .unwrap();
                assert_eq!(answer.status(), 304, "{had} {wanted}");
                let expected = if had == "identity" { tag(had) } else { tag(wanted) };
                assert_eq!(answer.headers()["etag"].to_str().unwrap(), expected, "{had} {wanted}");
                assert_eq!(answer.headers()["vary"], "Accept-Encoding", "as the 200 has it");
                assert!(!answer.headers().contains_key("content-encoding"));
            }
        }
        let put =
            gateway.http.put(&gateway.base).header("if-match", tag(had)).body("x").send().await.unwrap();
        assert_eq!(put.status(), 200, "{had}");
        let stale =
            gateway.http.put(&gateway.base).header("if-match", "\"w;br\"").body("x").send().await.unwrap();
        assert_eq!(stale.status(), 412);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_with_endless_tags_is_refused_before_it_costs_anything() {
    let gateway = versioned_gateway();
    for header in ["if-none-match", "if-match"] {
        let tags = |count: usize| (0..count).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(",");
        let answer = gateway.get("/").header(header, tags(101)).send().await.unwrap();
        assert_eq!(problem_code(answer).await, (400, "malformed_request".to_owned()), "{header}");
        let answer = gateway.get("/").header(header, tags(100)).send().await.unwrap();
        assert_ne!(answer.status(), 400, "{header}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_compressed_is_not() {
    let service = upstream(|app| {
        app.route(
            "/small",
            web::get().to(async || HttpResponse::Ok().content_type("text/plain").body("x".repeat(500))),
        )
        .route(
            "/kept",
            web::get().to(async || {
                HttpResponse::Ok()
                    .content_type("text/plain")
                    .insert_header(("cache-control", "no-transform"))
                    .body("x".repeat(2000))
            }),
        )
        .route(
            "/coded",
            web::get().to(async || {
                HttpResponse::Ok()
                    .content_type("text/plain")
                    .insert_header(("content-encoding", "gzip"))
                    .insert_header(("etag", "\"own;x\""))
                    .body("x".repeat(2000))
            }),
        )
        .route(
            "/part",
            web::get().to(async || {
                HttpResponse::PartialContent()
                    .content_type("text/plain")
                    .insert_header(("content-range", "bytes 0-1999/9000"))
                    .body("x".repeat(2000))
            }),
        )
        .route(
            "/picture",
            web::get().to(async || HttpResponse::Ok().content_type("image/png").body("x".repeat(2000))),
        );
    });
    let gateway = gateway_to(service.addr, "");
    for path in ["/small", "/kept", "/part", "/picture"] {
        let answer = gateway.get(path).header("accept-encoding", "br, gzip").send().await.unwrap();
        assert!(!answer.headers().contains_key("content-encoding"), "{path}");
        assert!(answer.bytes().await.unwrap().len() >= 500, "{path}");
    }
    let coded = gateway.get("/coded").header("accept-encoding", "br, gzip").send().await.unwrap();
    assert_eq!(coded.headers()["content-encoding"], "gzip");
    assert_eq!(coded.headers()["etag"], "\"own;x\"");
    assert_eq!(coded.bytes().await.unwrap().len(), 2000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_may_leave_codings_to_its_upstream() {
    let service = upstream(|app| {
        app.default_service(web::to(async |request: HttpRequest| {
            let seen = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
            HttpResponse::Ok().content_type("text/plain").body(format!(
                "{} {} {}",
                seen("accept-encoding"),
                seen("if-none-match"),
                "x".repeat(2000)
            ))
        }));
    });
    let gateway = gateway_to(service.addr, "compress = false");
    let answer = gateway.get("/").header("accept-encoding", "br").header("if-none-match", "\"v;br\"");
    assert!(answer.send().await.unwrap().text().await.unwrap().starts_with("br \"v;br\" xxx"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_stream_arrives_line_by_line_although_compressed() {
    let (lines, receiver) = mpsc::unbounded_channel::<Bytes>();
    let receiver = std::sync::Arc::new(std::sync::Mutex::new(Some(receiver)));
    let service = upstream(move |app| {
        let receiver = receiver.clone();
        app.default_service(web::to(move || {
            let mut receiver = receiver.lock().unwrap().take().unwrap();
            let stream = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
            async move {
                HttpResponse::Ok()
                    .content_type("application/x-ndjson")
                    .streaming(stream.map(Ok::<_, actix_web::Error>))
            }
        }));
    });
    let gateway = gateway_to(service.addr, "");
    lines.send(Bytes::from("{\"n\":0}\n")).unwrap();
    let mut answer = gateway.get("/").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    let mut seen = Vec::new();
    for n in 1..4 {
        // Each line has to be readable before the next one is made.
        let expected = format!("{{\"n\":{}}}\n", n - 1);
        let arrived = tokio::time::timeout(PATIENCE, async {
            loop {
                seen.extend_from_slice(&answer.chunk().await.unwrap().unwrap());
                // Not at its end yet: one read gives what is there.
                let mut out = vec![0; 4096];
                let mut decoder = GzipDecoder::new(std::io::Cursor::new(seen.clone()));
                let read = decoder.read(&mut out).await.unwrap_or(0);
                if String::from_utf8_lossy(&out[..read]).ends_with(&expected) {
                    break;
                }
            }
        });
        arrived.await.unwrap();
        lines.send(Bytes::from(format!("{{\"n\":{n}}}\n"))).unwrap();
    }
    drop(lines);
    let rest = tokio::time::timeout(Duration::from_secs(5), answer.bytes()).await.unwrap().unwrap();
    seen.extend_from_slice(&rest);
    assert_eq!(decode("gzip", &seen).await, b"{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}
