//! RFC 9112 §2.2, §2.3 and §3: lines, versions, methods.

use super::wire::{Peer, Recorder, Refusing, ask};
use crate::harness::gateway_to;

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_line_is_refused() {
    let gateway = Refusing::start().await;
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        " GET / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /",
        "GET / ",
        "GET",
        "GET HTTP/1.1",
        "GET / x HTTP/1.1",
        "G(T / HTTP/1.1",
        "G\u{e9}T / HTTP/1.1",
        "GET / HTTP/1.1\0",
        "GET /\x0b HTTP/1.1",
        "HTTP/1.1 200 OK",
    ] {
        gateway
            .refuses(format!("{line}\r\nhost: h\r\n\r\n"), 400, "ambiguous_message|ambiguous_target")
            .await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_version_is_refused_and_an_unknown_one_is_named() {
    let gateway = Refusing::start().await;
    for version in
        ["http/1.1", "HTTP/1", "HTTP/1.", "HTTP/11.1", "HTTP/1.11", "HTTP/1,1", "HTTP/a.b", "HTTP /1.1"]
    {
        gateway.refuses(format!("GET / {version}\r\nhost: h\r\n\r\n"), 400, "ambiguous_message").await;
    }
    for version in ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"] {
        let request = format!("GET / {version}\r\nhost: h\r\n\r\n");
        gateway.refuses(request, 505, "http_version_unsupported").await;
    }
    // The preface of HTTP/2, on a port that was not told to speak it without TLS.
    gateway.refuses("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http_version_unsupported").await;
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_line_feed_ends_no_line() {
    let gateway = Refusing::start().await;
    for request in [
        "GET / HTTP/1.1\nhost: h\n\n",
        "GET / HTTP/1.1\nhost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\nx: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\n\nGET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n",
        "\nGET / HTTP/1.1\r\nhost: h\r\n\r\n",
    ] {
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_carriage_return_is_refused_wherever_it_is() {
    let gateway = Refusing::start().await;
    for request in [
        "GET /\r HTTP/1.1\r\nhost: h\r\n\r\n",
        "GET / HTTP/1.1\rhost: h\r\n\r\n",
        "GET / HTTP/1.1\r\r\nhost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\nx: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\nx: a\r\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\nx\ry: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: h\r\n\rx: 1\r\n\r\n",
        "\rGET / HTTP/1.1\r\nhost: h\r\n\r\n",
    ] {
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whitespace_before_the_first_field_is_refused() {
    let gateway = Refusing::start().await;
    for space in [" ", "\t", "  \t"] {
        let request = format!("GET / HTTP/1.1\r\n{space}x: 1\r\nhost: h\r\n\r\n");
        gateway.refuses(request, 400, "ambiguous_message").await;
        gateway
            .refuses(format!("GET / HTTP/1.1\r\n{space}\r\nhost: h\r\n\r\n"), 400, "ambiguous_message")
            .await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_empty_line_before_a_request_is_skipped() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let mut client = Peer::to(&gateway).await;
    client.send("\r\nGET /a HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
    // Also between two, as old clients send it after a body that they did not count it into.
    client
        .send(
            "POST /b HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\nx\r\nGET /c HTTP/1.1\r\nhost: h\r\n\r\n",
        )
        .await;
    assert_eq!(client.answer().await.status(), 200);
    assert_eq!(client.answer().await.status(), 200);
    let seen = upstream.seen();
    let lines: Vec<_> = seen.iter().map(super::wire::Message::line).collect();
    assert_eq!(lines, ["GET /a HTTP/1.1", "POST /b HTTP/1.1", "GET /c HTTP/1.1"]);
    assert_eq!(seen[1].text(), "x");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_bytes_and_not_text() {
    // Invalid as UTF-8, and a reader of text might find a line end in it.
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let request = b"GET / HTTP/1.1\r\nhost: h\r\nx-opaque: \xc4\x8a\xff\xe5\x98\x8a\r\n\r\n";
    assert_eq!(ask(&gateway, request).await.status(), 200);
    let shown = String::from_utf8_lossy(b"\xc4\x8a\xff\xe5\x98\x8a").into_owned();
    assert_eq!(upstream.only().field("x-opaque"), Some(shown.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_speaks_its_own_version() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let answer = ask(&gateway, "GET /old HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(upstream.only().line(), "GET /old HTTP/1.1");
    let old = Recorder::answering("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let gateway = gateway_to(old.addr, "");
    let answer = ask(&gateway, "GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!(answer.line(), "HTTP/1.1 200 OK");
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_are_case_sensitive_and_unknown_ones_pass() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    for method in ["get", "PURGE", "M-SEARCH", "x!#$%&'*+.^_`|~1"] {
        assert_eq!(ask(&gateway, format!("{method} / HTTP/1.1\r\nhost: h\r\n\r\n")).await.status(), 200);
    }
    let seen = upstream.seen();
    let methods: Vec<_> = seen.iter().map(|request| request.line().split(' ').next().unwrap()).collect();
    assert_eq!(methods, ["get", "PURGE", "M-SEARCH", "x!#$%&'*+.^_`|~1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_longer_than_any_is_not_implemented() {
    let gateway = Refusing::start().await;
    let method = "A".repeat(200);
    gateway.refuses(format!("{method} / HTTP/1.1\r\nhost: h\r\n\r\n"), 501, "not_implemented").await;
    gateway.nothing_passed().await;
}
