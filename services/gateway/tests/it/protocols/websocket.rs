//! WebSocket (RFC 6455) through the gateway, between a real client and a real server.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use test_harness::TestIssuer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use super::secure::{Files, connect};
use crate::adjustable::{Adjustable, identity};
use crate::harness::{PATIENCE, catch_all, raw_upstream, read_head};

/// A server that sends every text and binary message back, and a channel that gets what ended each connection: its close frame,
/// or `None`. A text `close` makes it close with 4002.
async fn echo() -> (SocketAddr, UnboundedReceiver<Option<CloseFrame>>) {
    let (ended, ends) = unbounded_channel();
    let addr = raw_upstream(move |stream, _| {
        let ended = ended.clone();
        async move {
            let Ok(mut socket) = accept_async(stream).await else { return };
            let mut last = None;
            while let Some(Ok(message)) = socket.next().await {
                match message {
                    Message::Close(frame) => last = frame,
                    Message::Text(text) if text.as_str() == "close" => {
                        let frame = CloseFrame { code: CloseCode::from(4002), reason: "enough".into() };
                        socket.close(Some(frame)).await.unwrap();
                    }
                    Message::Text(_) | Message::Binary(_) => socket.send(message).await.unwrap(),
                    _ => {}
                }
            }
            let _ = ended.send(last);
        }
    })
    .await;
    (addr, ends)
}

/// What a client asks with.
fn asking(addr: SocketAddr) -> Request {
    format!("ws://{addr}/chat").into_client_request().unwrap()
}

async fn open(gateway: &Adjustable) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(gateway.addr).await.unwrap();
    client_async(asking(gateway.addr), stream).await.unwrap().0
}

/// The status a client gets in place of a WebSocket; 0 when it is no such answer.
async fn declined(gateway: &Adjustable, request: Request) -> u16 {
    let stream = TcpStream::connect(gateway.addr).await.unwrap();
    let Err(Error::Http(answer)) = client_async(request, stream).await else { return 0 };
    answer.status().as_u16()
}

async fn next<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>) -> Message {
    timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap()
}

/// Waits until nothing more comes, whether or not it was said.
async fn is_cut(socket: &mut WebSocketStream<TcpStream>) {
    let ended = timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} });
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_every_kind_pass() {
    let (addr, _) = echo().await;
    let gateway = Adjustable::start(&catch_all(addr, ""));
    let mut socket = open(&gateway).await;
    let large: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    for message in
        [Message::text("hello"), Message::text("grüße"), Message::binary(large), Message::binary(vec![])]
    {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(next(&mut socket).await, message);
    }
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(
        next(&mut socket).await,
        Message::Pong("are you there".into()),
        "the server's, not the gateway's"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn close_codes_pass_both_ways() {
    let (addr, mut ends) = echo().await;
    let gateway = Adjustable::start(&catch_all(addr, ""));
    let mut leaving = open(&gateway).await;
    let frame = CloseFrame { code: CloseCode::from(4001), reason: "bye".into() };
    leaving.close(Some(frame.clone())).await.unwrap();
    assert_eq!(timeout(PATIENCE, ends.recv()).await.unwrap().unwrap(), Some(frame));
    is_cut(&mut leaving).await;
    drop(leaving);

    let mut left = open(&gateway).await;
    left.send(Message::text("close")).await.unwrap();
    let Message::Close(Some(frame)) = next(&mut left).await else { panic!("no close frame") };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4002, "enough"));
    is_cut(&mut left).await;
    drop(left);
    gateway.until_all_have_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_ends_the_upstreams_side() {
    let (addr, mut ends) = echo().await;
    let gateway = Adjustable::start(&catch_all(addr, ""));
    drop(open(&gateway).await);
    assert_eq!(timeout(PATIENCE, ends.recv()).await.unwrap().unwrap(), None);
    gateway.until_all_have_left().await;
    assert_eq!(gateway.metric("gateway_upstream_connections{upstream=\"u\",state=\"active\"}").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_opens_over_tls() {
    let (addr, _) = echo().await;
    let files = Files::new();
    let gateway = Adjustable::with(&catch_all(addr, ""), |edge| edge.tls = Some(files.config()));
    let stream = connect(gateway.addr, &files.certificate, &["http/1.1"]).await.unwrap();
    let (mut socket, _) = client_async("wss://localhost/chat", stream).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protocol_that_the_route_does_not_allow_is_not_offered() {
    for upgrades in ["[]", "[\"mqtt\"]"] {
        let (told, mut heads) = unbounded_channel();
        let addr = raw_upstream(move |mut stream, _| {
            let told = told.clone();
            async move {
                told.send(read_head(&mut stream).await).unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        })
        .await;
        let gateway = Adjustable::start(&catch_all(addr, &format!("upgrades = {upgrades}")));
        assert_eq!(
            declined(&gateway, asking(gateway.addr)).await,
            200,
            "an ordinary request, and its answer"
        );
        let head = timeout(PATIENCE, heads.recv()).await.unwrap().unwrap();
        assert!(head.starts_with("GET /chat HTTP/1.1\r\n"), "{head}");
        assert!(!head.contains("\r\nupgrade:") && !head.contains("\r\nconnection:"), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_needs_the_token_that_its_route_does() {
    let issuer = TestIssuer::start();
    let (addr, _) = echo().await;
    let text = identity(&issuer) + &catch_all(addr, "").replace("auth = \"none\"", "auth = \"required\"");
    let gateway = Adjustable::start(&text);
    assert_eq!(declined(&gateway, asking(gateway.addr)).await, 401);
    let with = |token: &str| {
        let mut request = asking(gateway.addr);
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    };
    assert_eq!(declined(&gateway, with("wrong")).await, 401);
    let stream = TcpStream::connect(gateway.addr).await.unwrap();
    let (mut socket, _) = client_async(with(&issuer.token("mara", &[])), stream).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("hello"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_in_which_nothing_passes_is_closed() {
    let (addr, mut ends) = echo().await;
    let gateway = Adjustable::start(&catch_all(addr, "stream_idle_ms = 300"));
    let mut socket = open(&gateway).await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("hello"));
    is_cut(&mut socket).await;
    assert_eq!(timeout(PATIENCE, ends.recv()).await.unwrap().unwrap(), None);
    gateway.until_all_have_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_is_no_request_under_way() {
    let (addr, _) = echo().await;
    let limits = "[limits]\nmax_concurrent_requests = 1\n";
    let gateway = Adjustable::start(&format!("{limits}{}", catch_all(addr, "")));
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(open(&gateway).await);
    }
    for socket in &mut sockets {
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(next(socket).await, Message::text("hello"));
    }
    assert_eq!(gateway.get("/problems").send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_tunnels_when_its_time_is_up() {
    let (addr, mut ends) = echo().await;
    let gateway = Adjustable::with(&catch_all(addr, ""), |edge| edge.drain_secs = 1);
    let mut socket = open(&gateway).await;
    gateway.app.handle().drain();
    // It may still say what it has to say.
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("hello"));
    is_cut(&mut socket).await;
    assert_eq!(timeout(PATIENCE, ends.recv()).await.unwrap().unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_outlives_a_reload() {
    let (addr, _) = echo().await;
    let gateway = Adjustable::start(&catch_all(addr, ""));
    let mut socket = open(&gateway).await;
    let elsewhere = raw_upstream(async |mut stream, _| {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
    })
    .await;
    gateway.reload(&catch_all(elsewhere, ""));
    assert_eq!(declined(&gateway, asking(gateway.addr)).await, 403, "the other upstream");
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::text("hello"));
}
