//! RFC 9112 §7.1: chunk sizes, extensions, and what is between the chunks.

use super::wire::{Recorder, Refusing, ask};
use crate::harness::gateway_to;

const HEAD: &str = "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_chunk_size_is_refused() {
    let gateway = Refusing::start().await;
    for chunk in [
        "\r\nhello\r\n",
        "x\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        "-5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "\t5\r\nhello\r\n",
        "5\t\r\nhello\r\n",
        "5h\r\nhello\r\n",
        "5.\r\nhello\r\n",
        "5,5\r\nhello\r\n",
        "5_0\r\nhello\r\n",
        "\u{665}\r\nhello\r\n",
        "5\0\r\nhello\r\n",
    ] {
        gateway.refuses(format!("{HEAD}{chunk}0\r\n\r\n"), 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_size_that_fits_nowhere_is_refused() {
    let gateway = Refusing::start().await;
    for size in
        ["10000000000000005", "100000000000000000000000000000005", "ffffffffffffffff", "8000000000000000"]
    {
        gateway.refuses(format!("{HEAD}{size}\r\nhello\r\n0\r\n\r\n"), 400, "ambiguous_message").await;
    }
    let zeros = "0".repeat(300);
    gateway.refuses(format!("{HEAD}{zeros}5\r\nhello\r\n0\r\n\r\n"), 400, "ambiguous_message").await;
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lines_of_chunks_end_with_crlf() {
    let gateway = Refusing::start().await;
    for chunks in [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\r\n0\n\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello\r\n0\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        // Two readers of a line end within an extension see different chunks.
        "5;a\nGET\r\nhello\r\n0\r\n\r\n",
        "5;\n\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
    ] {
        gateway.refuses(format!("{HEAD}{chunks}"), 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_chunk_extension_is_refused() {
    let gateway = Refusing::start().await;
    for extension in [
        ";",
        ";;",
        ";=",
        ";a=",
        ";a b",
        ";a=b c",
        ";a=\"b",
        ";a=\"b\"c",
        ";a=\0",
        ";(a)",
        ";a=(b)",
        ";\u{e9}",
        ";a=\"\x01\"",
        ";a=\"\\",
        " ;a",
        "; a",
        ";a =b",
        ";a= b",
        ";a ",
    ] {
        gateway.refuses(format!("{HEAD}5{extension}\r\nhello\r\n0\r\n\r\n"), 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_chunk_extension_is_refused() {
    let gateway = Refusing::start().await;
    let long = "a".repeat(5_000);
    gateway.refuses(format!("{HEAD}5;{long}\r\nhello\r\n0\r\n\r\n"), 400, "ambiguous_message").await;
    gateway.refuses(format!("{HEAD}5;{long}{long}"), 400, "ambiguous_message").await;
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn well_formed_extensions_are_ignored_and_end_here() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    for extension in ["", ";a", ";a=b", ";a;b=c", ";a=\"b;c \\\" d\"", ";a=\"\""] {
        let request =
            format!("{HEAD}05{extension}\r\nhello\r\n0006{extension}\r\n world\r\n000{extension}\r\n\r\n");
        assert_eq!(ask(&gateway, request).await.status(), 200, "{extension}");
    }
    let seen = upstream.seen();
    assert_eq!(seen.len(), 6);
    for request in seen {
        assert!(request.complete && request.text() == "hello world", "{request:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_may_come_byte_by_byte() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let mut client = super::wire::Peer::to(&gateway).await;
    let request = "\r\nPOST /x HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n, \r\nworld!\r\n0\r\n\r\n";
    for byte in request.as_bytes() {
        client.send([*byte]).await;
    }
    assert_eq!(client.answer().await.status(), 200);
    let seen = upstream.only();
    assert_eq!((seen.line(), seen.text()), ("POST /x HTTP/1.1", "hello, \r\nworld!"));
}
