//! RFC 9110 §6.5 and RFC 9112 §7.1.2: fields after the content.

use super::wire::{Recorder, Refusing, ask};
use crate::harness::gateway_to;

const CHUNKED: &str = "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_a_request_pass_as_trailers() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let request =
        format!("{CHUNKED}trailer: x-sum, x-time\r\n\r\n5\r\nhello\r\n0\r\nx-sum: abc\r\nX-Time: 7\r\n\r\n");
    assert_eq!(ask(&gateway, request).await.status(), 200);
    let seen = upstream.only();
    assert_eq!(seen.text(), "hello");
    assert_eq!(seen.trailers, ["x-sum: abc", "x-time: 7"]);
    // Never merged into the header section.
    assert_eq!(seen.fields("x-sum"), Vec::<&str>::new());
    assert_eq!(seen.field("trailer").map(|names| names.replace(' ', "")), Some("x-sum,x-time".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_that_frame_route_or_identify_are_refused() {
    let gateway = Refusing::start().await;
    for trailer in [
        "transfer-encoding: chunked",
        "content-length: 5",
        "host: other",
        "Host: h",
        "connection: close",
        "authorization: Bearer x",
        "cookie: a=1",
        "x-forwarded-for: 1.2.3.4",
        "forwarded: for=1.2.3.4",
        "expect: 100-continue",
        "te: trailers",
        "trailer: x",
        "upgrade: websocket",
        "content-type: text/html",
        "content-encoding: gzip",
        "content-range: bytes 0-1/2",
        "cache-control: no-store",
        "max-forwards: 1",
    ] {
        let request = format!("{CHUNKED}\r\n5\r\nhello\r\n0\r\n{trailer}\r\n\r\n");
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_trailers_are_refused() {
    let gateway = Refusing::start().await;
    for trailer in [
        "x : 1\r\n",
        "x\r\n",
        ": 1\r\n",
        "x: a\r\n b\r\n",
        " x: 1\r\n",
        "x: a\0b\r\n",
        "x: a\rb\r\n",
        "x: a\n",
        "GET /smuggled HTTP/1.1\r\nhost: h\r\n",
    ] {
        let request = format!("{CHUNKED}\r\n5\r\nhello\r\n0\r\n{trailer}\r\n");
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_trailers_are_too_large() {
    let gateway = Refusing::start().await;
    for trailers in [
        "x: 1\r\n".repeat(2_000),
        format!("x: {}\r\n", "a".repeat(20_000)),
        format!("x: {}", "a".repeat(20_000)),
    ] {
        let request = format!("{CHUNKED}\r\n5\r\nhello\r\n0\r\n{trailers}\r\n");
        gateway.refuses(request, 431, "headers_too_large").await;
    }
    gateway.nothing_passed().await;
}

const WITH_TRAILERS: &str = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                             5\r\nhello\r\n0\r\nx-sum: abc\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_an_answer_pass_to_those_who_want_them() {
    let upstream = Recorder::answering(WITH_TRAILERS).await;
    let gateway = gateway_to(upstream.addr, "");
    let answer = ask(&gateway, "GET / HTTP/1.1\r\nhost: h\r\nte: trailers\r\nconnection: te\r\n\r\n").await;
    assert_eq!((answer.text(), answer.trailers.as_slice()), ("hello", ["x-sum: abc".to_owned()].as_slice()));
    assert_eq!(answer.field("trailer"), Some("x-sum"));
    let seen = upstream.only();
    assert_eq!(seen.field("te"), Some("trailers"), "the upstream is told, or it would send none");
    let named = seen.fields("connection").join(",").to_ascii_lowercase();
    assert!(named.split(',').any(|name| name.trim() == "te"), "TE is for one hop: {}", seen.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_an_answer_end_here_for_those_who_did_not_ask() {
    let upstream = Recorder::answering(WITH_TRAILERS).await;
    let gateway = gateway_to(upstream.addr, "");
    for fields in ["", "te: gzip\r\nconnection: te\r\n"] {
        let answer = ask(&gateway, format!("GET / HTTP/1.1\r\nhost: h\r\n{fields}\r\n")).await;
        assert_eq!((answer.text(), answer.complete, answer.trailers.len()), ("hello", true, 0));
        assert_eq!(answer.fields("x-sum"), Vec::<&str>::new());
    }
    assert!(upstream.seen().iter().all(|request| request.fields("te").is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_an_answer_that_frame_or_describe_it_do_not_pass() {
    let upstream = Recorder::answering(
        "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\
         trailer: content-length, transfer-encoding, connection, set-cookie, content-encoding, x-sum\r\n\r\n\
         5\r\nhello\r\n0\r\ncontent-length: 1\r\ntransfer-encoding: gzip\r\nconnection: x\r\nset-cookie: a=1\r\n\
         content-encoding: gzip\r\nx-sum: abc\r\n\r\n",
    )
    .await;
    let gateway = gateway_to(upstream.addr, "");
    let answer = ask(&gateway, "GET / HTTP/1.1\r\nhost: h\r\nte: trailers\r\nconnection: te\r\n\r\n").await;
    assert_eq!((answer.text(), answer.trailers.as_slice()), ("hello", ["x-sum: abc".to_owned()].as_slice()));
}
