//! Going down without losing a request.

use std::net::TcpStream;
use std::sync::atomic::Ordering::SeqCst;

use http_edge::EdgeConfig;

use crate::harness::{Edge, until};

#[tokio::test]
async fn a_request_under_way_is_answered_and_nothing_new_is_accepted() {
    let mut edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the request runs", || edge.probe.under_way.load(SeqCst) == 1);
    edge.handle.drain();
    until("the listener is closed", || TcpStream::connect(edge.addr).is_err());
    edge.probe.gate.add_permits(1);
    let answer = client.answer();
    assert_eq!((answer.body.as_str(), answer.closes()), ("waited", true));
    assert_eq!(client.rest(), "");
    edge.until_stopped().await;
}

#[tokio::test]
async fn a_request_that_crosses_the_drain_is_answered() {
    let mut edge = Edge::start();
    let mut client = edge.connect();
    client.get("/");
    edge.handle.drain();
    let answer = client.get("/");
    assert_eq!((answer.body.as_str(), answer.closes()), ("hello", true));
    assert_eq!(client.rest(), "");
    edge.until_stopped().await;
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let mut edge = Edge::start();
    let mut client = edge.connect();
    client.get("/");
    let mut untouched = edge.connect();
    until("both are open", || edge.probe.opened.load(SeqCst) == 2);
    edge.handle.drain();
    assert_eq!(client.rest(), "");
    assert_eq!(untouched.rest(), "");
    edge.until_stopped().await;
    assert_eq!(edge.probe.closed.load(SeqCst), 2);
}

#[tokio::test]
async fn what_is_left_after_the_drain_time_is_cut() {
    let mut edge = Edge::with(EdgeConfig { drain_secs: 0, ..EdgeConfig::default() });
    let mut client = edge.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the request runs", || edge.probe.under_way.load(SeqCst) == 1);
    edge.handle.drain();
    edge.until_stopped().await;
    assert_eq!(edge.probe.under_way.load(SeqCst), 0);
    assert_eq!(client.rest(), "");
}

#[tokio::test]
async fn stopping_cuts_everything() {
    let mut edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    until("the request runs", || edge.probe.under_way.load(SeqCst) == 1);
    edge.handle.stop_now();
    edge.until_stopped().await;
    assert_eq!(edge.probe.closed.load(SeqCst), 1);
}
