//! What tus 1.0 and resumable uploads ask of whoever stands between them and a service.

use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::harness::{PATIENCE, gateway_to, raw_upstream};
use crate::http::wire::{Message, Peer, Recorder, ask};

/// An upstream that hands over each piece of a body as it comes, and answers with `first` at the head of a request and `last` once
/// `length` bytes have come. An empty piece: the body is broken off.
async fn receiver(
    first: &'static str,
    length: usize,
    last: &'static str,
) -> (std::net::SocketAddr, mpsc::UnboundedReceiver<Vec<u8>>) {
    let (sender, received) = mpsc::unbounded_channel();
    let addr = raw_upstream(move |stream, _| {
        let sender = sender.clone();
        async move {
            let mut peer = Peer::new(stream);
            if peer.head().await.is_none() {
                return;
            }
            peer.send(first).await;
            let mut come = 0;
            while come < length {
                let piece = peer.some().await;
                come += piece.len();
                let ended = piece.is_empty();
                let _ = sender.send(piece);
                if ended {
                    return;
                }
            }
            peer.send(last).await;
            // With bytes unread a close would be a reset, and take the answer with it.
            peer.rest().await;
        }
    })
    .await;
    (addr, received)
}

async fn next(received: &mut mpsc::UnboundedReceiver<Vec<u8>>) -> Vec<u8> {
    timeout(PATIENCE, received.recv()).await.unwrap().unwrap()
}

/// All that comes, until it ends like this.
async fn until(received: &mut mpsc::UnboundedReceiver<Vec<u8>>, end: &str) -> String {
    let mut come = Vec::new();
    while !come.ends_with(end.as_bytes()) {
        let piece = next(received).await;
        assert!(!piece.is_empty(), "broken off after {:?}", String::from_utf8_lossy(&come));
        come.extend(piece);
    }
    String::from_utf8(come).unwrap()
}

/// Resumable uploads: the address of an upload, and how far it is safe, are told while it still comes in.
#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_while_the_body_is_on_its_way() {
    let first = "HTTP/1.1 104 Upload Resumption Supported\r\nlocation: /v1/uploads/7\r\n\
                 upload-draft-interop-version: 8\r\n\r\nHTTP/1.1 104\x20\r\nupload-offset: 5\r\n\r\n";
    let last = "HTTP/1.1 201 Created\r\nupload-complete: ?1\r\ncontent-length: 0\r\n\r\n";
    let (addr, mut received) = receiver(first, 10, last).await;
    let gateway = gateway_to(addr, "body_limit_bytes = 0");
    let mut client = Peer::to(&gateway).await;
    client.send("POST /v1/uploads HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhello").await;
    let told = client.answer().await;
    assert_eq!((told.status(), told.field("location")), (104, Some("/v1/uploads/7")));
    assert_eq!(told.field("upload-draft-interop-version"), Some("8"));
    let told = client.answer().await;
    assert_eq!((told.status(), told.field("upload-offset")), (104, Some("5")));
    assert_eq!(until(&mut received, "hello").await, "hello", "what has come is with the service");
    client.send("world").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.field("upload-complete")), (201, Some("?1")));
}

/// The bytes before a client's connection broke are what it need not send again.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_a_client_left_is_with_the_service() {
    for (framing, piece) in
        [("content-length: 10", "hello"), ("transfer-encoding: chunked", "5\r\nhello\r\n")]
    {
        let (addr, mut received) = receiver("", 100, "").await;
        let gateway = gateway_to(addr, "");
        let mut client = Peer::to(&gateway).await;
        client.send(format!("PATCH /v1/uploads/7 HTTP/1.1\r\nhost: h\r\n{framing}\r\n\r\n{piece}")).await;
        assert_eq!(until(&mut received, piece).await, piece);
        drop(client);
        // Nothing that looks like an end: the service must not take the part for the whole.
        assert!(next(&mut received).await.is_empty(), "{framing}");
    }
}

/// A PATCH may have had its effect before the connection broke: only HEAD can tell.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_without_an_answer_is_not_sent_again() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let addr = raw_upstream(move |stream, _| {
        let sender = sender.clone();
        async move {
            let _ = sender.send(Peer::new(stream).message().await.unwrap());
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    for body in
        ["content-length: 5\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
    {
        let answer = ask(&gateway, format!("PATCH /v1/uploads/7 HTTP/1.1\r\nhost: h\r\n{body}")).await;
        assert_eq!((answer.status(), answer.code().as_str()), (502, "bad_gateway"));
        assert_eq!(timeout(PATIENCE, received.recv()).await.unwrap().unwrap().text(), "hello");
        assert!(received.try_recv().is_err(), "sent twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_uploads_pass_both_ways() {
    const ASKED: &str = "tus-resumable: 1.0.0\r\nupload-length: 100\r\nupload-offset: 0\r\nupload-metadata: name Zm9v,empty\r\n\
                         upload-defer-length: 1\r\nupload-concat: final;/v1/uploads/1 /v1/uploads/2\r\n\
                         upload-checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\r\nupload-complete: ?0\r\n\
                         upload-draft-interop-version: 8\r\nx-http-method-override: PATCH\r\n\
                         repr-digest: sha-256=:4REjxQ4yrqUVicfSKYNO/cF9zNj5ANbzgDZt3/h3Qxo=:\r\n";
    const SAID: &str = "tus-resumable: 1.0.0\r\ntus-version: 1.0.0\r\ntus-extension: creation,checksum\r\n\
                        tus-max-size: 1073741824\r\ntus-checksum-algorithm: sha1,sha256\r\nupload-offset: 70\r\n\
                        upload-length: 100\r\nupload-expires: Wed, 25 Jun 2026 16:00:00 GMT\r\n\
                        upload-limit: max-size=1073741824, max-age=86400\r\nlocation: /v1/uploads/7\r\n\
                        accept-patch: application/partial-upload\r\ncache-control: no-store\r\n";
    let answer = format!("HTTP/1.1 204 No Content\r\n{SAID}\r\n").leak();
    let upstream = Recorder::answering(answer).await;
    let gateway = gateway_to(upstream.addr, "");
    let pass = |fields: &str, message: &Message| {
        for (name, value) in fields.lines().map(|line| line.split_once(": ").unwrap()) {
            assert_eq!(message.field(name), Some(value), "{name} in\n{}", message.head);
        }
    };
    for method in ["OPTIONS", "POST", "PATCH", "DELETE", "HEAD"] {
        let body = if matches!(method, "POST" | "PATCH") { "content-length: 0\r\n" } else { "" };
        let answer =
            ask(&gateway, format!("{method} /v1/uploads HTTP/1.1\r\nhost: h\r\n{ASKED}{body}\r\n")).await;
        assert_eq!(answer.status(), 204, "{method}");
        pass(SAID, &answer);
        let seen = upstream.seen().pop().unwrap();
        assert_eq!(seen.line(), format!("{method} /v1/uploads HTTP/1.1"));
        pass(ASKED, &seen);
    }
}

/// Wrong bytes are refused when the first of them have been looked at, not when all have come.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_client_that_still_sends() {
    let refusal = "HTTP/1.1 415 Unsupported Media Type\r\ncontent-length: 2\r\n\r\nno";
    let (addr, mut received) = receiver("", 1, refusal).await;
    let gateway = gateway_to(addr, "body_limit_bytes = 0");
    let mut client = Peer::to(&gateway).await;
    client.send("POST /v1/videos/upload HTTP/1.1\r\nhost: h\r\ncontent-length: 100000000\r\n\r\n").await;
    client.send(vec![b'x'; 65_536]).await;
    assert!(!next(&mut received).await.is_empty());
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.text(), answer.field("connection")), (415, "no", Some("close")));
}
