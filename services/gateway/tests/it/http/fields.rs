//! RFC 9112 §5 and RFC 9110 §5: field lines and values.

use super::wire::{Recorder, Refusing, ask};
use crate::harness::gateway_to;

#[tokio::test(flavor = "multi_thread")]
async fn whitespace_before_the_colon_is_refused() {
    let gateway = Refusing::start().await;
    for line in ["x : 1", "x\t: 1", "content-length : 5", "transfer-encoding\t: chunked", "host : other"] {
        gateway
            .refuses(format!("POST / HTTP/1.1\r\nhost: h\r\n{line}\r\n\r\n"), 400, "ambiguous_message")
            .await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folded_line_is_refused() {
    let gateway = Refusing::start().await;
    for lines in [
        "x: a\r\n b",
        "x: a\r\n\tb",
        "x: a\r\n \r\ny: b",
        "x:\r\n a",
        "transfer-encoding:\r\n chunked",
        "content-length: 1\r\n 0",
    ] {
        gateway
            .refuses(format!("POST / HTTP/1.1\r\nhost: h\r\n{lines}\r\n\r\n"), 400, "ambiguous_message")
            .await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_name_is_a_token() {
    let gateway = Refusing::start().await;
    for line in [
        "x y: 1",
        ": 1",
        "x(y): 1",
        "x/y: 1",
        "x\"y\": 1",
        "x@y: 1",
        "x\u{e9}: 1",
        "x\0: 1",
        "x\x7f: 1",
        "nocolon",
        "[x]: 1",
        "content-length\x0b: 1",
        "\x0btransfer-encoding: chunked",
    ] {
        gateway
            .refuses(format!("GET / HTTP/1.1\r\nhost: h\r\n{line}\r\n\r\n"), 400, "ambiguous_message")
            .await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_in_a_value_are_refused() {
    let gateway = Refusing::start().await;
    for control in (0u8..32).chain([127]) {
        // HTAB is white space; CR and LF end the line or are refused as bare ones elsewhere.
        if matches!(control, b'\t' | b'\r' | b'\n') {
            continue;
        }
        let request = [b"GET / HTTP/1.1\r\nhost: h\r\nx: a".as_slice(), &[control], b"b\r\n\r\n"].concat();
        gateway.refuses(request, 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn white_space_around_a_value_is_no_part_of_it() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let request = "POST / HTTP/1.1\r\nhost:h\r\nx: \t a b \t \r\ncontent-length:\t2 \r\nempty:\r\n\r\nab";
    assert_eq!(ask(&gateway, request).await.status(), 200);
    let seen = upstream.only();
    assert!(seen.head.contains("\r\nx: a b\r\n"), "{}", seen.head);
    assert_eq!((seen.field("empty"), seen.text()), (Some(""), "ab"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_pass_both_ways_in_their_order() {
    let upstream = Recorder::answering(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-new: 3\r\nx-new: 1\r\nset-cookie: a=1\r\nx-new: 2\r\n\
         set-cookie: b=2\r\nallow: BREW\r\n\r\nok",
    )
    .await;
    let gateway = gateway_to(upstream.addr, "");
    let request = "GET / HTTP/1.1\r\nhost: h\r\nX-Unheard-Of: b\r\nx-unheard-of: a\r\nx-other: 1\r\nX-UNHEARD-OF: c\r\n\r\n";
    let answer = ask(&gateway, request).await;
    assert_eq!(upstream.only().fields("x-unheard-of"), ["b", "a", "c"]);
    assert_eq!(answer.fields("x-new"), ["3", "1", "2"]);
    assert_eq!(answer.fields("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(answer.field("allow"), Some("BREW"));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_pass_as_they_are() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let request = "GET / HTTP/1.1\r\nhost: h\r\nx-list: a,, b , ,c\r\nx-quoted: \"a\\\"b\\\\\", (a \\(b\\))\r\n\
                   if-modified-since: Sunday, 06-Nov-94 08:49:37 GMT\r\nuser-agent: a/1 (b)\r\n\r\n";
    ask(&gateway, request).await;
    let seen = upstream.only();
    assert_eq!(seen.field("x-list"), Some("a,, b , ,c"));
    assert_eq!(seen.field("x-quoted"), Some("\"a\\\"b\\\\\", (a \\(b\\))"));
    assert_eq!(seen.field("if-modified-since"), Some("Sunday, 06-Nov-94 08:49:37 GMT"));
    assert_eq!(seen.field("user-agent"), Some("a/1 (b)"));
}
