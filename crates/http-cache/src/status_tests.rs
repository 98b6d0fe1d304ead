//! `Cache-Status` (RFC 9211).

use sfv::{BareItem, List, ListEntry, Parser};

use super::*;

const STALE: CacheStatus<'_> = CacheStatus::forwarded(Forward::Stale);

fn forwarded(status: Option<StatusCode>, stored: bool, collapsed: Option<bool>) -> CacheStatus<'static> {
    CacheStatus {
        handling: Handling::Forwarded { reason: Forward::Stale, status, stored, collapsed },
        ..STALE
    }
}

/// RFC 9211 §2.1, §2.4.
#[test]
fn a_hit_says_hit_and_how_long_it_remains_fresh() {
    assert_eq!(CacheStatus::hit(376).to_string(), "aldia; hit; ttl=376");
    assert_eq!(CacheStatus::hit(-412).to_string(), "aldia; hit; ttl=-412");
}

/// RFC 9211 §2.2.
#[test]
fn a_forwarded_request_says_why_and_never_hit() {
    use Forward as F;
    let reasons = [F::Bypass, F::Method, F::UriMiss, F::VaryMiss, F::Miss, F::Request, F::Stale, F::Partial];
    let words = ["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"];
    for (reason, word) in reasons.into_iter().zip(words) {
        assert_eq!(CacheStatus::forwarded(reason).to_string(), format!("aldia; fwd={word}"));
    }
}

/// RFC 9211 §2.3.
#[test]
fn the_origins_status_is_told() {
    assert_eq!(
        forwarded(Some(StatusCode::NOT_MODIFIED), false, None).to_string(),
        "aldia; fwd=stale; fwd-status=304"
    );
}

/// RFC 9211 §2.5, §2.6.
#[test]
fn storing_and_collapsing_are_told() {
    assert_eq!(forwarded(None, true, Some(true)).to_string(), "aldia; fwd=stale; stored; collapsed");
    assert_eq!(forwarded(None, false, Some(false)).to_string(), "aldia; fwd=stale; collapsed=?0");
}

/// RFC 9211 §2.8.
#[test]
fn detail_is_a_token_or_a_string() {
    let with = |detail| CacheStatus { detail: Some(detail), ..STALE }.to_string();
    assert_eq!(with("no-lease"), "aldia; fwd=stale; detail=no-lease");
    assert_eq!(with("animals/42:a"), "aldia; fwd=stale; detail=animals/42:a");
    assert_eq!(with("group animals/42"), "aldia; fwd=stale; detail=\"group animals/42\"");
    assert_eq!(with("a \"b\\\u{e9}\n"), "aldia; fwd=stale; detail=\"a \\\"b\\\\\"");
    assert_eq!(with(""), "aldia; fwd=stale; detail=\"\"");
}

/// RFC 9211 §2.
#[test]
fn our_member_comes_last() {
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_STATUS, HeaderValue::from_static("origin; hit"));
    CacheStatus::hit(5).append_to(&mut headers);
    let lines: Vec<_> = headers.get_all(CACHE_STATUS).iter().collect();
    assert_eq!(lines, ["origin; hit", "aldia; hit; ttl=5"]);
}

/// RFC 9211 §2: whatever is put in, a list of structured fields comes out.
#[test]
fn every_member_is_a_structured_field() {
    let long = "d".repeat(500);
    for detail in [None, Some(&*long), Some("x"), Some("9x"), Some("*"), Some("a;b=c"), Some("\u{7f}\\\"")] {
        let status = CacheStatus {
            ttl: Some(i64::from(u32::MAX)),
            detail,
            ..forwarded(Some(StatusCode::OK), true, Some(false))
        };
        let list: List = Parser::new(status.value().as_bytes()).parse().unwrap();
        let [ListEntry::Item(item)] = list.as_slice() else { panic!("one member") };
        assert_eq!(status.value(), status.to_string(), "long or short");
        assert!(matches!(&item.bare_item, BareItem::Token(name) if name.as_str() == NAME));
    }
}

/// Both ways to write it are one.
#[test]
fn written_out_it_reads_the_same() {
    let hits = [0, 7, 10, 999, 31_536_000, i64::MAX, -1, -412, i64::MIN].map(CacheStatus::hit);
    let others = [STALE, forwarded(Some(StatusCode::OK), true, Some(false))];
    for status in hits.into_iter().chain(others) {
        let mut out = b"before ".to_vec();
        status.write_to(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("before {status}"));
    }
}
