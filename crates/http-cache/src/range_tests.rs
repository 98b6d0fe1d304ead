//! Parts of a stored whole (RFC 9110 §13.1.5, §14).

use super::*;

/// A representation of 100 bytes, asked for by `Range`.
fn selected(range: &'static str) -> Selection {
    let mut request = HeaderMap::new();
    request.insert(header::RANGE, HeaderValue::from_static(range));
    select(&request, Validators::default(), 100)
}

const fn part(first: u64, last: u64) -> Selection {
    Selection::Part { first, last }
}

/// RFC 9110 §14.1.2.
#[test]
fn a_range_selects_a_part() {
    for (range, expected) in [
        ("bytes=0-0", part(0, 0)),
        ("bytes=10-19", part(10, 19)),
        ("bytes=10-", part(10, 99)),
        ("bytes=10-1000", part(10, 99)),
        ("bytes=-10", part(90, 99)),
        ("bytes=-1000", part(0, 99)),
        ("Bytes= 5-6 ", part(5, 6)),
        ("bytes=0-99999999999999999999999999", part(0, 99)),
    ] {
        assert_eq!(selected(range), expected, "{range}");
    }
}

/// RFC 9110 §14.1.2, §15.5.17.
#[test]
fn a_range_outside_the_representation_is_unsatisfiable() {
    for range in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999999-"] {
        assert_eq!(selected(range), Selection::Unsatisfiable, "{range}");
    }
}

/// RFC 9110 §14.2.
#[test]
fn a_malformed_range_is_ignored() {
    for range in [
        "bytes",
        "bytes=",
        "bytes=5",
        "bytes=9-5",
        "bytes=a-b",
        "bytes=-",
        "bytes=+1-2",
        "bytes=1-2-3",
        "bytes 1-2",
    ] {
        assert_eq!(selected(range), Selection::Whole, "{range}");
    }
}

/// RFC 9110 §14.2.
#[test]
fn a_range_of_another_unit_is_ignored() {
    assert_eq!(selected("lines=0-9"), Selection::Whole);
}

/// RFC 9110 §14.2, §15.3.7.2: parts in one body are not made.
#[test]
fn several_ranges_get_the_whole() {
    assert_eq!(selected("bytes=0-9, 20-29"), Selection::Whole);
    let mut request = HeaderMap::new();
    request.append(header::RANGE, HeaderValue::from_static("bytes=0-9"));
    request.append(header::RANGE, HeaderValue::from_static("bytes=20-29"));
    assert_eq!(select(&request, Validators::default(), 100), Selection::Whole);
}

#[test]
fn nothing_is_a_part_of_an_empty_representation() {
    let mut request = HeaderMap::new();
    assert_eq!(select(&request, Validators::default(), 100), Selection::Whole, "no range at all");
    request.insert(header::RANGE, HeaderValue::from_static("bytes=0-"));
    assert_eq!(select(&request, Validators::default(), 0), Selection::Whole);
}

/// `Range` with `If-Range` for a representation with a tag and a date a second older than itself.
fn conditional(if_range: &'static str, etag: Option<&'static str>) -> Selection {
    let mut request = HeaderMap::new();
    request.insert(header::RANGE, HeaderValue::from_static("bytes=0-9"));
    request.insert(header::IF_RANGE, HeaderValue::from_static(if_range));
    let modified = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    let of = Validators {
        etag: etag.map(str::as_bytes),
        last_modified: Some(modified),
        date: Some(modified + Duration::from_secs(1)),
    };
    select(&request, of, 100)
}

/// RFC 9110 §13.1.5.
#[test]
fn if_range_gives_a_part_of_the_same_strong_tag_only() {
    assert_eq!(conditional("\"v\"", Some("\"v\"")), part(0, 9));
    for (asked, stored) in
        [("\"v\"", Some("\"w\"")), ("W/\"v\"", Some("W/\"v\"")), ("\"v\"", Some("W/\"v\"")), ("\"v\"", None)]
    {
        assert_eq!(conditional(asked, stored), Selection::Whole, "{asked} {stored:?}");
    }
    let mut request = HeaderMap::new();
    request.insert(header::RANGE, HeaderValue::from_static("bytes=0-9"));
    request.append(header::IF_RANGE, HeaderValue::from_static("\"v\""));
    request.append(header::IF_RANGE, HeaderValue::from_static("\"w\""));
    let of = Validators { etag: Some(b"\"v\""), ..Validators::default() };
    assert_eq!(select(&request, of, 100), Selection::Whole, "two of them are none");
}

/// RFC 9110 §13.1.5, §8.8.2.2.
#[test]
fn if_range_gives_a_part_of_the_same_strong_date_only() {
    assert_eq!(conditional("Sun, 06 Nov 1994 08:49:37 GMT", Some("\"v\"")), part(0, 9));
    for other in ["Sun, 06 Nov 1994 08:49:38 GMT", "Sun, 06 Nov 1994 08:49:36 GMT", "yesterday"] {
        assert_eq!(conditional(other, None), Selection::Whole, "{other}");
    }
    let mut request = HeaderMap::new();
    request.insert(header::RANGE, HeaderValue::from_static("bytes=0-9"));
    request.insert(header::IF_RANGE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
    let modified = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    let of = Validators { etag: None, last_modified: Some(modified), date: Some(modified) };
    assert_eq!(
        select(&request, of, 100),
        Selection::Whole,
        "of the same second: it may have changed within it"
    );
}

/// RFC 9110 §13.1.5.
#[test]
fn if_range_without_range_is_ignored() {
    let mut request = HeaderMap::new();
    request.insert(header::IF_RANGE, HeaderValue::from_static("\"v\""));
    assert_eq!(select(&request, Validators::default(), 100), Selection::Whole);
}

/// RFC 9110 §14.4, §15.5.17.
#[test]
fn content_range_names_the_part_and_the_length() {
    assert_eq!(content_range(0, 9, 100), "bytes 0-9/100");
    assert_eq!(unsatisfied_range(100), "bytes */100");
}
