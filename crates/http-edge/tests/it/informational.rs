//! 1xx answers ahead of the final one.

use crate::harness::Edge;

#[test]
fn an_informational_answer_comes_before_the_final_one() {
    let edge = Edge::start();
    let mut client = edge.connect();
    let early = client.get("/early");
    assert_eq!(early.head, "HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n");
    assert_eq!(client.answer().body, "final");
    assert_eq!(client.get("/").body, "hello");
}

#[test]
fn an_informational_answer_does_not_wait_for_the_final_one() {
    let edge = Edge::start();
    let mut client = edge.connect();
    assert_eq!(client.get("/early?twice").status(), 103);
    assert_eq!(client.answer().status(), 102);
    edge.probe.gate.add_permits(1);
    assert_eq!(client.answer().body, "final");
}

#[test]
fn informational_answers_of_pipelined_requests_stay_with_theirs() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /early HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().body, "hello");
    assert_eq!(client.answer().status(), 103);
    assert_eq!(client.answer().body, "final");
}

#[test]
fn an_http10_client_gets_no_informational_answer() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("GET /early HTTP/1.0\r\n\r\n");
    assert!(client.rest().starts_with("HTTP/1.0 200"));
}

#[test]
fn a_client_that_expects_100_gets_it_when_its_body_is_wanted() {
    let edge = Edge::start();
    let mut client = edge.connect();
    client.send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.answer().status(), 100);
    assert_eq!(client.send("abc").answer().body, "3 bytes, 0 trailers");

    client.send("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.answer().status(), 413);
}
