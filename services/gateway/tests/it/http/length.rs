//! RFC 9112 §6: where a request ends.

use super::wire::{Peer, Recorder, Refusing, ask};
use crate::harness::gateway_to;

#[tokio::test(flavor = "multi_thread")]
async fn both_lengths_are_refused() {
    let gateway = Refusing::start().await;
    for fields in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "Transfer-Encoding: Chunked\r\nX: 1\r\nCONTENT-LENGTH: 0",
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: h\r\n{fields}\r\n\r\n0\r\n\r\n");
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_content_length_is_refused_even_when_equal() {
    let gateway = Refusing::start().await;
    for fields in [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5\r\ncontent-length: 5",
        "content-length: 5, 5",
        "content-length: 5,6",
        "content-length: 5\r\nContent-Length: 5, 5",
    ] {
        gateway
            .refuses(format!("POST / HTTP/1.1\r\nhost: h\r\n{fields}\r\n\r\nhello"), 400, "ambiguous_message")
            .await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_length_is_one_number_that_fits() {
    let gateway = Refusing::start().await;
    for length in [
        "",
        "+5",
        "-5",
        "0x5",
        "5.0",
        "5 5",
        "5;",
        "\"5\"",
        "five",
        "5\u{663}",
        "1e3",
        "0005",
        "00",
        "5_0",
        "99999999999999999999",
        "18446744073709551615",
        "18446744073709551621",
        "9223372036854775808",
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\nhello");
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunked_must_be_the_final_coding() {
    let gateway = Refusing::start().await;
    for coding in [
        "",
        "identity",
        "gzip",
        "chunked, gzip",
        "chunked, identity",
        "chunked, chunked",
        "chunked,chunked",
        "chunked;q=1",
        "chunked;a=b",
        "\"chunked\"",
        "xchunked",
        "chunkedx",
        "chunk",
        "chunked\u{e9}",
        ", chunked,",
        "cow",
        "chunked\r\ntransfer-encoding: chunked",
        "chunked\r\ntransfer-encoding: identity",
        "identity\r\ntransfer-encoding: chunked",
    ] {
        let request = format!("POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: {coding}\r\n\r\n0\r\n\r\n");
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coding_before_chunked_is_not_implemented() {
    let gateway = Refusing::start().await;
    for coding in ["gzip, chunked", "gzip,chunked", "deflate, gzip, Chunked", "cow, chunked"] {
        let request = format!("POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: {coding}\r\n\r\n0\r\n\r\n");
        gateway.refuses(request, 501, "not_implemented").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coding_in_http_1_0_is_refused() {
    let gateway = Refusing::start().await;
    for fields in ["transfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 5"] {
        let request = format!("POST / HTTP/1.0\r\nhost: h\r\n{fields}\r\n\r\n0\r\n\r\n");
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_ends_where_its_length_says() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let mut client = Peer::to(&gateway).await;
    // Whatever the method: framing does not depend on it.
    client.send("GET /a HTTP/1.1\r\nhost: h\r\ncontent-length: 33\r\n\r\n").await;
    client.send("GET /smuggled HTTP/1.1\r\nhost: h\r\n").await;
    client.send("POST /b HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello").await;
    client.send("POST /c HTTP/1.1\r\nhost: h\r\n\r\n").await;
    client
        .send("POST /d HTTP/1.1\r\nhost: h\r\ntransfer-encoding: ChunKed\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        .await;
    for _ in 0..4 {
        assert_eq!(client.answer().await.status(), 200);
    }
    let seen = upstream.seen();
    let seen: Vec<_> = seen.iter().map(|request| (request.line(), request.text())).collect();
    let expected = [
        ("GET /a HTTP/1.1", "GET /smuggled HTTP/1.1\r\nhost: h\r\n"),
        ("POST /b HTTP/1.1", "hello"),
        ("POST /c HTTP/1.1", ""),
        ("POST /d HTTP/1.1", "hello"),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_passes_as_a_length_and_chunks_as_chunks() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    ask(&gateway, "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello").await;
    ask(&gateway, "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        .await;
    ask(&gateway, "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n").await;
    let seen = upstream.seen();
    let framing: Vec<_> = seen
        .iter()
        .map(|request| (request.field("content-length"), request.field("transfer-encoding")))
        .collect();
    assert_eq!(framing, [(Some("5"), None), (None, Some("chunked")), (Some("0"), None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_cut_short_is_never_completed() {
    for request in [
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\na\r\nhalf",
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
    ] {
        let upstream = Recorder::start().await;
        let gateway = gateway_to(upstream.addr, "");
        let mut client = Peer::to(&gateway).await;
        client.send(request).await;
        client.end().await;
        let answer = client.rest().await;
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
        assert!(
            upstream.seen().iter().all(|request| !request.complete),
            "{request:?}: {:?}",
            upstream.seen()
        );
    }
}
