//! Freezing: what is kept, what is left out, what is counted.

use http::header;

use super::fixtures::{NOW, head, stored, terms, with_terms};
use super::*;
use crate::vary::VarySpec;

#[test]
fn fields_are_kept_as_they_came_but_for_those_of_the_connection() {
    let kept = stored(
        &[
            ("content-type", "application/json"),
            ("link", "</a>"),
            ("link", "</b>"),
            ("x-own", "1"),
            ("connection", "x-hop, close"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "a=b"),
            ("age", "3"),
            ("content-length", "7"),
            ("etag", "\"v\""),
        ],
        b"body",
    );
    let expected = head(&[
        ("content-type", "application/json"),
        ("link", "</a>"),
        ("link", "</b>"),
        ("x-own", "1"),
        ("etag", "\"v\""),
    ]);
    assert_eq!(kept.headers(), expected);
    assert_eq!(kept.field(&header::ETAG).unwrap(), "\"v\"");
    assert_eq!(kept.field(&header::LINK).unwrap(), "</a>");
}

#[test]
fn fields_that_the_terms_leave_out_are_not_kept() {
    let terms = Terms { omit: vec![header::WARNING], ..terms(VarySpec::default()) };
    let headers = head(&[("warning", "1"), ("x-own", "1")]);
    let kept = with_terms(StatusCode::OK, &headers, b"", terms, Variant::default());
    assert_eq!(kept.headers(), head(&[("x-own", "1")]));
}

#[test]
fn a_tag_that_cannot_be_read_is_kept_and_compared_with_nothing() {
    let kept = stored(&[("etag", "v")], b"");
    assert_eq!(kept.headers(), head(&[("etag", "v")]));
    assert!(kept.etag().is_none());
}

#[test]
fn the_body_is_a_copy_of_its_own() {
    let buffer = Bytes::from(vec![7; 1 << 20]);
    let kept = stored(&[], &buffer.slice(..10));
    assert!(kept.bytes() < 2000, "{}", kept.bytes());
}

#[test]
fn what_must_not_be_coded_is_not() {
    let coded = Bytes::from_static(b"coded");
    let upstream = stored(&[("content-encoding", "gzip")], b"x");
    assert!(!upstream.is_codable() && upstream.set_coding(Coding::Brotli, &coded).is_none());
    let terms = Terms { no_transform: true, ..terms(VarySpec::default()) };
    let fixed = with_terms(StatusCode::OK, &HeaderMap::new(), b"x", terms, Variant::default());
    assert!(!fixed.is_codable() && fixed.set_coding(Coding::Zstd, &coded).is_none());
}

#[test]
fn each_coding_has_its_own_validator_and_length() {
    let kept = stored(&[("etag", "W/\"v\"")], &[b'a'; 600]);
    for (coding, tag) in
        [(Coding::Brotli, "W/\"v;br\""), (Coding::Zstd, "W/\"v;zstd\""), (Coding::Gzip, "W/\"v;gzip\"")]
    {
        assert!(kept.coding(coding).is_none());
        let before = kept.bytes();
        kept.set_coding(coding, &Bytes::from(vec![0; 100])).unwrap();
        let made = kept.coding(coding).unwrap();
        assert_eq!(made.tag().unwrap(), tag);
        assert_eq!((made.length(), made.coding()), (&HeaderValue::from(100), coding));
        assert!(kept.bytes() >= before + 100);
    }
    assert!(kept.coding(Coding::Identity).is_none());
}

#[test]
fn a_validated_answer_keeps_its_body_and_its_codings_with_the_same_tag() {
    let before = stored(&[("etag", "\"v\""), ("x-own", "1")], &[b'a'; 600]);
    before.set_coding(Coding::Zstd, &Bytes::from_static(b"zstd"));
    let later = NOW + Duration::from_secs(5);
    let fresh =
        before.refreshed(&head(&[("etag", "\"v\""), ("x-own", "2")]), before.terms().clone(), later, None);
    assert_eq!(fresh.headers(), head(&[("etag", "\"v\""), ("x-own", "2")]));
    assert_eq!((fresh.body(), fresh.received()), (before.body(), later));
    assert_eq!(fresh.coding(Coding::Zstd).unwrap().body(), "zstd");
    assert_eq!(fresh.length(), &HeaderValue::from(600));
    assert!(fresh.bytes() > 600);
    let other = before.refreshed(&head(&[("etag", "\"w\"")]), before.terms().clone(), later, None);
    assert!(other.coding(Coding::Zstd).is_none());
}

#[test]
fn all_that_is_held_is_counted() {
    let plain = stored(&[("etag", "\"v\"")], b"");
    let text: &'static str = Box::leak("x".repeat(1000).into_boxed_str());
    for (larger, least) in [
        (stored(&[("etag", "\"v\"")], &[0; 1000]), 1000),
        (stored(&[("etag", "\"v\""), ("link", text)], b""), 1000),
    ] {
        let more = larger.bytes() - plain.bytes();
        assert!((least..least + 400).contains(&more), "{more}");
    }
    let grouped = Terms { groups: vec!["g".repeat(1000)], ..terms(VarySpec::default()) };
    let grouped = with_terms(StatusCode::OK, &HeaderMap::new(), b"", grouped, Variant::default());
    assert!(grouped.bytes() >= plain.bytes() + 900);
}
