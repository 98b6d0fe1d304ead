//! RFC 9112 §3.2 and RFC 9110 §7.2: `Host`, and what the target says beside it.

use super::wire::{Recorder, Refusing, ask};
use crate::harness::gateway_to;

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_repeated_host_is_refused() {
    let gateway = Refusing::start().await;
    for fields in [
        "",
        "x: 1\r\n",
        "host: h\r\nhost: h\r\n",
        "host: h\r\nx: 1\r\nHOST: other\r\n",
        "host: h\r\nhost:\r\n",
    ] {
        gateway.refuses(format!("GET / HTTP/1.1\r\n{fields}\r\n"), 400, "ambiguous_message").await;
    }
    gateway.refuses("GET / HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", 400, "ambiguous_message").await;
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_a_host_and_a_port_and_nothing_else() {
    let gateway = Refusing::start().await;
    for host in [
        "",
        "user@h",
        "user:secret@h",
        "@h",
        "h/path",
        "h/",
        "http://h",
        "h?q",
        "h#f",
        "a, b",
        "a b",
        "a\\b",
        ":80",
        "h:",
        "h:port",
        "h:80:80",
        "h:99999",
        "h:-1",
        "h:+80",
        "h:8 0",
        "[::1",
        "::1",
        "[]",
        "[::g]",
        "[::1]x",
        "[::1]:x",
        "h%",
        "h%zz",
        "h%00",
        "h%2f",
        "<h>",
        "h\"",
        "h^",
        "h|",
        "h{}",
        "\u{e9}",
    ] {
        gateway.refuses(format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n"), 400, "ambiguous_message").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn well_formed_hosts_pass() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "preserve_host = true");
    let hosts = [
        "h",
        "Shop.Example",
        "h:8080",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]",
        "[2001:db8::1]:443",
        "a_b.example",
        "a.",
    ];
    for host in hosts {
        assert_eq!(
            ask(&gateway, format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n")).await.status(),
            200,
            "{host}"
        );
    }
    let seen = upstream.seen();
    let passed: Vec<_> = seen.iter().map(|request| request.field("host").unwrap()).collect();
    assert_eq!(passed, hosts);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_1_0_needs_no_host() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    assert_eq!(ask(&gateway, "GET / HTTP/1.0\r\n\r\n").await.status(), 200);
    let seen = upstream.only();
    assert_eq!(seen.field("host"), Some(upstream.addr.to_string().as_str()), "HTTP/1.1 upstreams do");
    assert_eq!(seen.field("x-forwarded-host"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_target_that_disagrees_with_host_is_refused() {
    let gateway = Refusing::start().await;
    for target in [
        "http://other/",
        "http://h:81/",
        "http://u@h/",
        "http://u:p@h/",
        "http:///x",
        "http://",
        "http://h%00/",
        "ftp://h/",
        "file:///x",
        "h:80",
        "mailto:a@h",
        "HTTP:/h/",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n");
        gateway.refuses(request, 400, "ambiguous_message|ambiguous_target").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_target_is_taken_and_passed_on_in_origin_form() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    for target in ["http://h/x?q=1", "http://h", "http://H/", "HTTP://h/x", "http://h?q"] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n");
        assert_eq!(ask(&gateway, request).await.status(), 200, "{target}");
    }
    let seen = upstream.seen();
    let lines: Vec<_> = seen.iter().map(super::wire::Message::line).collect();
    let expected = ["/x?q=1", "/", "/", "/x", "/?q"].map(|target| format!("GET {target} HTTP/1.1"));
    assert_eq!(lines, expected);
    assert!(seen.iter().all(|request| request.field("host") == Some(upstream.addr.to_string().as_str())));
}
