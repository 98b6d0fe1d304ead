//! RFC 9110 §10.1.1: a client that waits to be told to go on.

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::wire::{Message, Peer, Recorder, Refusing};
use crate::harness::{Gateway, PATIENCE, gateway_to, raw_upstream};

const WAITING: &str = "POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";

/// An upstream that says `first` when it has a head, `then` when it has the body, and tells what it saw.
async fn upstream(first: &'static str, then: &'static str) -> (Gateway, mpsc::UnboundedReceiver<Message>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let addr = raw_upstream(move |stream, _| {
        let sender = sender.clone();
        async move {
            let mut peer = Peer::new(stream);
            while let Some(mut request) = peer.head().await {
                peer.send(first).await;
                peer.body(&mut request, false).await;
                let complete = request.complete;
                let _ = sender.send(request);
                if !complete {
                    break;
                }
                peer.send(then).await;
            }
        }
    })
    .await;
    (gateway_to(addr, ""), receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_says_when_the_client_may_go_on() {
    // Had the gateway said it on its own, 100 would come before 103.
    let early = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let (gateway, mut seen) = upstream(early, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let mut client = Peer::to(&gateway).await;
    for _ in 0..2 {
        client.send(WAITING).await;
        assert_eq!(client.answer().await.status(), 103);
        let go_on = client.answer().await;
        assert_eq!(go_on.status(), 100);
        assert_eq!((go_on.field("content-length"), go_on.field("transfer-encoding")), (None, None));
        client.send("hello").await;
        assert_eq!(client.answer().await.status(), 200);
        let seen = seen.recv().await.unwrap();
        assert_eq!((seen.field("expect"), seen.text()), (Some("100-continue"), "hello"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_answer_in_its_place_passes_and_no_body_is_taken() {
    let refusal = "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno";
    let (gateway, mut seen) = upstream(refusal, "").await;
    // Nobody can know whether the body still comes, so neither it nor anything else is read.
    for more in [
        "",
        "hello",
        "GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n",
        "helloGET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n",
    ] {
        let mut client = Peer::to(&gateway).await;
        client.send(WAITING).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.text()), (403, "no"));
        assert_eq!(answer.field("connection"), Some("close"));
        client.send(more).await;
        let rest = client.rest().await;
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        let seen =
            timeout(PATIENCE, seen.recv()).await.expect("the exchange ends on the other side too").unwrap();
        assert!(!seen.complete && seen.body.is_empty(), "{more:?}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_answer_without_100_may_come_after_the_body() {
    // The upstream knows nothing of Expect; the client loses patience and sends.
    let (gateway, mut seen) = upstream("", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let mut client = Peer::to(&gateway).await;
    client.send(WAITING).await;
    client.send("hello").await;
    // Nor does the gateway wait for ever: it may say 100 itself when the upstream does not.
    assert_eq!(client.final_answer().await.status(), 200);
    assert_eq!(seen.recv().await.unwrap().text(), "hello");
    client.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!(client.answer().await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_gateway_comes_before_the_body() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "body_limit_bytes = 10");
    let mut client = Peer::to(&gateway).await;
    client.send("POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.code().as_str()), (413, "payload_too_large"));
    assert!(client.rest().await.is_empty() && upstream.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_is_never_told_to_go_on() {
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let (gateway, mut seen) = upstream(go_on, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let mut client = Peer::to(&gateway).await;
    client.send(WAITING.replace("HTTP/1.1", "HTTP/1.0")).await;
    client.send("hello").await;
    assert_eq!(client.answer().await.status(), 200);
    let seen = seen.recv().await.unwrap();
    assert_eq!((seen.field("expect"), seen.text()), (None, "hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expectation_without_a_body_holds_nothing_up() {
    let (gateway, mut seen) = upstream("", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    for fields in ["expect: 100-continue", "expect: 100-continue\r\ncontent-length: 0"] {
        let answer =
            super::wire::ask(&gateway, format!("GET / HTTP/1.1\r\nhost: h\r\n{fields}\r\n\r\n")).await;
        assert_eq!(answer.status(), 200);
        assert!(seen.recv().await.unwrap().complete);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unasked_100_is_no_answer() {
    let (gateway, _seen) =
        upstream("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let mut client = Peer::to(&gateway).await;
    client.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello").await;
    let answer = client.final_answer().await;
    assert_eq!((answer.status(), answer.text()), (200, "ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expectation_that_nobody_knows_is_refused() {
    let gateway = Refusing::start().await;
    for expectation in ["nonsense", "100-continue, nonsense", "100-continue=1", "\"100-continue\""] {
        let request =
            format!("POST / HTTP/1.1\r\nhost: h\r\nexpect: {expectation}\r\ncontent-length: 0\r\n\r\n");
        gateway.refuses(request, 417, "expectation_failed").await;
    }
    gateway.nothing_passed().await;
}
