//! Requests and their answers on one connection.

use std::sync::atomic::Ordering::SeqCst;

use crate::harness::{Edge, until};

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let edge = Edge::start();
    let mut client = edge.connect();
    for _ in 0..3 {
        let answer = client.get("/");
        assert_eq!((answer.status(), answer.body.as_str(), answer.closes()), (200, "hello", false));
        assert!(answer.head.contains("\r\ndate: "), "{}", answer.head);
    }
    assert_eq!(edge.probe.opened.load(SeqCst), 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send(
        "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n\
         POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none\
         POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\nX-T: 1\r\n\r\n\
         GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert!(client.answer().body.starts_with("127.0.0.1:"));
    assert_eq!(client.answer().body, "one");
    assert_eq!(client.answer().body, "3 bytes, 1 trailers");
    let last = client.answer();
    assert_eq!((last.body.as_str(), last.closes()), ("hello", true));
    assert_eq!(client.rest(), "");
}

#[test]
fn a_next_request_waits_for_the_answer_before_it() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the first request runs", || edge.probe.started.load(SeqCst) == 1);
    // Another connection of the same worker is served, so this one had every chance.
    for _ in 0..4 {
        edge.connect().get("/");
    }
    assert_eq!(edge.probe.started.load(SeqCst), 5);
    edge.probe.gate.add_permits(1);
    assert_eq!(client.answer().body, "waited");
    assert_eq!(client.answer().body, "hello");
}

#[test]
fn a_request_that_comes_byte_by_byte_is_one_request() {
    let edge = Edge::start();
    let mut client = edge.connect();
    for byte in b"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" {
        client.send([*byte]);
    }
    assert_eq!(client.answer().body, "3 bytes, 0 trailers");
    assert_eq!(client.get("/").body, "hello");
}

#[test]
fn an_http10_request_is_answered_and_the_connection_closed() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let answer = client.rest();
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[test]
fn head_has_the_length_and_no_body() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let head = String::from_utf8(client.until(b"\r\n\r\n")).unwrap();
    assert!(head.contains("content-length: 5\r\n"), "{head}");
    assert_eq!(client.answer().body, "hello");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_client_that_leaves_cancels_its_request() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the request runs", || edge.probe.under_way.load(SeqCst) == 1);
    drop(client);
    until("its future is dropped", || edge.probe.under_way.load(SeqCst) == 0);
    until("the connection is closed", || edge.probe.closed.load(SeqCst) == 1);
}

#[test]
fn a_panic_ends_its_connection_and_nothing_else() {
    let edge = Edge::with(http_edge::EdgeConfig { workers: 1, ..Default::default() });
    let mut client = edge.connect();
    let mut other = edge.connect();
    assert_eq!(other.get("/").body, "hello");
    client.send("GET /panic HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.rest(), "");
    assert_eq!(other.get("/").body, "hello");
    assert_eq!(edge.connect().get("/").body, "hello");
}

#[test]
fn the_last_request_of_a_connection_says_so() {
    let edge = Edge::with(http_edge::EdgeConfig { max_requests_per_connection: 2, ..Default::default() });
    let mut client = edge.connect();
    assert!(!client.get("/").closes());
    assert!(client.get("/").closes());
    assert_eq!(client.rest(), "");
}

#[test]
fn an_answer_that_breaks_off_does_not_look_whole() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.rest();
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");

    // Without a length only the end of the connection ends the body, so that must not be an orderly one.
    let mut old = edge.connect();
    old.send("GET /cut HTTP/1.0\r\n\r\n");
    let mut buffer = Vec::new();
    let error = std::io::Read::read_to_end(&mut old.stream, &mut buffer).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
