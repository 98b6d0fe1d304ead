//! RFC 9112 §4, §6.3 and §8: what an upstream says, and what of it a client may be told.

use std::net::SocketAddr;

use super::wire::{Message, Peer, Recorder, ask};
use crate::harness::{gateway_to, raw_upstream};

const GET: &str = "GET / HTTP/1.1\r\nhost: h\r\n\r\n";

/// An upstream that says this to every request, and closes.
async fn saying(answer: impl Into<Vec<u8>>) -> SocketAddr {
    let answer: Vec<u8> = answer.into();
    raw_upstream(move |stream, _| {
        let answer = answer.clone();
        async move {
            let mut peer = Peer::new(stream);
            peer.head().await;
            peer.send(answer).await;
        }
    })
    .await
}

async fn told(answer: impl Into<Vec<u8>>) -> Message {
    let gateway = gateway_to(saying(answer).await, "");
    ask(&gateway, GET).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_framed_in_two_ways_is_a_bad_gateway() {
    for fields in [
        "content-length: 2\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 2",
        "content-length: 2\r\ncontent-length: 3",
        "content-length: 2, 3",
        "content-length: +2",
        "content-length: -2",
        "content-length: two",
        "content-length: 99999999999999999999",
        "content-length:",
    ] {
        let answer = told(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n2\r\nok\r\n0\r\n\r\n")).await;
        assert_eq!(answer.status(), 502, "{fields}\n{}", answer.head);
        assert_eq!(answer.code(), "bad_gateway", "{fields}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_a_coding_that_is_not_removed_is_a_bad_gateway() {
    for (version, coding) in [
        ("1.1", "gzip, chunked"),
        ("1.1", "gzip"),
        ("1.1", "chunked, gzip"),
        ("1.1", "chunked, chunked"),
        ("1.1", "chunked\r\ntransfer-encoding: chunked"),
        ("1.1", "cow"),
        ("1.1", "xchunked"),
        ("1.0", "chunked"),
    ] {
        let answer =
            format!("HTTP/{version} 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n");
        let answer = told(answer).await;
        assert_eq!(answer.status(), 502, "{coding}\n{}{}", answer.head, answer.text());
        assert_eq!(answer.code(), "bad_gateway", "{coding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_head_is_a_bad_gateway() {
    for head in [
        "",
        "hello",
        "HTTP/1.1",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 abc OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 099 OK",
        "HTTP/2.0 200 OK",
        "HTTP/0.9 200 OK",
        "HTTP/1.1\t200\tOK",
        "http/1.1 200 OK",
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 200 OK\r\n x: 1",
        "HTTP/1.1 200 OK\r\nx : 1",
        "HTTP/1.1 200 OK\r\ncontent-length : 2",
        "HTTP/1.1 200 OK\r\nx y: 1",
        "HTTP/1.1 200 OK\r\n: 1",
        "HTTP/1.1 200 OK\r\nx",
        "HTTP/1.1 200 OK\r\nx: a\0b",
        "HTTP/1.1 200 OK\r\nx: a\x08b",
        "HTTP/1.1 200 OK\r\nx: a\rb",
        "HTTP/1.1 200 OK\r\nx: a\r\n b",
        "HTTP/1.1 200 OK\r\nx: a\r\n\tb",
    ] {
        let answer = told(format!("{head}\r\ncontent-length: 2\r\n\r\nok")).await;
        assert_eq!(answer.status(), 502, "{head:?}\n{}", answer.head);
        assert_eq!(answer.code(), "bad_gateway", "{head:?}");
    }
    // Cut short, and without end.
    for head in ["HTTP/1.1 200 OK\r\nconte", "HTTP/1.1 200 OK\r\n"] {
        assert_eq!(told(head).await.status(), 502, "{head:?}");
    }
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "x: 1\r\n".repeat(200_000));
    assert_eq!(told(endless).await.status(), 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_answer_is_never_completed() {
    for (fields, body) in [
        ("content-length: 10", "half"),
        ("transfer-encoding: chunked", ""),
        ("transfer-encoding: chunked", "4\r\nhalf\r\n"),
        ("transfer-encoding: chunked", "a\r\nhalf"),
        ("transfer-encoding: chunked", "4\r\nhalf\r\n0\r\n"),
        ("transfer-encoding: chunked", "4\r\nhalf\r\n0\r\nx-sum: 1\r\n"),
        ("transfer-encoding: chunked", "4\r\nhalf\r\nx\r\nmore\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked", "4\r\nhalf\r\n+4\r\nmore\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked", "4\r\nhalf\r\n10000000000000004\r\nmore\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked", "4\r\nhalfXX4\r\nmore\r\n0\r\n\r\n"),
        ("transfer-encoding: chunked", "4\nhalf\n0\n\n"),
    ] {
        let gateway = gateway_to(saying(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n{body}")).await, "");
        let mut client = Peer::to(&gateway).await;
        client.send(GET).await;
        // Cut before anything of it was passed on is cut as well.
        let Some(answer) = client.message().await else { continue };
        match answer.status() {
            502 => assert_eq!(answer.code(), "bad_gateway"),
            status => assert_eq!((status, answer.complete), (200, false), "{fields} {body:?}: {answer:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_said_twice_alike_is_said_once() {
    for fields in ["content-length: 2\r\ncontent-length: 2", "content-length: 2, 2"] {
        let answer = told(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nok")).await;
        if answer.status() != 502 {
            assert_eq!((answer.field("content-length"), answer.text()), (Some("2"), "ok"), "{fields}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_after_an_answer_are_never_an_answer() {
    // Each answer carries a second one along. Were it believed, the next request would get it.
    let addr = raw_upstream(async |stream, _| {
        let mut peer = Peer::new(stream);
        while let Some(request) = peer.message().await {
            let path = request.line().split(' ').nth(1).unwrap().to_owned();
            let honest = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len());
            peer.send(format!("{honest}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")).await;
        }
    })
    .await;
    let gateway = gateway_to(addr, "");
    let mut client = Peer::to(&gateway).await;
    for n in 0..20 {
        client.send(format!("GET /{n} HTTP/1.1\r\nhost: h\r\n\r\n")).await;
        assert_eq!(client.answer().await.text(), format!("/{n}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_have_no_body_have_none() {
    for (status, fields) in [
        ("204 No Content", ""),
        ("204 No Content", "content-length: 6\r\n"),
        ("204 No Content", "transfer-encoding: chunked\r\n"),
        ("304 Not Modified", "etag: \"v\"\r\ncontent-length: 6\r\n"),
        ("304 Not Modified", "etag: \"v\"\r\n"),
    ] {
        let answer: &'static str = format!("HTTP/1.1 {status}\r\n{fields}\r\n").leak();
        let upstream = Recorder::answering(answer).await;
        let gateway = gateway_to(upstream.addr, "");
        let mut client = Peer::to(&gateway).await;
        for _ in 0..2 {
            client.send(GET).await;
            let answer = client.answer().await;
            assert_eq!(answer.line(), format!("HTTP/1.1 {status}"));
            assert!(answer.fields("transfer-encoding").is_empty(), "{}", answer.head);
            if status.starts_with("204") {
                assert!(answer.fields("content-length").is_empty(), "{}", answer.head);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_head_has_the_fields_and_no_body() {
    let upstream = Recorder::answering(
        "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 1000\r\netag: \"v\"\r\n\r\n",
    )
    .await;
    let gateway = gateway_to(upstream.addr, "");
    let mut client = Peer::to(&gateway).await;
    for _ in 0..3 {
        client.send("HEAD / HTTP/1.1\r\nhost: h\r\n\r\n").await;
        let answer = client.answer_to_head().await;
        assert_eq!(
            (answer.status(), answer.field("content-length"), answer.field("etag")),
            (200, Some("1000"), Some("\"v\""))
        );
    }
    // A problem of the gateway's own has no body either.
    client.send("HEAD /a/../b HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    assert_eq!(client.answer_to_head().await.status(), 400);
    assert!(client.rest().await.is_empty());
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_pass_as_they_are() {
    let upstream = Recorder::answering(
        "HTTP/1.1 206 Partial Content\r\ncontent-type: text/plain\r\ncontent-range: bytes 2-5/10\r\ncontent-length: 4\r\n\
         accept-ranges: bytes\r\netag: \"v\"\r\n\r\nCDEF",
    )
    .await;
    let gateway = gateway_to(upstream.addr, "");
    let request = "GET / HTTP/1.1\r\nhost: h\r\nrange: bytes=2-5\r\nif-range: \"v\"\r\naccept-encoding: gzip, br\r\n\r\n";
    let answer = ask(&gateway, request).await;
    assert_eq!((answer.status(), answer.text()), (206, "CDEF"));
    assert_eq!(answer.field("content-range"), Some("bytes 2-5/10"));
    assert_eq!(answer.field("content-length"), Some("4"));
    assert_eq!(answer.field("content-encoding"), None);
    assert_eq!(upstream.only().field("range"), Some("bytes=2-5"));
    assert_eq!(upstream.only().field("if-range"), Some("\"v\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_ends_with_the_connection_gets_an_end_of_its_own() {
    let addr = saying("HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\nuntil the end").await;
    let gateway = gateway_to(addr, "");
    let mut client = Peer::to(&gateway).await;
    for _ in 0..2 {
        client.send(GET).await;
        let answer = client.answer().await;
        assert_eq!((answer.field("transfer-encoding"), answer.text()), (Some("chunked"), "until the end"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarded_answer_has_a_date() {
    let answer = told("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let date = answer.field("date").unwrap();
    assert!(date.ends_with(" GMT") && date.len() == "Sun, 06 Nov 1994 08:49:37 GMT".len(), "{date}");
    let theirs = "Sun, 06 Nov 1994 08:49:37 GMT";
    let answer = told(format!("HTTP/1.1 200 OK\r\ndate: {theirs}\r\ncontent-length: 2\r\n\r\nok")).await;
    assert_eq!(answer.field("date"), Some(theirs));
    let refused = gateway_to(saying("").await, "");
    assert!(ask(&refused, "GET /a/../b HTTP/1.1\r\nhost: h\r\n\r\n").await.field("date").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_transformed_is_not() {
    let text = "a".repeat(4_000);
    let gateway = gateway_to(
        saying(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncache-control: max-age=1, No-Transform\r\ncontent-length: 4000\r\n\r\n{text}"
        ))
        .await,
        "",
    );
    let answer = ask(&gateway, "GET / HTTP/1.1\r\nhost: h\r\naccept-encoding: gzip, br, zstd\r\n\r\n").await;
    assert_eq!((answer.field("content-encoding"), answer.text()), (None, text.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_status_codes_pass() {
    for status in ["299", "418", "599", "999"] {
        let answer = told(format!("HTTP/1.1 {status} whatever\r\ncontent-length: 2\r\n\r\nok")).await;
        assert!(answer.head.starts_with(&format!("HTTP/1.1 {status} ")), "{}", answer.head);
        assert_eq!(answer.text(), "ok");
    }
    // Without a reason the space is still there.
    let answer = told("HTTP/1.1 299 \r\ncontent-length: 2\r\n\r\nok").await;
    assert!(answer.head.starts_with("HTTP/1.1 299 "), "{}", answer.head);
}
