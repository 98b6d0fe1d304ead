//! Answers past hyper: nobody but the counter notices.

use std::io::Read as _;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use http_edge::EdgeConfig;

use crate::harness::{Client, Edge, until};

/// How many requests went which way: past hyper, and through it.
fn ways(edge: &Edge) -> (usize, usize) {
    (edge.probe.at_once.load(SeqCst), edge.probe.started.load(SeqCst))
}

fn ready(length: usize) -> String {
    format!("GET /ready/{length} HTTP/1.1\r\nHost: a\r\nX-Echo: \t é \r\n\r\n")
}

/// The same from a file, where the connection is one that files are sent on.
fn filed(length: usize) -> String {
    ready(length).replace("/ready/", "/filed/")
}

#[test]
fn a_plain_request_is_answered_past_hyper_and_the_connection_stays() {
    let edge = Edge::start();
    let mut client = edge.connect();
    for _ in 0..3 {
        let answer = client.send(ready(12)).answer();
        assert_eq!((answer.status(), answer.body.as_str()), (200, "012345678901"));
        assert!(
            answer.head.contains("\r\nx-echo: é\r\n") && answer.head.contains(" GMT\r\n"),
            "{}",
            answer.head
        );
    }
    assert_eq!(client.get("/").body, "hello");
    assert_eq!(client.send(ready(0)).answer().body, "");
    assert_eq!(ways(&edge), (4, 1));
}

#[test]
fn head_is_answered_without_the_body() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("HEAD /ready/7 HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = String::from_utf8(client.until(b"\r\n\r\n")).unwrap();
    assert!(head.contains("content-length: 7\r\n"), "{head}");
    assert_eq!(client.send(ready(1)).answer().body, "0");
    assert_eq!(ways(&edge), (2, 0));
}

#[test]
fn pipelined_requests_are_answered_in_their_order_whichever_way_they_take() {
    let edge = Edge::start();
    let mut client = edge.connect();
    let plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    let post = "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok".to_owned();
    client.send([ready(3), plain.clone(), ready(4), ready(5), post, ready(6), plain, ready(7)].concat());
    let bodies: Vec<String> = (0..8).map(|_| client.answer().body).collect();
    assert_eq!(
        bodies,
        ["012", "hello", "0123", "01234", "2 bytes, 0 trailers", "012345", "hello", "0123456"]
    );
    // What follows a body is hyper's, until it has shown that it is done with it.
    assert_eq!(ways(&edge), (4, 4));
}

#[test]
fn it_does_not_matter_how_the_bytes_arrive() {
    let edge = Edge::start();
    let both = [ready(3), ready(4)].concat().into_bytes();
    for at in 1..both.len() {
        let mut client = edge.connect();
        client.send(&both[..at]);
        if at >= ready(3).len() {
            assert_eq!(client.answer().body, "012");
        } else {
            // So that it is read apart, mostly.
            std::thread::yield_now();
        }
        client.send(&both[at..]);
        if at < ready(3).len() {
            assert_eq!(client.answer().body, "012");
        }
        assert_eq!(client.answer().body, "0123");
    }
    assert_eq!(ways(&edge), (2 * (both.len() - 1), 0));
}

#[test]
fn what_is_out_of_the_ordinary_is_hypers() {
    let edge = Edge::start();
    let heads = [
        "\r\nGET /ready/1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/ready/1 HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /ready/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET /ready/1 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-hop\r\n\r\n",
        "GET /ready/1 HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n",
        "GET /ready/1 HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n",
        "GET /ready/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        "GET /ready/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /ready/1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
        "GET /ready/1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
        "PUT /ready/1 HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    for head in heads {
        assert_eq!(edge.connect().send(head).answer().body, "0", "{head}");
    }
    assert_eq!(ways(&edge), (0, heads.len()));
    edge.connect().send("GET /ready/1 HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive,\r\n\r\n").answer();
    assert_eq!(ways(&edge), (1, heads.len()));
}

#[test]
fn it_can_be_switched_off() {
    let edge = Edge::with(EdgeConfig { answer_at_once: false, ..EdgeConfig::default() });
    assert_eq!(edge.connect().send(ready(2)).answer().body, "01");
    assert_eq!(ways(&edge), (0, 1));
}

#[test]
fn a_slow_client_gets_all_of_a_large_answer_and_then_the_next() {
    const LARGE: usize = 20_000_000;
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send([ready(LARGE), ready(3), "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()].concat());
    // Others are served meanwhile.
    assert_eq!(edge.connect().send(ready(1)).answer().body, "0");
    let large = client.answer().body;
    assert!(large.len() == LARGE && large.as_bytes().chunks(10).all(|ten| ten == b"0123456789"));
    assert_eq!(client.answer().body, "012");
    assert_eq!(client.get("/").body, "hello");
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    for request in [ready(40_000_000), filed(40_000_000)] {
        let edge = Edge::with(EdgeConfig { send_timeout_ms: 50, ..EdgeConfig::default() });
        let mut client = edge.connect();
        client.send(request);
        until("it is cut", || edge.probe.closed.load(SeqCst) == 1);
        let mut taken = Vec::new();
        assert!(client.stream.read_to_end(&mut taken).is_err(), "a cut is no orderly end");
    }
}

#[test]
fn a_body_is_sent_from_its_file_in_its_place_among_others() {
    let edge = Edge::start();
    let mut client = edge.connect();
    for length in [5_000, 65_536, 100_001, 20_000_000] {
        client.send([ready(3), filed(length), ready(4), filed(10), ready(5)].concat());
        assert_eq!(client.answer().body, "012");
        let body = client.answer().body;
        assert!(body.len() == length && body.as_bytes().chunks(10).all(|ten| b"0123456789".starts_with(ten)));
        assert_eq!(client.answer().body, "0123");
        assert_eq!(client.answer().body, "mmmmmmmmmm", "it fits beside the head");
        assert_eq!(client.answer().body, "01234");
    }
    assert_eq!(ways(&edge), (20, 0));
}

#[test]
fn what_a_file_does_not_give_comes_from_memory() {
    let edge = Edge::start();
    let mut client = edge.connect();
    for length in [60_000, 2_000_000] {
        client.send([filed(length).replace("/filed/", "/filed/half/"), ready(3)].concat());
        let body = client.answer().body;
        let (filed, rest) = body.split_at(length / 2);
        assert!(filed.as_bytes().chunks(10).all(|ten| ten == b"0123456789"));
        assert!(rest.len() == length / 2 && rest.bytes().all(|byte| byte == b'm'));
        assert_eq!(client.answer().body, "012");
    }
}

#[test]
fn the_last_request_of_a_connection_is_hypers_to_answer() {
    let edge = Edge::with(EdgeConfig { max_requests_per_connection: 3, ..EdgeConfig::default() });
    let mut client = edge.connect();
    let closes: Vec<bool> = (0..3).map(|_| client.send(ready(1)).answer().closes()).collect();
    assert_eq!(closes, [false, false, true]);
    assert_eq!(client.rest(), "");
    assert_eq!(ways(&edge), (2, 1));
}

#[tokio::test]
async fn a_request_that_crosses_the_drain_is_answered_as_the_last() {
    let mut edge = Edge::start();
    let mut client = edge.connect();
    client.send(ready(1)).answer();
    let mut idle = edge.connect();
    idle.send(ready(1)).answer();
    edge.handle.drain();
    let answer = client.send(ready(2)).answer();
    assert_eq!((answer.body.as_str(), answer.closes()), ("01", true));
    assert_eq!((client.rest(), idle.rest()), (String::new(), String::new()));
    edge.until_stopped().await;
    assert_eq!(edge.probe.closed.load(SeqCst), 2);
}

#[test]
fn a_refusal_comes_after_the_answers_before_it() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send([ready(3), ready(4), "GET /ready/1 HTTP/1.1\r\n\r\n".to_owned()].concat());
    assert_eq!((client.answer().body, client.answer().body), ("012".to_owned(), "0123".to_owned()));
    let refused = client.answer();
    assert_eq!((refused.status(), refused.closes()), (400, true));
    assert_eq!(client.rest(), "");
}

#[test]
fn times_between_requests_are_counted_as_ever() {
    let edge = Edge::with(EdgeConfig { header_timeout_ms: 100, keep_alive_secs: 1, ..EdgeConfig::default() });
    let mut half: Client = edge.connect();
    half.send(ready(1)).answer();
    half.send("GET /ready/1 HTTP/1.1\r\nHo");
    assert_eq!(half.answer().status(), 408);
    let mut idle = edge.connect();
    idle.send(ready(1)).answer();
    idle.stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(idle.rest(), "");
}

#[test]
fn a_panic_ends_its_connection_and_no_other() {
    let edge = Edge::with(EdgeConfig { workers: 1, ..EdgeConfig::default() });
    let mut other = edge.connect();
    other.send(ready(1)).answer();
    let mut client = edge.connect();
    client.send("GET /ready/panic HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.rest(), "");
    assert_eq!(other.send(ready(2)).answer().body, "01");
}
