//! Request directives (RFC 9111 §5.2.1, §5.4) and the grammar of `Cache-Control`.

use http::HeaderValue;

use super::*;

fn request(lines: &[(HeaderName, &str)]) -> RequestDirectives {
    let headers: HeaderMap = lines
        .iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap()))
        .collect();
    RequestDirectives::parse(&headers)
}

fn cache_control(value: &str) -> RequestDirectives {
    request(&[(header::CACHE_CONTROL, value)])
}

/// RFC 9111 §5.2.1.
#[test]
fn request_directives_are_read() {
    let found = cache_control(
        "max-age=1, min-fresh=2, max-stale=3, stale-if-error=4, no-cache, no-store, only-if-cached, no-transform",
    );
    let expected = RequestDirectives {
        max_age: Some(1),
        min_fresh: Some(2),
        max_stale: MaxStale::Seconds(3),
        stale_if_error: Some(4),
        no_cache: true,
        no_store: true,
        only_if_cached: true,
        no_transform: true,
    };
    assert_eq!(found, expected);
    assert_eq!(request(&[]), RequestDirectives::default());
}

/// RFC 9111 §5.2.1.2.
#[test]
fn max_stale_without_a_value_is_any() {
    assert_eq!(cache_control("max-stale").max_stale, MaxStale::Any);
    assert_eq!(cache_control("max-stale=\"9\"").max_stale, MaxStale::Seconds(9));
    assert_eq!(cache_control("max-stale=x").max_stale, MaxStale::No, "what cannot be read permits nothing");
    assert_eq!(cache_control("max-stale=").max_stale, MaxStale::No);
}

/// RFC 9111 §4.2.1: of directives that conflict the most restrictive.
#[test]
fn of_repeated_request_directives_the_strictest_counts() {
    let found =
        cache_control("max-age=9, max-age=3, min-fresh=1, min-fresh=5, max-stale, max-stale=7, max-stale=4");
    assert_eq!((found.max_age, found.min_fresh, found.max_stale), (Some(3), Some(5), MaxStale::Seconds(4)));
    assert_eq!(cache_control("max-stale=4, max-stale").max_stale, MaxStale::Seconds(4));
}

/// RFC 9111 §5.2.1: they are advice.
#[test]
fn malformed_request_directives_are_ignored() {
    for value in ["max-age=x", "max-age", "max-age=\"1", "min-fresh=-1", ",,;", "\u{e9}=1", "max-age=1 2"] {
        assert_eq!(cache_control(value), RequestDirectives::default(), "{value}");
    }
}

/// RFC 9111 §5.4.
#[test]
fn pragma_no_cache_counts_where_there_is_no_cache_control() {
    assert!(request(&[(header::PRAGMA, "x, No-Cache")]).no_cache);
    assert!(!request(&[(header::PRAGMA, "no-cache"), (header::CACHE_CONTROL, "max-age=5")]).no_cache);
    assert!(!request(&[(header::PRAGMA, "no-cachet")]).no_cache);
}

/// RFC 9111 §5.4: in answers `Pragma` means nothing.
#[test]
fn pragma_of_an_answer_is_ignored() {
    let mut headers = HeaderMap::new();
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    assert_eq!(ResponseDirectives::parse(&headers, &[]), ResponseDirectives::default());
}

/// RFC 9110 §5.6.4.
#[test]
fn quotes_hide_commas_and_escaped_quotes() {
    let found = cache_control(r#"x="a, no-store, \", no-cache", y=z"a\", no-store", max-age=5"#);
    assert!(!found.no_store && !found.no_cache);
    assert_eq!(found.max_age, Some(5));
    assert!(cache_control("x=\"\", no-store").no_store, "an empty string ends where it begins");
}

/// RFC 9110 §5.6.4: what does not end hides all that follows, so that a restriction before it is what counts.
#[test]
fn an_unfinished_string_is_no_argument() {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=60, private=\"x"));
    assert_eq!(ResponseDirectives::parse(&headers, &[]).private, Restriction::Whole);
}

/// RFC 9111 §5.2.2.4, §5.2.2.7: names that cannot be read restrict the whole.
#[test]
fn malformed_field_names_restrict_the_whole() {
    let parse = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
        ResponseDirectives::parse(&headers, &[])
    };
    for value in [
        "private=\"\"",
        "private=\"a b\"",
        "private=\"a\", private",
        "private, private=\"a\"",
        "private=\",\"",
    ] {
        assert_eq!(parse(value).private, Restriction::Whole, "{value}");
    }
    let names = [HeaderName::from_static("a"), HeaderName::from_static("b")];
    assert_eq!(parse("private=\"A\", private=b").private, Restriction::Fields(names.to_vec()));
    assert_eq!(parse("no-cache=\" a ,, b \"").no_cache, Restriction::Fields(names.to_vec()));
}
