//! RFC 9112 §3.2, RFC 9110 §4.2 and §7.1: the forms of a request target, and one path for everybody.

use super::wire::{Message, Peer, Recorder, Refusing, ask};
use crate::harness::{catch_all, gateway, gateway_to};

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_made_of_what_may_stand_in_one() {
    let gateway = Refusing::start().await;
    for target in [
        "/\u{e9}",
        "/a\u{a0}b",
        "/a\x7f",
        "/a\x01",
        "/a\0",
        "/a#b",
        "/#",
        "/<",
        "/\"",
        "a",
        "?q",
        "\\",
        "/a\\..\\b",
        "/a^b",
        "/{x}",
        "/?a\0",
        "/?\u{e9}",
        "/?<",
        "/?a#b",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n");
        gateway.refuses(request, 400, "ambiguous_message|ambiguous_target").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_is_not_implemented() {
    let gateway = Refusing::start().await;
    for target in ["h:443", "h", "/", "http://h/", "*", "[::1]:80"] {
        gateway
            .refuses(format!("CONNECT {target} HTTP/1.1\r\nhost: h\r\n\r\n"), 501, "not_implemented")
            .await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_is_a_target_for_nothing_else() {
    let gateway = Refusing::start().await;
    for method in ["GET", "POST", "OPTIONS"] {
        let request = format!("{method} h:443 HTTP/1.1\r\nhost: h:443\r\n\r\n");
        gateway.refuses(request, 400, "ambiguous_message|ambiguous_target").await;
    }
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asterisk_is_a_target_for_options_only() {
    let gateway = Refusing::start().await;
    for request in ["GET *", "HEAD *", "POST *", "OPTIONS **", "OPTIONS *?q", "OPTIONS /*/../*"] {
        let mut client = Peer::to(&gateway.gateway).await;
        client.send(format!("{request} HTTP/1.1\r\nhost: h\r\n\r\n")).await;
        let answer =
            if request.starts_with("HEAD") { client.answer_to_head().await } else { client.answer().await };
        assert_eq!(answer.status(), 400, "{request}");
    }
    // What is asked of the server as a whole, the gateway answers: there may be many servers behind it.
    let answer = ask(&gateway.gateway, "OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert!((200..300).contains(&answer.status()), "{}", answer.head);
    gateway.nothing_passed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_is_never_forwarded() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let answer = ask(&gateway, "TRACE / HTTP/1.1\r\nhost: h\r\nauthorization: secret\r\n\r\n").await;
    assert_eq!((answer.status(), answer.code().as_str()), (405, "method_not_allowed"));
    assert!(!answer.text().contains("secret") && upstream.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_path_reaches_a_route_it_should_not() {
    let (public, secret) = (Recorder::start().await, Recorder::start().await);
    let gateway = gateway(&format!(
        "[upstream.public]\nurl = \"http://{}\"\n[upstream.secret]\nurl = \"http://{}\"\n\
         [[route]]\nname = \"public\"\npath = \"/public/*\"\nupstream = \"public\"\nauth = \"none\"\n\
         [[route]]\nname = \"secret\"\npath = [\"/secret\", \"/secret/*\"]\nmethods = [\"PUT\"]\nupstream = \"secret\"\nauth = \"none\"\n",
        public.addr, secret.addr
    ));
    for target in [
        "/public/../secret",
        "/public/..",
        "/public/./x",
        "/public/%2e%2e/secret",
        "/public/.%2E/secret",
        "/public/..;/secret",
        "/public/..;a=b/secret",
        "/public/..%2fsecret",
        "/public/..%5csecret",
        "/public/..\\secret",
        "/public%2f..%2fsecret",
        "/public/%252e%252e/secret",
        "/public/%252e%252e%252fsecret",
        "/public/%25252e%25252e/secret",
        "/public/x%00",
        "/public/x%0d%0aGET%20/secret",
        "/public/x%0a",
        "/public/x%7f",
        "/public//secret",
        "//public/x",
        "/public/%",
        "/public/%2",
        "/public/%zz",
        "/public/%u002e%u002e/secret",
        "http://h/public/../secret",
        "http://h//secret",
    ] {
        let answer =
            ask(&gateway, format!("GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).await;
        assert_eq!(answer.status(), 400, "{target}");
        // A backslash is none of the characters of a target at all.
        let code = if target.contains('\\') { "ambiguous_message" } else { "ambiguous_target" };
        assert_eq!(answer.code(), code, "{target}");
    }
    assert!(public.seen().is_empty() && secret.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_gets_the_path_that_was_routed_and_the_query_as_it_was() {
    let upstream = Recorder::start().await;
    let gateway = gateway_to(upstream.addr, "");
    let pairs = [
        ("/", "/"),
        ("/a/", "/a/"),
        ("/%61%2D%7e", "/a-~"),
        ("/%c3%a4", "/%C3%A4"),
        ("/a;p=1,2:3@b!$&'()*+=", "/a;p=1,2:3@b!$&'()*+="),
        ("/a%20b", "/a%20b"),
        ("/a%3Fb", "/a%3Fb"),
        ("/?", "/?"),
        ("/x?a=../..&b=%2e%2E%00&c=//&d=%252f", "/x?a=../..&b=%2e%2E%00&c=//&d=%252f"),
        ("/...", "/..."),
        ("/.well-known/x", "/.well-known/x"),
    ];
    for (target, _) in pairs {
        assert_eq!(
            ask(&gateway, format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n")).await.status(),
            200,
            "{target}"
        );
    }
    let seen = upstream.seen();
    let seen: Vec<_> = seen.iter().map(Message::line).collect();
    assert_eq!(seen, pairs.map(|(_, passed)| format!("GET {passed} HTTP/1.1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn https_without_tls_is_misdirected() {
    let upstream = Recorder::start().await;
    let plain = gateway_to(upstream.addr, "");
    for target in ["https://h/", "HTTPS://h", "https://h/x?q"] {
        let answer = ask(&plain, format!("GET {target} HTTP/1.1\r\nhost: h\r\n\r\n")).await;
        assert_eq!((answer.status(), answer.code().as_str()), (421, "misdirected"), "{target}");
    }
    assert!(upstream.seen().is_empty());
    // A trusted proxy in front may have had the TLS.
    let trusting =
        gateway(&format!("[forwarded]\ntrusted = [\"127.0.0.0/8\"]\n{}", catch_all(upstream.addr, "")));
    assert_eq!(ask(&trusting, "GET https://h/ HTTP/1.1\r\nhost: h\r\n\r\n").await.status(), 200);
}
