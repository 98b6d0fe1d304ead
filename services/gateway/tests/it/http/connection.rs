//! RFC 9112 §9: how long a connection lasts, and in which order things come over it.

use super::wire::{Message, Peer, Recorder, ask};
use crate::harness::{gateway, gateway_to, raw_upstream};

#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_are_answered_in_their_order() {
    // The later the request, the sooner its answer would be ready.
    let addr = raw_upstream(async |stream, _| {
        let mut peer = Peer::new(stream);
        while let Some(request) = peer.message().await {
            let path = request.line().split(' ').nth(1).unwrap().to_owned();
            peer.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len())).await;
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    let mut client = Peer::to(&gateway).await;
    let many: String = (0..50)
        .map(|n| match n % 3 {
            0 => format!("GET /{n} HTTP/1.1\r\nhost: h\r\n\r\n"),
            1 => format!("POST /{n} HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc"),
            _ => format!(
                "PUT /{n} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            ),
        })
        .collect();
    client.send(many).await;
    for n in 0..50 {
        assert_eq!(client.answer().await.text(), format!("/{n}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_after_close() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    for option in ["close", "Close", "x, CLOSE", "close, keep-alive"] {
        let mut client = Peer::to(&gateway).await;
        client.send(format!("GET /a HTTP/1.1\r\nhost: h\r\nconnection: {option}\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.field("connection")), (200, Some("close")), "{option}");
        assert!(client.rest().await.is_empty(), "{option}");
    }
    let seen = upstream.seen();
    assert!(seen.len() == 4 && seen.iter().all(|request| request.line() == "GET /a HTTP/1.1"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_gets_one_answer_in_its_own_framing_and_the_end() {
    let chunked = "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    for answer in [chunked, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] {
        let upstream = Recorder::answering(answer).await;
        let gateway = gateway_to(upstream.addr, "");
        // A chain of proxies that do not know the option would leave the connection open for ever.
        for option in ["", "connection: keep-alive\r\n"] {
            let mut client = Peer::to(&gateway).await;
            client.send(format!("GET /a HTTP/1.0\r\n{option}\r\nGET /smuggled HTTP/1.0\r\n\r\n")).await;
            let answer = client.head().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert!(answer.fields("transfer-encoding").is_empty(), "{}", answer.head);
            assert_ne!(answer.field("connection"), Some("keep-alive"));
            assert_eq!(client.rest().await, b"ok");
        }
        assert!(upstream.seen().iter().all(|request| request.line() == "GET /a HTTP/1.1"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_nobody_reads_ends_the_connection() {
    let upstream = Recorder::start().await;
    let gateway = gateway(&format!(
        "[upstream.u]\nurl = \"http://{}\"\n[[route]]\nname = \"a\"\npath = \"/a\"\nupstream = \"u\"\nauth = \"none\"\n",
        upstream.addr
    ));
    let mut client = Peer::to(&gateway).await;
    client.send("POST /none HTTP/1.1\r\nhost: h\r\ncontent-length: 1000000\r\n\r\nGET /a HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.code().as_str()), (404, "not_found"));
    assert!(client.rest().await.is_empty());
    assert!(upstream.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_last_on_both_sides() {
    let addr = raw_upstream(async |stream, number| {
        let mut peer = Peer::new(stream);
        while peer.message().await.is_some() {
            peer.send(format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}")).await;
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    let mut client = Peer::to(&gateway).await;
    for _ in 0..20 {
        client.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
        let answer = client.answer().await;
        assert_eq!((answer.text(), answer.field("connection")), ("0", None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_connection_that_will_close_is_not_used_again() {
    let addr = raw_upstream(async |stream, number| {
        let mut peer = Peer::new(stream);
        let mut requests = 0;
        while peer.message().await.is_some() {
            requests += 1;
            let version = if number % 2 == 0 { "1.1" } else { "1.0" };
            peer.send(format!(
                "HTTP/{version} 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\n{requests}"
            ))
            .await;
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    let mut client = Peer::to(&gateway).await;
    for _ in 0..6 {
        // Not idempotent, so nothing is repeated behind the scenes.
        client.send("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n").await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.text(), answer.field("connection")),
            ("1", None),
            "close was said to the gateway alone"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_end_of_a_request_does_not_mix_up_the_next() {
    // The upstream answers at the head; the body comes later, or never.
    let addr = raw_upstream(async |stream, _| {
        let mut peer = Peer::new(stream);
        while let Some(mut request) = peer.head().await {
            let path = request.line().split(' ').nth(1).unwrap().to_owned();
            peer.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len())).await;
            peer.body(&mut request, false).await;
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    for n in 0..5 {
        let mut client = Peer::to(&gateway).await;
        client
            .send(format!("POST /{n} HTTP/1.1\r\nhost: h\r\ncontent-length: 40\r\n\r\nGET /smuggled HT"))
            .await;
        assert_eq!(client.answer().await.text(), format!("/{n}"));
        drop(client);
        assert_eq!(ask(&gateway, "GET /clean HTTP/1.1\r\nhost: h\r\n\r\n").await.text(), "/clean");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clients_bytes_never_join_anothers() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    for n in 0..10 {
        let mut broken = Peer::to(&gateway).await;
        broken.send(format!("POST /broken{n} HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nGET /smuggled HTTP/1.1\r\nx: ")).await;
        broken.end().await;
        broken.rest().await;
        assert_eq!(ask(&gateway, format!("GET /{n} HTTP/1.1\r\nhost: h\r\n\r\n")).await.status(), 200);
    }
    let seen = upstream.seen();
    let whole: Vec<_> = seen.iter().filter(|request| request.complete).map(Message::line).collect();
    assert_eq!(whole, (0..10).map(|n| format!("GET /{n} HTTP/1.1")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_before_a_head_has_ended() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let mut slow = Peer::to(&gateway).await;
    slow.send("GET /slow HTTP/1.1\r\nhost: h\r\nx: 1\r\n").await;
    assert_eq!(ask(&gateway, "GET /whole HTTP/1.1\r\nhost: h\r\n\r\n").await.status(), 200);
    assert_eq!(upstream.only().line(), "GET /whole HTTP/1.1");
    // The last line turns it into something else.
    slow.send("host: other\r\n\r\n").await;
    assert_eq!(slow.answer().await.status(), 400);
    assert_eq!(upstream.only().line(), "GET /whole HTTP/1.1");
}
