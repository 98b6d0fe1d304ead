//! RFC 9110 §15.2: answers before the answer.

use super::wire::{Peer, Recorder, ask};
use crate::harness::gateway_to;

const HINTED: &str = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\
                      link: </b.js>; rel=preload\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n\
                      HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_pass_in_their_order() {
    let upstream = Recorder::answering(HINTED).await;
    let gateway = gateway_to(upstream.addr, "");
    let mut client = Peer::to(&gateway).await;
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
        assert_eq!(client.answer().await.line(), "HTTP/1.1 102 Processing");
        let hints = client.answer().await;
        assert_eq!(hints.line(), "HTTP/1.1 103 Early Hints");
        assert_eq!(hints.fields("link"), ["</a.css>; rel=preload", "</b.js>; rel=preload"]);
        assert!(hints.fields("x-hop").is_empty() && hints.fields("connection").is_empty(), "{}", hints.head);
        assert!(hints.fields("content-length").is_empty() && hints.fields("transfer-encoding").is_empty());
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.text()), (200, "ok"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_gets_no_interim_answers() {
    let upstream = Recorder::answering(HINTED).await;
    let gateway = gateway_to(upstream.addr, "");
    let mut client = Peer::to(&gateway).await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
    assert!(client.rest().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unasked_101_is_a_bad_gateway() {
    for fields in ["upgrade: websocket\r\nconnection: upgrade\r\n", "", "content-length: 5\r\n"] {
        let answer: &'static str = format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n").leak();
        let upstream = Recorder::answering(answer).await;
        let gateway = gateway_to(upstream.addr, "");
        let answer = ask(&gateway, "GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
        assert_eq!((answer.status(), answer.code().as_str()), (502, "bad_gateway"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_without_an_answer_are_a_bad_gateway() {
    let addr = crate::harness::raw_upstream(async |stream, _| {
        let mut peer = Peer::new(stream);
        peer.head().await;
        peer.send("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n").await;
    })
    .await;
    let gateway = gateway_to(addr, "");
    let mut client = Peer::to(&gateway).await;
    client.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n").await;
    let answer = client.final_answer().await;
    assert_eq!((answer.status(), answer.code().as_str()), (502, "bad_gateway"));
}
