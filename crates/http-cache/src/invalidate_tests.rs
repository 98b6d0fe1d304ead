//! What unsafe requests invalidate (RFC 9111 §4.4).

use http::HeaderValue;

use super::*;

const TARGET: &str = "https://shop.example/animals/list?page=2";

fn invalidated(method: &Method, status: u16, fields: &[(HeaderName, &'static str)]) -> Vec<String> {
    let headers =
        fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
    targets(method, &TARGET.parse().unwrap(), StatusCode::from_u16(status).unwrap(), &headers)
}

fn location(reference: &'static str) -> Vec<String> {
    invalidated(&Method::POST, 201, &[(header::LOCATION, reference)]).split_off(1)
}

/// RFC 9111 §4.4.
#[test]
fn a_successful_unsafe_request_invalidates_its_target() {
    for method in ["POST", "PUT", "DELETE", "PATCH", "UNHEARD-OF"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        for status in [200, 204, 303] {
            assert_eq!(invalidated(&method, status, &[]), ["/animals/list?page=2"], "{method} {status}");
        }
    }
}

/// RFC 9111 §4.4.
#[test]
fn a_safe_request_invalidates_nothing() {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
        assert!(invalidated(&method, 200, &[(header::LOCATION, "/a")]).is_empty(), "{method}");
    }
}

/// RFC 9111 §4.4.
#[test]
fn an_error_invalidates_nothing() {
    for status in [100, 400, 409, 500, 503] {
        assert!(invalidated(&Method::PUT, status, &[(header::LOCATION, "/a")]).is_empty(), "{status}");
    }
}

/// RFC 9111 §4.4.
#[test]
fn location_and_content_location_of_the_same_origin_are_invalidated() {
    let fields = [
        (header::LOCATION, "/animals/42"),
        (header::CONTENT_LOCATION, "https://SHOP.example:443/animals/42.json?x"),
    ];
    assert_eq!(
        invalidated(&Method::POST, 201, &fields),
        ["/animals/list?page=2", "/animals/42", "/animals/42.json?x"]
    );
    let twice = [(header::LOCATION, "/animals/42"), (header::CONTENT_LOCATION, "/animals/42")];
    assert_eq!(invalidated(&Method::POST, 201, &twice).len(), 2);
}

/// RFC 9111 §4.4.
#[test]
fn addresses_of_other_origins_are_not_invalidated() {
    for other in [
        "https://other.example/a",
        "http://shop.example/a",
        "https://shop.example:8443/a",
        "//other.example/a",
        "mailto:a@shop.example",
        "https://",
        "https://user@other.example/",
    ] {
        assert!(location(other).is_empty(), "{other}");
    }
    assert_eq!(location("//shop.example/a"), ["/a"]);
    assert_eq!(location("https://shop.example"), ["/"]);
}

/// RFC 3986 §5.2.
#[test]
fn relative_references_are_resolved() {
    for (reference, resolved) in [
        ("42", "/animals/42"),
        ("../dogs/./7?x=1#top", "/dogs/7?x=1"),
        ("/a/b/../../../c/", "/c/"),
        ("?page=3", "/animals/list?page=3"),
        ("./", "/animals/"),
        ("..", "/"),
        ("a:b/c", ""),
        ("./a:b", "/animals/a:b"),
        ("42?u=http://x", "/animals/42?u=http://x"),
    ] {
        let expected: Vec<&str> = Some(resolved).into_iter().filter(|path| !path.is_empty()).collect();
        assert_eq!(location(reference), expected, "{reference}");
    }
    assert!(location("#top").is_empty(), "the target itself, which is there already");
}
