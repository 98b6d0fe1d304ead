//! Validation and what it updates (RFC 9111 §3.2, §4.3).

use super::*;

type Fields<'a> = &'a [(&'static str, &'static str)];

const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

fn headers(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn conditional(request: Fields<'_>, stored: Fields<'_>) -> Option<HeaderMap> {
    let mut request = headers(request);
    make_conditional(&mut request, &headers(stored)).then_some(request)
}

/// RFC 9111 §4.3.1.
#[test]
fn a_validation_sends_the_stored_validators() {
    let stored = [("etag", "W/\"1\""), ("last-modified", MODIFIED)];
    let both = conditional(&[("accept", "a/b")], &stored).unwrap();
    assert_eq!(
        both,
        headers(&[("accept", "a/b"), ("if-none-match", "W/\"1\""), ("if-modified-since", MODIFIED)])
    );
    let dated = conditional(&[], &[("last-modified", MODIFIED)]).unwrap();
    assert_eq!(dated, headers(&[("if-modified-since", MODIFIED)]));
}

/// RFC 9111 §4.3.1, §4.3.2: a 304 to the client's own condition would say nothing of what is stored.
#[test]
fn a_validation_has_none_of_the_clients_conditions() {
    let client = [
        ("if-none-match", "\"c\""),
        ("if-modified-since", LATER),
        ("if-match", "\"c\""),
        ("if-unmodified-since", LATER),
        ("if-range", "\"c\""),
        ("range", "bytes=0-1"),
    ];
    assert_eq!(conditional(&client, &[("etag", "\"1\"")]).unwrap(), headers(&[("if-none-match", "\"1\"")]));
}

/// RFC 9111 §4.3.1.
#[test]
fn without_a_validator_there_is_no_validation() {
    let mut request = headers(&[("if-none-match", "\"c\"")]);
    assert!(!make_conditional(&mut request, &headers(&[])));
    assert_eq!(request, headers(&[("if-none-match", "\"c\"")]));
}

fn identified(not_modified: Fields<'_>, stored: Fields<'_>) -> bool {
    identifies(&headers(not_modified), &headers(stored))
}

/// RFC 9111 §4.3.4.
#[test]
fn a_304_with_a_strong_validator_updates_the_answer_with_the_same_one_only() {
    assert!(identified(&[("etag", "\"1\"")], &[("etag", "\"1\"")]));
    assert!(identified(
        &[("etag", "\"1\""), ("last-modified", LATER)],
        &[("etag", "\"1\""), ("last-modified", MODIFIED)]
    ));
    for stored in [&[("etag", "\"2\"")][..], &[("etag", "W/\"1\"")], &[("last-modified", MODIFIED)], &[]] {
        assert!(!identified(&[("etag", "\"1\"")], stored), "{stored:?}");
    }
}

/// RFC 9111 §4.3.4.
#[test]
fn a_304_with_a_weak_validator_updates_the_answer_it_corresponds_to() {
    assert!(identified(&[("etag", "W/\"1\"")], &[("etag", "W/\"1\"")]));
    assert!(identified(&[("etag", "W/\"1\"")], &[("etag", "\"1\"")]));
    assert!(!identified(&[("etag", "W/\"1\"")], &[("etag", "W/\"2\"")]));
    assert!(!identified(&[("etag", "W/\"1\"")], &[]));
    assert!(identified(&[("last-modified", MODIFIED)], &[("last-modified", MODIFIED)]));
    assert!(!identified(&[("last-modified", LATER)], &[("last-modified", MODIFIED)]));
}

/// RFC 9111 §4.3.4.
#[test]
fn a_304_without_validators_answers_the_question_that_was_asked() {
    assert!(identified(&[], &[]));
    assert!(identified(&[("date", LATER)], &[("etag", "\"1\"")]));
}

/// RFC 9111 §3.2.
#[test]
fn a_304_replaces_every_field_it_has_and_leaves_the_others() {
    let stored = [
        ("cache-control", "max-age=1"),
        ("x-a", "1"),
        ("x-a", "2"),
        ("content-type", "a/b"),
        ("etag", "\"1\""),
    ];
    let received =
        [("cache-control", "max-age=9"), ("x-a", "3"), ("x-new", "4"), ("x-new", "5"), ("date", LATER)];
    let merged = merge(&headers(&stored), &headers(&received), &[]);
    let expected = [
        ("cache-control", "max-age=9"),
        ("x-a", "3"),
        ("x-new", "4"),
        ("x-new", "5"),
        ("content-type", "a/b"),
        ("etag", "\"1\""),
        ("date", LATER),
    ];
    assert_eq!(merged, headers(&expected));
}

/// RFC 9111 §3.2.
#[test]
fn a_304_does_not_change_what_describes_the_stored_bytes() {
    let stored = [("content-length", "100"), ("content-encoding", "br")];
    let received = [("content-length", "0"), ("content-encoding", "gzip"), ("content-range", "bytes 0-1/2")];
    assert_eq!(merge(&headers(&stored), &headers(&received), &[]), headers(&stored));
}

/// RFC 9111 §3.1, §3.2.
#[test]
fn a_304_brings_in_no_field_that_is_not_stored() {
    let received = [
        ("set-cookie", "a=1"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("proxy-authenticate", "x"),
        ("x-user", "b"),
    ];
    let omit = [HeaderName::from_static("x-user")];
    assert_eq!(merge(&HeaderMap::new(), &headers(&received), &omit), HeaderMap::new());
}

/// RFC 9111 §4.2.3: the age counts from the last validation.
#[test]
fn a_304_ends_the_age_that_the_answer_came_with() {
    let stored = headers(&[("age", "100"), ("date", MODIFIED)]);
    assert_eq!(merge(&stored, &HeaderMap::new(), &[]), HeaderMap::new());
    let received = headers(&[("age", "7"), ("date", LATER)]);
    assert_eq!(merge(&stored, &received, &[]), received);
}

/// RFC 9111 §4.3.5.
#[test]
fn a_head_confirms_an_answer_with_the_same_validators_and_length() {
    let stored = headers(&[("etag", "\"1\""), ("last-modified", MODIFIED)]);
    let same = |head: Fields<'_>| head_matches(&headers(head), &stored, 100);
    assert!(same(&[]));
    assert!(same(&[("etag", "\"1\""), ("last-modified", MODIFIED), ("content-length", "100")]));
    assert!(!same(&[("etag", "\"2\"")]));
    assert!(!same(&[("last-modified", LATER)]));
    assert!(!same(&[("content-length", "99")]));
}
