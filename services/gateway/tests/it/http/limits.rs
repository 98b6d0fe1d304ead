//! RFC 9112 §3, RFC 9110 §5.4 and §15.5: how long things may be, and what is said beyond that.

use super::wire::{Peer, Recorder, Refusing, ask};
use crate::harness::gateway_to;

#[tokio::test(flavor = "multi_thread")]
async fn a_target_beyond_the_limit_is_too_long() {
    let gateway = Refusing::start().await;
    for length in [9_000, 60_000, 1_000_000] {
        let long = "a".repeat(length);
        gateway.refuses(format!("GET /{long} HTTP/1.1\r\nhost: h\r\n\r\n"), 414, "uri_too_long").await;
        gateway.refuses(format!("GET /?{long} HTTP/1.1\r\nhost: h\r\n\r\n"), 414, "uri_too_long").await;
    }
    // Also while it has no end yet.
    gateway.refuses(format!("GET /{}", "a".repeat(9_000)), 414, "uri_too_long").await;
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_lines_of_8000_bytes_pass() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let target = format!("/{}", "a".repeat(8_000 - "GET / HTTP/1.1".len()));
    assert_eq!(ask(&gateway, format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n")).await.status(), 200);
    assert_eq!(upstream.only().line(), format!("GET {target} HTTP/1.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_beyond_the_limits_are_too_large() {
    let gateway = Refusing::start().await;
    let long = "a".repeat(20_000);
    let many = "x: 1\r\n".repeat(120);
    let heavy = format!("x: {}\r\n", "a".repeat(8_000)).repeat(10);
    for fields in [
        format!("x: {long}\r\n"),
        format!("{long}: x\r\n"),
        format!("cookie: {long}\r\nx: 1\r\n"),
        many,
        heavy,
        "x: 1\r\n".repeat(100_000),
    ] {
        gateway.refuses(format!("GET / HTTP/1.1\r\nhost: h\r\n{fields}\r\n"), 431, "headers_too_large").await;
    }
    // Also while it has no end yet.
    gateway.refuses(format!("GET / HTTP/1.1\r\nhost: h\r\nx: {long}"), 431, "headers_too_large").await;
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_within_the_limits_passes() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let many: String = (0..90).map(|n| format!("x-{n}: {n}\r\n")).collect();
    assert_eq!(ask(&gateway, format!("GET / HTTP/1.1\r\nhost: h\r\n{many}\r\n")).await.status(), 200);
    assert_eq!(upstream.only().field("x-89"), Some("89"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_the_limit_is_too_large_and_the_connection_ends() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "body_limit_bytes = 10");
    let mut client = Peer::to(&gateway).await;
    client.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 11\r\n\r\nhello world").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.code().as_str()), (413, "payload_too_large"));
    assert!(upstream.seen().is_empty());

    let mut client = Peer::to(&gateway).await;
    client.send("POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nb\r\nhello world\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.code().as_str()), (413, "payload_too_large"));
    assert!(client.rest().await.is_empty());
    assert!(upstream.seen().iter().all(|request| !request.complete));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_read_although_more_was_sent_than_the_gateway_reads() {
    // Closing at once would reset the connection under the answer (RFC 9112 §9.6).
    let gateway = Refusing::start().await;
    for _ in 0..20 {
        let much = format!("GET / HTTP/1.1\r\nhost: h\r\nbad name: 1\r\n\r\n{}", "x".repeat(2_000_000));
        gateway.refuses(much, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}
