//! The grammar of a host with a port.

use super::super::check_authority;

#[test]
fn a_host_with_an_optional_port_is_an_authority() {
    for good in [
        "example.com",
        "EXAMPLE.com:8080",
        "a",
        "a:1",
        "a:65535",
        "example.com.",
        "under_score.internal:80",
        "127.0.0.1",
        "127.0.0.1:443",
        "[::1]",
        "[2001:db8::1]:8443",
        "[::ffff:192.0.2.1]",
        "xn--bcher-kva.example",
    ] {
        assert!(check_authority(good.as_bytes()), "{good}");
    }
    assert!(check_authority("a".repeat(255).as_bytes()));
}

#[test]
fn anything_else_is_none() {
    for bad in [
        "",
        ":80",
        ".",
        ".a",
        "a..b",
        "a..",
        "a:",
        "a:0",
        "a:080",
        "a:65536",
        "a:655350",
        "a:+80",
        "a:80 ",
        "a:8_0",
        "a:80:80",
        "user@a",
        "user:secret@a",
        "a/",
        "a/path",
        "a?query",
        "a#fragment",
        "a,b",
        "a, b",
        "a b",
        "a\tb",
        "a%2eb",
        "a\\b",
        "a;b",
        "bücher.example",
        "::1",
        "[::1",
        "::1]",
        "[]",
        "[::1]80",
        "[::1]:",
        "[::1]]",
        "[::1%25eth0]",
        "[::1%eth0]",
        "[127.0.0.1]",
        "[v1.a]",
        "[::g]",
        "http://a",
        "a\0",
    ] {
        assert!(!check_authority(bad.as_bytes()), "{bad:?}");
    }
    assert!(!check_authority("a".repeat(256).as_bytes()));
    assert!(!check_authority(b"\xff"));
}
