//! RFC 9110 §7.8, RFC 6455: a connection that changes its protocol.

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{accept_async, client_async};

use super::wire::{Peer, Recorder, ask};
use crate::harness::{gateway_to, raw_upstream};

const ASKING: &str = "GET /chat HTTP/1.1\r\nhost: h\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                      sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn websockets_pass_both_ways_until_one_side_closes() {
    let addr = raw_upstream(async |stream, _| {
        let mut socket = accept_async(stream).await.unwrap();
        while let Some(Ok(frame)) = socket.next().await {
            if frame.is_text() || frame.is_binary() {
                socket.send(frame).await.unwrap();
            }
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    let stream = TcpStream::connect(gateway.addr).await.unwrap();
    let (mut socket, answer) = client_async(format!("ws://{}/chat", gateway.addr), stream).await.unwrap();
    assert_eq!(answer.status(), 101);
    for frame in [Frame::text("hello"), Frame::binary(vec![7; 300_000]), Frame::text("")] {
        socket.send(frame.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), frame);
    }
    socket.close(None).await.unwrap();
    assert!(socket.next().await.unwrap().unwrap().is_close());
    assert!(socket.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_right_after_101_belong_to_the_new_protocol() {
    let addr = raw_upstream(async |stream, _| {
        let mut peer = Peer::new(stream);
        let request = peer.head().await.unwrap();
        assert_eq!(request.field("upgrade"), Some("websocket"));
        assert!(
            request.fields("connection").join(",").to_ascii_lowercase().contains("upgrade"),
            "{}",
            request.head
        );
        peer.send(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-kept: 1\r\n\
                   sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nGET / no HTTP\n",
        )
        .await;
        let heard = peer.rest().await;
        peer.send(heard).await;
    })
    .await;
    let gateway = gateway_to(addr, "");
    let mut client = Peer::to(&gateway).await;
    client.send(ASKING).await;
    let answer = client.head().await.unwrap();
    assert_eq!(answer.line(), "HTTP/1.1 101 Switching Protocols");
    assert_eq!((answer.field("upgrade"), answer.field("x-kept")), (Some("websocket"), Some("1")));
    assert!(answer.field("connection").is_some_and(|options| options.eq_ignore_ascii_case("upgrade")));
    // What a parser of HTTP would refuse is no concern of the gateway any more.
    client.send("x : \r\0\n bytes").await;
    client.end().await;
    assert_eq!(client.rest().await, b"GET / no HTTP\nx : \r\0\n bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_may_decline_and_http_goes_on() {
    let upstream = Recorder::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let gateway = gateway_to(upstream.addr, "");
    let mut client = Peer::to(&gateway).await;
    for _ in 0..2 {
        client.send(ASKING).await;
        let answer = client.answer().await;
        assert_eq!((answer.status(), answer.text()), (200, "ok"));
    }
    assert_eq!(upstream.seen()[0].field("upgrade"), Some("websocket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_is_not_offered_is_an_ordinary_request() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    for request in [
        // No protocol that the route passes on.
        ASKING.replace("websocket\r\nsec", "h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\nsec"),
        ASKING.replace("upgrade: websocket", "upgrade: TLS/1.3"),
        // Only half asked for.
        ASKING.replace("connection: Upgrade\r\n", ""),
        ASKING.replace("upgrade: websocket\r\n", ""),
        // The request would have to end first, and whoever waits for 100 must get it before 101.
        ASKING.replace(
            "upgrade: websocket\r\n",
            "upgrade: websocket\r\nexpect: 100-continue\r\ncontent-length: 2\r\n",
        ) + "ab",
        // HTTP/1.0 has no upgrades.
        ASKING.replace("HTTP/1.1", "HTTP/1.0"),
    ] {
        assert_eq!(ask(&gateway, &request).await.status(), 200, "{request}");
    }
    let seen = upstream.seen();
    assert_eq!(seen.len(), 6);
    for request in seen {
        assert!(request.fields("upgrade").is_empty(), "{}", request.head);
        let options = request.fields("connection").join(",").to_ascii_lowercase();
        assert!(
            !options.contains("upgrade") && request.fields("http2-settings").is_empty(),
            "{}",
            request.head
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_cannot_switch_to_a_protocol_nobody_asked_for() {
    for answer in [
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: irc\r\n\r\nNICK x\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\r\nNICK x\r\n",
    ] {
        let upstream = Recorder::answering(answer).await;
        let gateway = gateway_to(upstream.addr, "");
        let answer = ask(&gateway, ASKING).await;
        assert_eq!((answer.status(), answer.code().as_str()), (502, "bad_gateway"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_tunnelled_before_101() {
    // What a client sends after its request is a request, until the upstream has agreed.
    let upstream = Recorder::answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await;
    let gateway = gateway_to(upstream.addr, "");
    let mut client = Peer::to(&gateway).await;
    client.send(format!("{ASKING}GET /internal HTTP/1.1\r\nhost: h\r\nbad name: 1\r\n\r\n")).await;
    assert_eq!(client.answer().await.status(), 403);
    let answer = client.message().await;
    assert!(answer.is_none_or(|answer| answer.status() == 400));
    assert!(
        upstream.seen().iter().all(|request| request.line() == "GET /chat HTTP/1.1"),
        "{:?}",
        upstream.seen()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_asks_for_an_upgrade_says_to_what() {
    let upstream = Recorder::answering(
        "HTTP/1.1 426 Upgrade Required\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nno",
    )
    .await;
    let gateway = gateway_to(upstream.addr, "");
    let answer = ask(&gateway, "GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert_eq!((answer.status(), answer.field("upgrade")), (426, Some("websocket")));
    assert!(answer.field("connection").is_some_and(|options| options.eq_ignore_ascii_case("upgrade")));
}
