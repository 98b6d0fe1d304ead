//! RFC 9110 §7.6, RFC 7239: what is for one hop ends at it, and each hop says who it is.

use super::wire::{Recorder, ask};
use crate::harness::{catch_all, gateway, gateway_to};

#[tokio::test(flavor = "multi_thread")]
async fn fields_for_one_hop_end_here_on_the_way_in() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let request = "GET / HTTP/1.1\r\nhost: h\r\nConnection: , X-One ,keep-alive,,\r\nconnection: X-TWO\r\nx-one: 1\r\n\
                   X-Two: 2\r\nx-two: 3\r\nkeep-alive: timeout=5\r\nproxy-connection: keep-alive\r\nproxy-authorization: Basic x\r\n\
                   te: gzip\r\nupgrade: irc/6.9\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\nx-three: 3\r\n\r\n";
    assert_eq!(ask(&gateway, request).await.status(), 200);
    let seen = upstream.only();
    for gone in [
        "x-one",
        "x-two",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "upgrade",
        "http2-settings",
    ] {
        assert!(seen.fields(gone).is_empty(), "{gone}: {}", seen.head);
    }
    assert!(!seen.fields("connection").join(",").to_ascii_lowercase().contains("x-"), "{}", seen.head);
    assert_eq!(seen.field("x-three"), Some("3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_for_one_hop_end_here_on_the_way_out() {
    let upstream = Recorder::answering(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: X-One, keep-alive\r\nx-one: 1\r\nkeep-alive: timeout=5\r\n\
         proxy-connection: keep-alive\r\nproxy-authenticate: Basic\r\nte: trailers\r\nupgrade: h2c\r\nx-three: 3\r\n\r\nok",
    )
    .await;
    let gateway = gateway_to(upstream.addr, "");
    let answer = ask(&gateway, "GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    for gone in
        ["x-one", "keep-alive", "proxy-connection", "proxy-authenticate", "te", "upgrade", "connection"]
    {
        assert!(answer.fields(gone).is_empty(), "{gone}: {}", answer.head);
    }
    assert_eq!((answer.field("x-three"), answer.text()), (Some("3"), "ok"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_cannot_have_fields_removed_that_are_for_all() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let request = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\nx-request-id: abc\r\nauthorization: Bearer x\r\ncookie: a=1\r\n\
                   connection: host, content-length, transfer-encoding, via, forwarded, x-forwarded-for, x-forwarded-host, \
                   x-forwarded-proto, x-request-id, authorization, cookie, close\r\n\r\nhello";
    assert_eq!(ask(&gateway, request).await.status(), 200);
    let seen = upstream.only();
    assert_eq!((seen.field("content-length"), seen.text()), (Some("5"), "hello"));
    assert_eq!(seen.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.field("x-forwarded-host"), Some("h"));
    assert_eq!(seen.field("x-forwarded-proto"), Some("http"));
    assert_eq!(seen.field("via"), Some("1.1 aldia"));
    assert!(
        seen.field("host").is_some()
            && seen.field("forwarded").is_some()
            && seen.field("x-request-id").is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn via_names_every_hop_and_the_version_it_was_spoken_to_in() {
    let upstream =
        Recorder::answering("HTTP/1.0 200 OK\r\nvia: 1.1 inner\r\ncontent-length: 2\r\n\r\nok").await;
    let gateway = gateway_to(upstream.addr, "");
    let answer = ask(&gateway, "GET / HTTP/1.0\r\nvia: 1.1 outer (a, b)\r\nvia: 1.0 nearer\r\n\r\n").await;
    assert_eq!(upstream.only().fields("via").join(", "), "1.1 outer (a, b), 1.0 nearer, 1.0 aldia");
    assert_eq!(answer.fields("via").join(", "), "1.1 inner, 1.0 aldia");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_says_about_its_way_is_dropped() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let request = "GET / HTTP/1.1\r\nhost: h\r\nforwarded: for=6.6.6.6;host=evil;proto=https\r\nx-forwarded-for: 6.6.6.6\r\n\
                   X-Forwarded-For: 7.7.7.7\r\nx-forwarded-host: evil\r\nx-forwarded-proto: https\r\nx-forwarded-port: 443\r\n\
                   x-forwarded-prefix: /evil\r\nx-forwarded: 6.6.6.6\r\nx_forwarded_for: 6.6.6.6\r\nx-real-ip: 6.6.6.6\r\n\
                   true-client-ip: 6.6.6.6\r\nx-original-url: /evil\r\nx-rewrite-url: /evil\r\nx-user-id: 1\r\nremote-user: root\r\n\r\n";
    assert_eq!(ask(&gateway, request).await.status(), 200);
    let seen = upstream.only();
    assert!(
        !seen.head.contains("6.6.6.6") && !seen.head.contains("evil") && !seen.head.contains("root"),
        "{}",
        seen.head
    );
    assert_eq!(seen.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.field("x-forwarded-proto"), Some("http"));
    assert_eq!(seen.field("forwarded"), Some("for=127.0.0.1;host=\"h\";proto=http;by=_aldia"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_is_believed_and_added_to() {
    let upstream = Recorder::start().await;
    let gateway =
        gateway(&format!("[forwarded]\ntrusted = [\"127.0.0.0/8\"]\n{}", catch_all(upstream.addr, "")));
    let request = "GET / HTTP/1.1\r\nhost: h\r\nforwarded: for=198.51.100.7;proto=https\r\nx-forwarded-for: 198.51.100.7\r\n\
                   x-forwarded-proto: https\r\n\r\n";
    assert_eq!(ask(&gateway, request).await.status(), 200);
    let seen = upstream.only();
    assert_eq!(seen.field("x-forwarded-for"), Some("198.51.100.7, 127.0.0.1"));
    assert_eq!(seen.field("x-forwarded-proto"), Some("https"));
    let forwarded = seen.field("forwarded").unwrap();
    assert!(forwarded.starts_with("for=198.51.100.7;proto=https, for=127.0.0.1;"), "{forwarded}");
}

#[tokio::test(flavor = "multi_thread")]
async fn max_forwards_is_counted_down_and_ends_at_nought() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let options = |left: &str| format!("OPTIONS /x HTTP/1.1\r\nhost: h\r\nmax-forwards: {left}\r\n\r\n");
    assert_eq!(ask(&gateway, options("3")).await.status(), 200);
    assert_eq!(ask(&gateway, options("1")).await.status(), 200);
    // The gateway is the last recipient of this one.
    let answer = ask(&gateway, options("0")).await;
    assert!(answer.fields("via").is_empty() && (200..300).contains(&answer.status()), "{}", answer.head);
    // With other methods the field says nothing.
    assert_eq!(ask(&gateway, "GET / HTTP/1.1\r\nhost: h\r\nmax-forwards: 0\r\n\r\n").await.status(), 200);
    let seen = upstream.seen();
    let left: Vec<_> = seen.iter().take(2).map(|request| request.field("max-forwards")).collect();
    assert_eq!(left, [Some("2"), Some("0")]);
    assert_eq!(seen.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_goes_round_in_circles_is_stopped() {
    // What a gateway that is its own upstream sees after a while.
    let via = vec!["1.1 aldia"; 50].join(", ");
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let answer = ask(&gateway, format!("GET / HTTP/1.1\r\nhost: h\r\nvia: {via}\r\n\r\n")).await;
    assert!(answer.status() >= 400, "{}", answer.head);
    assert!(upstream.seen().is_empty());
}
