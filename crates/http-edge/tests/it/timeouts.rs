//! How long a client may keep the server waiting.

use std::io::Read;
use std::sync::atomic::Ordering::SeqCst;

use http_edge::EdgeConfig;

use crate::harness::{Edge, until};

fn hasty() -> EdgeConfig {
    EdgeConfig { header_timeout_ms: 500, keep_alive_secs: 1, send_timeout_ms: 200, ..EdgeConfig::default() }
}

#[test]
fn a_head_that_comes_too_slowly_is_answered_408() {
    let edge = Edge::with(hasty());
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ");
    let answer = client.answer();
    assert_eq!((answer.status(), answer.body.as_str(), answer.closes()), (408, "head_timeout", true));
    assert_eq!(client.rest(), "");
}

#[test]
fn a_second_head_that_comes_too_slowly_is_answered_408() {
    let edge = Edge::with(hasty());
    let mut client = edge.connect();
    assert_eq!(client.get("/").body, "hello");
    client.send("GET / HTTP/1.1\r\n");
    assert_eq!(client.answer().status(), 408);
    assert_eq!(client.rest(), "");
}

#[test]
fn a_connection_without_a_request_is_closed_in_silence() {
    let edge = Edge::with(hasty());
    assert_eq!(edge.connect().rest(), "");
}

#[test]
fn an_idle_connection_is_closed_in_silence() {
    let edge = Edge::with(hasty());
    let mut client = edge.connect();
    assert_eq!(client.get("/").body, "hello");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_long_answer_is_not_a_slow_client() {
    let edge = Edge::with(hasty());
    let mut client = edge.connect();
    let mut impatient = edge.connect();
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    // By now every time of the configuration has passed for the first.
    assert_eq!(impatient.get("/").body, "hello");
    assert_eq!(impatient.rest(), "");
    edge.probe.gate.add_permits(1);
    assert_eq!(client.answer().body, "waited");
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    let edge = Edge::with(hasty());
    let mut client = edge.connect();
    client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the connection is closed", || edge.probe.closed.load(SeqCst) == 1);
    let mut sink = Vec::new();
    // What the system had in its buffers is still there, and then the end, one way or the other.
    let _end = client.stream.read_to_end(&mut sink);
    assert!(!sink.is_empty());
}
