//! What breaks the framing rules, and how the client is told.

use std::sync::atomic::Ordering::SeqCst;

use crate::harness::Edge;

#[test]
fn a_refused_head_is_answered_and_the_connection_closed() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status(), answer.closes()), (400, true));
    assert!(answer.head.contains("date: "), "{}", answer.head);
    assert_eq!(answer.body, "whitespace_before_colon");
    assert_eq!(client.rest(), "");
    assert_eq!(edge.probe.started.load(SeqCst), 0);
}

#[test]
fn a_refusal_comes_after_the_answers_to_good_requests() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send(
        "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n\
         GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
         GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    edge.probe.gate.add_permits(1);
    assert_eq!(client.answer().body, "waited");
    assert_eq!(client.answer().status(), 400);
    assert_eq!(client.rest(), "");
    assert_eq!(edge.probe.started.load(SeqCst), 1);
}

#[test]
fn a_body_that_breaks_the_rules_is_told_to_the_handler() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    client.send("+3\r\nabc\r\n0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status(), answer.body.as_str(), answer.closes()), (400, "chunk_size_malformed", true));
    assert_eq!(client.rest(), "");
}

#[test]
fn a_client_that_still_sends_gets_the_refusal() {
    let edge = Edge::start();
    let mut client = edge.connect();
    // Much of this is unread when the refusal goes out; a reset would overtake it.
    client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    client.send(vec![b'x'; 200_000]);
    let answer = client.answer();
    assert_eq!((answer.status(), answer.body.as_str()), (400, "host_repeated"));
    assert_eq!(client.rest(), "");
}

#[test]
fn an_answer_before_the_body_was_read_reaches_the_client() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n");
    client.send(vec![b'x'; 400_000]);
    let answer = client.answer();
    assert_eq!((answer.status(), answer.body.as_str()), (413, "too much"));
    assert_eq!(client.rest(), "");
}

/// hyper would answer what it cannot parse in its own words, which carry no rule and no problem.
#[test]
fn what_passes_the_guard_is_understood_by_the_parser() {
    let edge = Edge::with(http_edge::EdgeConfig { workers: 1, ..Default::default() });
    let places: [(&str, &str); 8] = [
        ("GET /", "x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("GET /?", "x HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("GET http://a", "/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("GET ", " HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("G", " / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX", "y: z\r\n\r\n"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y", "z\r\n\r\n"),
        ("GET / HTTP/1.1\r\nHost: a", "\r\n\r\n"),
    ];
    for (before, after) in places {
        for byte in 0..=u8::MAX {
            let mut client = edge.connect();
            client.send([before.as_bytes(), &[byte], after.as_bytes()].concat());
            // What is left unfinished by the byte ends here.
            client.stream.shutdown(std::net::Shutdown::Write).unwrap();
            let answer = client.rest();
            let own_words = answer.starts_with("HTTP/1.1 400 ") && answer.contains("content-length: 0");
            assert!(!own_words, "{before:?} {byte:#04x} {after:?}: {answer}");
        }
    }
}
