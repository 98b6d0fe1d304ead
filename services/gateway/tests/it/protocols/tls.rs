//! `[http.tls]`: what the handshake settles on, what the upstream is told, and another certificate while connections go on.

use actix_web::{HttpRequest, web};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::h2::{self, get};
use super::secure::{Files, connect};
use crate::adjustable::Adjustable;
use crate::harness::{PATIENCE, catch_all, upstream};

/// An upstream that answers with what it was told of the client's connection.
fn telling() -> String {
    let service = upstream(|app| {
        app.default_service(web::to(async |request: HttpRequest| {
            let field = |name: &str| {
                request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
            };
            format!("{} {} {}", request.path(), field("x-forwarded-proto"), field("forwarded"))
        }));
    });
    catch_all(service.addr, "")
}

fn start(files: &Files, rest: &str) -> Adjustable {
    Adjustable::with(rest, |edge| edge.tls = Some(files.config()))
}

/// The whole answer to one request over HTTP/1.1.
async fn ask(gateway: &Adjustable, files: &Files, target: &str) -> String {
    let mut stream = connect(gateway.addr, &files.certificate, &["http/1.1"]).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // Fails when TLS does not end in order.
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_is_told_that_the_client_came_by_https() {
    let files = Files::new();
    let gateway = start(&files, &telling());
    let answer = ask(&gateway, &files, "/one").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let told = answer.lines().last().unwrap();
    assert!(told.starts_with("/one https ") && told.contains("proto=https"), "{told}");

    let stream = connect(gateway.addr, &files.certificate, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let client = h2::handshake(stream).await;
    let told = h2::ask(&client, get("https://localhost/two")).await.text();
    assert!(told.starts_with("/two https ") && told.contains("proto=https"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_client_needs_nothing_but_the_certificate() {
    let files = Files::new();
    let gateway = start(&files, &telling());
    let trusted = reqwest::Certificate::from_der(&files.certificate).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .tls_certs_only([trusted])
        .resolve("localhost", gateway.addr)
        .build()
        .unwrap();
    let answer = client.get(format!("https://localhost:{}/a", gateway.addr.port())).send().await.unwrap();
    assert!(answer.text().await.unwrap().starts_with("/a https "));
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_1_alone_is_agreed_on_when_http_2_is_off() {
    let files = Files::new();
    let gateway = Adjustable::with(&telling(), |edge| {
        edge.tls = Some(files.config());
        edge.http2.enabled = false;
    });
    let stream = connect(gateway.addr, &files.certificate, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_https_url_is_asked_for_over_tls_in_absolute_form() {
    let files = Files::new();
    let gateway = start(&files, &telling());
    let answer = ask(&gateway, &files, "https://localhost/abs").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\r\n\r\n"), "{answer}");
    assert!(answer.lines().last().unwrap().starts_with("/abs https "), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_shows_the_new_certificate_and_old_connections_go_on() {
    let mut files = Files::new();
    let text = telling();
    let gateway = start(&files, &text);
    let under_way = connect(gateway.addr, &files.certificate, &["h2"]).await.unwrap();
    let client = h2::handshake(under_way).await;
    assert_eq!(h2::ask(&client, get("https://localhost/")).await.status(), 200);

    let old = files.renew();
    connect(gateway.addr, &old, &[]).await.unwrap();
    gateway.reload(&text);
    assert!(connect(gateway.addr, &old, &[]).await.is_err(), "the old one is not shown any more");
    assert!(ask(&gateway, &files, "/").await.starts_with("HTTP/1.1 200 "));
    assert_eq!(h2::ask(&client, get("https://localhost/")).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_certificate_leaves_the_old_one_and_the_rest_is_taken_over() {
    let files = Files::new();
    let text = telling();
    let gateway = start(&files, &text);
    std::fs::write(files.key(), "no key").unwrap();
    gateway.reload(&text.replace("/*", "/only"));
    assert!(ask(&gateway, &files, "/only").await.starts_with("HTTP/1.1 200 "));
    assert!(ask(&gateway, &files, "/other").await.starts_with("HTTP/1.1 404 "));
    // A key that belongs to another certificate.
    std::fs::write(files.key(), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    gateway.reload(&text);
    assert!(ask(&gateway, &files, "/other").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_tls_gets_nothing_and_is_counted() {
    let files = Files::new();
    let gateway = start(&files, &telling());
    let mut stream = tokio::net::TcpStream::connect(gateway.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
    test_harness::wait_until("the handshake to be counted", PATIENCE, async || {
        gateway.metric("gateway_client_connections_rejected_total{reason=\"handshake\"}").await == 1
    })
    .await;
}
