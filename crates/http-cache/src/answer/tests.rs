//! Answers: which one, with which fields, and that conditions mean the same in every coding.

use std::time::Duration;

use conditional::{Conditions, EntityTag, ReadDecision};
use proptest::prelude::*;

use super::*;
use crate::policy::Terms;
use crate::stored::fixtures::{NOW, head, stored, terms, with_terms};
use crate::vary::{Variant, VarySpec};

const CODINGS: [Coding; 4] = [Coding::Identity, Coding::Brotli, Coding::Zstd, Coding::Gzip];

fn ask(stored: &Stored, method: &Method, coding: Coding, request: &[(&'static str, &'static str)]) -> Answer {
    answer(stored, &Asked { method, headers: &head(request), coding }, NOW + Duration::from_secs(7))
}

fn get(stored: &Stored, request: &[(&'static str, &'static str)]) -> Answer {
    ask(stored, &Method::GET, Coding::Identity, request)
}

/// The names and values, sorted, but for `age`.
fn fields(answer: &Answer) -> Vec<String> {
    let all = answer.headers.iter().filter(|(name, _)| *name != header::AGE);
    let mut lines: Vec<_> = all.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines
}

const FIELDS: [(&str, &str); 9] = [
    ("content-type", "application/json"),
    ("cache-control", "no-cache"),
    ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ("etag", "\"v\""),
    ("last-modified", "Tue, 14 Nov 2023 22:00:00 GMT"),
    ("vary", "Origin"),
    ("repr-digest", "sha-256=:x:"),
    ("content-digest", "sha-256=:x:"),
    ("x-own", "1"),
];

#[test]
fn the_whole_has_all_fields_its_length_and_its_age() {
    let stored = stored(&FIELDS, b"0123456789");
    let whole = get(&stored, &[]);
    assert_eq!(
        (whole.outcome, whole.status, &*whole.body),
        (Outcome::Whole, StatusCode::OK, &b"0123456789"[..])
    );
    assert_eq!(whole.headers.get(header::AGE).unwrap(), "7");
    let mut expected: Vec<_> = FIELDS.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    expected.extend(["content-length: 10".to_owned(), "vary: Accept-Encoding".to_owned()]);
    expected.sort();
    assert_eq!(fields(&whole), expected);
}

#[test]
fn age_counts_what_the_answer_was_old_when_it_came() {
    let terms = Terms { age_at_receipt: Duration::from_secs(100), ..terms(VarySpec::default()) };
    let old = with_terms(StatusCode::OK, &HeaderMap::new(), b"", terms, Variant::default());
    assert_eq!(get(&old, &[]).headers.get(header::AGE).unwrap(), "107");
}

#[test]
fn a_coded_answer_says_so_and_nothing_of_the_uncoded_octets() {
    let stored = stored(&FIELDS, &[b'a'; 1000]);
    stored.set_coding(Coding::Brotli, &Bytes::from_static(b"coded"));
    let coded = ask(&stored, &Method::GET, Coding::Brotli, &[]);
    assert_eq!(coded.body, "coded");
    assert_eq!(
        fields(&coded),
        [
            "cache-control: no-cache",
            "content-encoding: br",
            "content-length: 5",
            "content-type: application/json",
            "date: Tue, 14 Nov 2023 22:13:20 GMT",
            "etag: \"v;br\"",
            "last-modified: Tue, 14 Nov 2023 22:00:00 GMT",
            "vary: Accept-Encoding",
            "vary: Origin",
            "x-own: 1",
        ]
    );
    // Not made yet: uncoded.
    let plain = ask(&stored, &Method::GET, Coding::Zstd, &[]);
    assert!(!plain.headers.contains_key(header::CONTENT_ENCODING));
    assert_eq!(plain.headers.get(header::ETAG).unwrap(), "\"v\"");
}

#[test]
fn head_is_answered_as_get_without_the_body() {
    let stored = stored(&FIELDS, &[b'a'; 1000]);
    stored.set_coding(Coding::Zstd, &Bytes::from_static(b"coded"));
    for coding in CODINGS {
        let (whole, without) =
            (ask(&stored, &Method::GET, coding, &[]), ask(&stored, &Method::HEAD, coding, &[]));
        assert_eq!((fields(&without), without.status), (fields(&whole), whole.status), "{coding:?}");
        assert!(without.body.is_empty());
    }
    let ranged = ask(&stored, &Method::HEAD, Coding::Identity, &[("range", "bytes=0-1")]);
    assert_eq!(ranged.status, StatusCode::OK);
}

#[test]
fn a_304_has_the_fields_of_the_rfc_and_no_others() {
    let found = get(&stored(&FIELDS, b"body"), &[("if-none-match", "\"v\"")]);
    assert_eq!(
        (found.outcome, found.status, found.body.len()),
        (Outcome::NotModified, StatusCode::NOT_MODIFIED, 0)
    );
    assert_eq!(found.headers.get(header::AGE).unwrap(), "7");
    let expected = [
        "cache-control: no-cache",
        "date: Tue, 14 Nov 2023 22:13:20 GMT",
        "etag: \"v\"",
        "vary: Accept-Encoding",
        "vary: Origin",
    ];
    assert_eq!(fields(&found), expected);
    let dated = stored(&[("last-modified", "Tue, 14 Nov 2023 22:00:00 GMT"), ("x-own", "1")], b"body");
    let found = get(&dated, &[("if-modified-since", "Tue, 14 Nov 2023 22:00:00 GMT")]);
    assert_eq!(fields(&found), ["last-modified: Tue, 14 Nov 2023 22:00:00 GMT", "vary: Accept-Encoding"]);
}

/// `X-D1`: the matrix of what the client has and what it would get.
#[test]
fn a_tag_of_any_coding_is_good_for_every_coding() {
    let stored = stored(&FIELDS, b"body");
    stored.set_coding(Coding::Zstd, &Bytes::from_static(b"coded"));
    for (presented, coded) in [
        ("\"v\"", false),
        ("\"v;br\"", true),
        ("W/\"v;zstd\"", true),
        ("\"x\", \"v;gzip\"", true),
        ("\"v\", \"v;br\"", true),
    ] {
        for coding in CODINGS {
            for method in [Method::GET, Method::HEAD] {
                let found = ask(&stored, &method, coding, &[("if-none-match", presented)]);
                assert_eq!(found.status, StatusCode::NOT_MODIFIED, "{presented} {coding:?}");
                let of = if coded { coding } else { Coding::Identity };
                let expected = EntityTag::strong("v").with_coding(of).to_string();
                assert_eq!(found.headers.get(header::ETAG).unwrap(), &expected, "{presented} {coding:?}");
                assert_eq!(
                    ask(&stored, &method, coding, &[("if-match", presented)]).status == StatusCode::OK,
                    !presented.starts_with('W')
                );
            }
        }
    }
}

#[test]
fn where_the_origin_codes_a_tag_is_only_itself() {
    let coded = stored(&[("etag", "\"v;gzip\""), ("content-encoding", "gzip")], b"body");
    for (presented, status) in [("\"v;gzip\"", 304), ("\"v\"", 200), ("\"v;br\"", 200)] {
        let found = ask(&coded, &Method::GET, Coding::Brotli, &[("if-none-match", presented)]);
        assert_eq!(found.status.as_u16(), status, "{presented}");
        assert!(!found.headers.contains_key(header::VARY));
    }
}

#[test]
fn what_cannot_be_read_matches_nothing() {
    let stored = stored(&FIELDS, b"body");
    for bad in ["v", "\"v", "*, \"v\"", "\"v\" \"v\"", "w/\"v\"", ""] {
        let bad: &'static str = Box::leak(bad.to_owned().into_boxed_str());
        assert_eq!(get(&stored, &[("if-none-match", bad)]).status, StatusCode::OK, "{bad}");
        assert_eq!(get(&stored, &[("if-match", bad)]).status, StatusCode::PRECONDITION_FAILED, "{bad}");
    }
    for good in ["*", " ,\t\"v\" ,", "\"a,b\",\"v\""] {
        assert_eq!(get(&stored, &[("if-none-match", good)]).status, StatusCode::NOT_MODIFIED, "{good}");
    }
    assert_eq!(
        get(&stored, &[("if-none-match", "\"a\""), ("if-none-match", "\"v\"")]).status,
        StatusCode::NOT_MODIFIED
    );
}

#[test]
fn dates_count_only_without_tags() {
    let (before, at, after) =
        ("Tue, 14 Nov 2023 21:59:59 GMT", "Tue, 14 Nov 2023 22:00:00 GMT", "Tue, 14 Nov 2023 22:00:01 GMT");
    let stored_ = stored(&FIELDS, b"body");
    for (request, status) in [
        (vec![("if-modified-since", before)], 200),
        (vec![("if-modified-since", at)], 304),
        (vec![("if-modified-since", after)], 304),
        (vec![("if-modified-since", "yesterday")], 200),
        (vec![("if-modified-since", after), ("if-none-match", "\"x\"")], 200),
        (vec![("if-unmodified-since", before)], 412),
        (vec![("if-unmodified-since", at)], 200),
        (vec![("if-unmodified-since", before), ("if-match", "\"v\"")], 200),
        (vec![("if-match", "\"x\"")], 412),
        (vec![("if-match", "\"x\""), ("if-none-match", "\"v\"")], 412),
        (vec![("if-match", "\"v\""), ("if-none-match", "\"v\"")], 304),
    ] {
        assert_eq!(get(&stored_, &request).status.as_u16(), status, "{request:?}");
    }
    // RFC 9111 §4.3.2: without a modification date, that of the answer.
    let undated = stored(&[], b"body");
    assert_eq!(
        get(&undated, &[("if-modified-since", "Tue, 14 Nov 2023 22:13:20 GMT")]).status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        get(&undated, &[("if-modified-since", "Tue, 14 Nov 2023 22:13:19 GMT")]).status,
        StatusCode::OK
    );
}

#[test]
fn conditions_are_ignored_where_the_answer_is_no_success() {
    let missing = with_terms(
        StatusCode::NOT_FOUND,
        &head(&FIELDS),
        b"no",
        terms(VarySpec::default()),
        Variant::default(),
    );
    for request in [("if-none-match", "\"v\""), ("if-match", "\"x\""), ("range", "bytes=0-0")] {
        let found = get(&missing, &[request]);
        assert_eq!((found.status, found.body.len()), (StatusCode::NOT_FOUND, 2), "{request:?}");
    }
}

#[test]
fn a_part_is_of_the_uncoded_octets() {
    let stored = stored(&FIELDS, b"0123456789");
    stored.set_coding(Coding::Brotli, &Bytes::from_static(b"coded"));
    let found = ask(&stored, &Method::GET, Coding::Brotli, &[("range", "bytes=2-4"), ("if-range", "\"v\"")]);
    assert_eq!(
        (found.outcome, found.status, &*found.body),
        (Outcome::Part, StatusCode::PARTIAL_CONTENT, &b"234"[..])
    );
    let lines = fields(&found);
    for line in
        ["content-range: bytes 2-4/10", "content-length: 3", "etag: \"v\"", "repr-digest: sha-256=:x:"]
    {
        assert!(lines.contains(&line.to_owned()), "{line} in {lines:?}");
    }
    assert!(
        !lines.iter().any(|line| line.starts_with("content-encoding") || line.starts_with("content-digest"))
    );
}

#[test]
fn a_part_is_sent_only_of_what_the_client_has_parts_of() {
    let stored = stored(&FIELDS, b"0123456789");
    let status = |request: &[(&'static str, &'static str)]| get(&stored, request).status.as_u16();
    for (if_range, expected) in [
        ("\"v\"", 206),
        ("\"v;br\"", 200),
        ("W/\"v\"", 200),
        ("\"x\"", 200),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 206),
        ("Tue, 14 Nov 2023 22:00:01 GMT", 200),
    ] {
        assert_eq!(status(&[("range", "bytes=0-"), ("if-range", if_range)]), expected, "{if_range}");
    }
    assert_eq!(status(&[("range", "bytes=10-")]), 416);
    assert_eq!(
        get(&stored, &[("range", "bytes=10-")]).headers.get(header::CONTENT_RANGE).unwrap(),
        "bytes */10"
    );
    assert_eq!(status(&[("range", "lines=0-")]), 200);
    assert_eq!(status(&[("range", "bytes=0-"), ("if-none-match", "\"v\"")]), 304);
}

#[test]
fn a_coding_is_wanted_only_where_it_would_be_sent() {
    let plain = stored(&FIELDS, b"body");
    let fixed = stored(&[("content-encoding", "gzip")], b"body");
    let (empty, ranged) = (HeaderMap::new(), head(&[("range", "bytes=0-")]));
    let wants = |stored: &Stored, headers, coding| {
        wants_coding(stored, &Asked { method: &Method::GET, headers, coding })
    };
    assert!(wants(&plain, &empty, Coding::Brotli));
    assert!(!wants(&plain, &empty, Coding::Identity));
    assert!(!wants(&plain, &ranged, Coding::Brotli));
    assert!(!wants(&fixed, &empty, Coding::Brotli));
}

fn any_condition() -> impl Strategy<Value = String> {
    let tag = "(W/)?\"[vx](;br|;zstd|;gzip|;other)?\"";
    let bad = prop_oneof![Just("v".to_owned()), Just("*".to_owned()), "[\"v;,* ]{0,8}"];
    prop_oneof![
        4 => prop::collection::vec(tag, 0..4).prop_map(|tags| tags.join(", ")),
        1 => bad,
    ]
}

proptest! {
    /// The same decisions as of the crate that the services decide with.
    #[test]
    fn conditions_are_decided_as_at_the_origin(
        weak in any::<bool>(),
        none_match in prop::option::of(any_condition()),
        if_match in prop::option::of(any_condition()),
        modified_since in prop::option::of(-2_i64..3),
        unmodified_since in prop::option::of(-2_i64..3),
    ) {
        let modified = std::time::UNIX_EPOCH + Duration::from_secs(1_699_999_200);
        let at = |offset: i64| {
            let time = modified.checked_add(Duration::from_secs(10)).unwrap() - Duration::from_secs(10_u64.wrapping_add_signed(-offset));
            HeaderValue::from_str(&httpdate::fmt_http_date(time)).unwrap()
        };
        let tag = if weak { "W/\"v\"" } else { "\"v\"" };
        let stored = stored(&[("etag", tag), ("last-modified", "Tue, 14 Nov 2023 22:00:00 GMT")], b"body");
        let mut request = HeaderMap::new();
        for (name, value) in [(header::IF_NONE_MATCH, &none_match), (header::IF_MATCH, &if_match)] {
            if let Some(value) = value {
                request.insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        for (name, offset) in [(header::IF_MODIFIED_SINCE, modified_since), (header::IF_UNMODIFIED_SINCE, unmodified_since)] {
            if let Some(offset) = offset {
                request.insert(name, at(offset));
            }
        }
        let found = answer(&stored, &Asked { method: &Method::GET, headers: &request, coding: Coding::Identity }, NOW);
        let outcome = match Conditions::from_http(&request) {
            Ok(conditions) => match conditions.check_dated_read(&EntityTag::parse(tag).unwrap(), Some(modified)) {
                ReadDecision::Send => Outcome::Whole,
                ReadDecision::NotModified => Outcome::NotModified,
                ReadDecision::Failed => Outcome::PreconditionFailed,
            },
            // Off the grammar: the origin refuses, here nothing is taken for a match.
            Err(_) => {
                prop_assert!(found.outcome != Outcome::NotModified || none_match.is_some_and(|list| Conditions::from_http(&head_of(&list)).is_ok()));
                return Ok(());
            }
        };
        prop_assert_eq!(found.outcome, outcome);
    }

    #[test]
    fn a_part_is_a_part_of_the_whole(length in 1_u8..50, first in 0_u8..60, last in prop::option::of(0_u8..60)) {
        let body: Vec<u8> = (0..length).collect();
        let stored = stored(&[("etag", "\"v\"")], &body);
        let range = format!("bytes={first}-{}", last.map(|last| last.to_string()).unwrap_or_default());
        let request = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_str(&range).unwrap())]);
        let found = answer(&stored, &Asked { method: &Method::GET, headers: &request, coding: Coding::Identity }, NOW);
        let end = last.map_or(length, |last| length.min(last + 1));
        if last.is_some_and(|last| last < first) {
            prop_assert_eq!(found.status, StatusCode::OK);
        } else if first >= length {
            prop_assert_eq!(found.status, StatusCode::RANGE_NOT_SATISFIABLE);
        } else {
            prop_assert_eq!(&found.body[..], &body[first.into()..end.into()]);
            prop_assert_eq!(found.headers.get(header::CONTENT_LENGTH).unwrap(), &(end - first).to_string());
        }
    }
}

/// What [`Wire`] writes, as a map, with its status and body; `None` where it leaves the answer to [`answer`].
fn wired(stored: &Stored, asked: &Asked<'_>, targeted: bool) -> Option<(StatusCode, HeaderMap, Bytes)> {
    let wire = Wire::of(stored, asked)?;
    let mut out = Vec::new();
    wire.write_fields(targeted, NOW + Duration::from_secs(7), &mut out);
    let mut headers = HeaderMap::new();
    for line in String::from_utf8(out).unwrap().split_terminator("\r\n") {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    Some((wire.status(), headers, wire.body().clone()))
}

#[test]
fn on_the_wire_the_answer_is_the_same() {
    let of_status = |status, body: &[u8]| {
        let (terms, variant) = (terms(VarySpec::default()), Variant::default());
        std::sync::Arc::new(with_terms(status, &head(&FIELDS), body, terms, variant))
    };
    let targeted = ("cdn-cache-control", "max-age=5");
    let with_targeted: Vec<_> = [FIELDS.as_slice(), &[targeted, ("link", "</a>"), ("link", "</b>")]].concat();
    let samples = [
        stored(&FIELDS, &[b'a'; 600]),
        stored(&with_targeted, b"body"),
        stored(&[("etag", "not a tag"), ("vary", "accept-encoding, origin")], b""),
        stored(&[], b"x"),
        of_status(StatusCode::NO_CONTENT, b""),
        of_status(StatusCode::NOT_FOUND, b"no"),
    ];
    samples[0].set_coding(Coding::Zstd, &Bytes::from_static(b"zstd"));
    samples[0].set_coding(Coding::Gzip, &Bytes::from_static(b"gzip"));
    let requests: [&[(&str, &str)]; 8] = [
        &[],
        &[("if-none-match", "\"v\"")],
        &[("if-none-match", "\"v;zstd\"")],
        &[("if-none-match", "*")],
        &[("if-modified-since", "Tue, 14 Nov 2023 22:13:20 GMT")],
        &[("if-match", "\"x\"")],
        &[("range", "bytes=0-0")],
        &[("range", "bytes=900-")],
    ];
    let mut wires = 0;
    for (stored, request) in
        samples.iter().flat_map(|stored| requests.iter().map(move |request| (stored, request)))
    {
        for (coding, method) in
            CODINGS.iter().flat_map(|coding| [(coding, Method::GET), (coding, Method::HEAD)])
        {
            let headers = head(request);
            let asked = Asked { method: &method, headers: &headers, coding: *coding };
            let answer = answer(stored, &asked, NOW + Duration::from_secs(7));
            let usual = matches!(answer.outcome, Outcome::Whole | Outcome::NotModified);
            let wired_ = wired(stored, &asked, true);
            assert_eq!(wired_.is_some(), usual);
            let Some(wired_) = wired_ else { continue };
            assert_eq!(wired_, (answer.status, answer.headers.clone(), answer.body.clone()), "{request:?}");
            let mut without = answer.headers;
            without.remove(targeted.0);
            assert_eq!(wired(stored, &asked, false).unwrap(), (answer.status, without, answer.body));
            wires += 1;
        }
    }
    assert!(wires > 200, "{wires}");
}

fn head_of(list: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(list).unwrap())])
}
