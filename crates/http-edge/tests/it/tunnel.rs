//! Connections that leave HTTP/1.1.

use std::io::Write as _;
use std::net::Shutdown;
use std::sync::atomic::Ordering::SeqCst;

use crate::harness::{Edge, until};

const UPGRADE: &str = "GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

#[test]
fn after_101_the_bytes_are_the_handlers() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send(UPGRADE);
    assert_eq!(client.answer().status(), 101);
    // Nothing here is HTTP, and nothing is inspected.
    client.send(b"\0\n\xffGET");
    assert_eq!(client.until(b"GET"), b"\0\n\xffGET");
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.rest(), "");
    until("the tunnel is no longer counted", || edge.probe.closed.load(SeqCst) == 1);
}

#[test]
fn a_tunnel_carries_any_number_of_bytes() {
    const LENGTH: usize = 4 * 1024 * 1024;
    let edge = Edge::start();
    let mut client = edge.connect();
    assert_eq!(client.send(UPGRADE).answer().status(), 101);
    let mut writer = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || writer.write_all(&vec![b'x'; LENGTH]));
    client.skip(LENGTH);
    sending.join().unwrap().unwrap();
}

#[test]
fn bytes_sent_before_the_101_belong_to_the_tunnel() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send([UPGRADE.as_bytes(), b"\0early"].concat());
    assert_eq!(client.answer().status(), 101);
    assert_eq!(client.send("late").until(b"late"), b"\0earlylate");
}

#[test]
fn a_101_that_nobody_asked_for_does_not_reach_the_client() {
    let edge = Edge::start();
    for request in [
        "GET /tunnel HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /tunnel HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n",
    ] {
        let mut client = edge.connect();
        let answer = client.send(request).answer();
        assert_eq!((answer.status(), answer.closes()), (502, true));
        assert_eq!(client.rest(), "");
    }
}

/// hyper remembers the offer of the first request until the connection ends.
#[test]
fn a_refusal_after_an_offer_that_was_not_taken_reaches_the_client() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    );
    assert_eq!(client.answer().body, "hello");
    assert_eq!(client.answer().body, "host_missing");
    assert_eq!(client.rest(), "");
}

#[tokio::test]
async fn a_tunnel_is_cut_when_the_drain_is_over() {
    let mut edge = Edge::with(http_edge::EdgeConfig { drain_secs: 1, ..Default::default() });
    let mut client = edge.connect();
    client.send(UPGRADE);
    assert_eq!(client.answer().status(), 101);
    edge.handle.drain();
    assert_eq!(client.send("still there").until(b"there"), b"still there");
    edge.until_stopped().await;
    assert_eq!(client.rest(), "");
}

#[test]
fn an_upgrade_that_is_not_taken_is_an_ordinary_request() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nGET /peer HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().body, "hello");
    assert!(client.answer().body.starts_with("127.0.0.1:"));
}
