//! Content coding: which answers are worth it, which coding the client gets, and what that does to the headers.
//!
//! The decision is taken from the head alone and is the same for GET, HEAD and the validators of a 304, so that a
//! client never sees one version under the tag of another coding (`X-D1`).

use conditional::{Coding, EntityTag};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};

mod body;
mod negotiate;
mod tags;

pub(crate) use body::{Compressed, compress};
pub(crate) use negotiate::{negotiate, thousandths};
pub(crate) use tags::{check_conditions, stripped_conditions, tags_in};

/// Answers of this size or less are sent as they are: the coding would cost more than it saves.
const LARGEST_UNCOMPRESSED_BYTES: u64 = 500;

/// What is known about the request when its answer comes.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The coding the client likes best among ours.
    pub(crate) coding: Coding,
    /// Whether a part was asked for; parts are counted in bytes of the uncoded representation.
    pub(crate) range: bool,
    /// The tags in `If-None-Match`, as the client sent them.
    pub(crate) presented: Vec<EntityTag>,
}

impl Asked {
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        Self {
            coding: negotiate(headers.get_all(header::ACCEPT_ENCODING).iter().map(HeaderValue::as_bytes)),
            range: headers.contains_key(header::RANGE),
            presented: tags_in(headers, &header::IF_NONE_MATCH).unwrap_or_default(),
        }
    }
}

/// Adapts the headers of an answer to the coding the client gets, and returns that coding. `length` is the length of
/// the uncoded body if it is known; for HEAD the length the body would have.
pub(crate) fn apply(
    status: StatusCode,
    headers: &mut HeaderMap,
    length: Option<u64>,
    asked: &Asked,
) -> Coding {
    if status == StatusCode::NOT_MODIFIED {
        revalidated(headers, asked);
        return Coding::Identity;
    }
    if !is_candidate(status, headers, length) || asked.range {
        return Coding::Identity;
    }
    add_vary(headers);
    if asked.coding == Coding::Identity {
        return Coding::Identity;
    }
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(asked.coding.token()));
    for stale in ["content-length", "accept-ranges"] {
        headers.remove(stale);
    }
    recode_validators(headers, asked.coding);
    asked.coding
}

/// Takes off what speaks of the uncoded bytes and renames the version. Trailers may have these as well.
fn recode_validators(headers: &mut HeaderMap, coding: Coding) {
    for stale in ["content-md5", "digest", "content-digest", "repr-digest"] {
        headers.remove(stale);
    }
    if let Some(tag) = tag_of(headers) {
        set_tag(headers, &tag.with_coding(coding));
    }
}

/// A 304 carries the `Vary` and the tag of what a 200 would have been (RFC 9110 §15.4.5). The upstream does not say whether
/// that would have been coded: `Vary` is there whenever it could have been, and of the tag the client knows, since it
/// presents the one it was given.
fn revalidated(headers: &mut HeaderMap, asked: &Asked) {
    if forbids_transform(headers) || headers.contains_key(header::CONTENT_ENCODING) {
        return;
    }
    add_vary(headers);
    let Some(current) = tag_of(headers) else { return };
    let of_this_version = |tag: &&EntityTag| tag.strip_coding().weak_eq(&current.strip_coding());
    let coded_before =
        asked.presented.iter().filter(of_this_version).any(|tag| tag.opaque() != tag.strip_coding().opaque());
    if coded_before {
        set_tag(headers, &current.with_coding(asked.coding));
    }
}

/// Whether an answer with this head is worth a coding, and may have one.
pub(crate) fn is_candidate(status: StatusCode, headers: &HeaderMap, length: Option<u64>) -> bool {
    let has_body = !status.is_informational()
        && !matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::PARTIAL_CONTENT
        );
    has_body
        && length.is_none_or(|length| length > LARGEST_UNCOMPRESSED_BYTES)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
        && !forbids_transform(headers)
        && headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(is_compressible)
}

fn forbids_transform(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}

/// Whether bytes of this media type usually get smaller. Event streams do, but must not be held back by a coder.
fn is_compressible(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.split_once('/') {
        Some(("text", kind)) => kind != "event-stream",
        Some(("application", kind)) => {
            matches!(
                kind,
                "json"
                    | "x-ndjson"
                    | "ndjson"
                    | "jsonl"
                    | "json-seq"
                    | "javascript"
                    | "xml"
                    | "yaml"
                    | "x-yaml"
                    | "graphql"
                    | "wasm"
                    | "x-www-form-urlencoded"
            ) || kind.ends_with("+json")
                || kind.ends_with("+xml")
                || kind.ends_with("+yaml")
        }
        Some(("image", kind)) => matches!(kind, "svg+xml" | "bmp"),
        Some(("font", kind)) => matches!(kind, "ttf" | "otf"),
        _ => false,
    }
}

fn tag_of(headers: &HeaderMap) -> Option<EntityTag> {
    EntityTag::parse(headers.get(header::ETAG)?.to_str().ok()?.trim()).ok()
}

fn set_tag(headers: &mut HeaderMap, tag: &EntityTag) {
    if let Ok(value) = HeaderValue::from_str(&tag.to_string()) {
        headers.insert(header::ETAG, value);
    }
}

/// Names `Accept-Encoding` in `Vary` unless it is there or everything is.
fn add_vary(headers: &mut HeaderMap) {
    let names = headers
        .get_all(header::VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|name| name == "*" || name.eq_ignore_ascii_case("accept-encoding"));
    if !names {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(coding: Coding, presented: &[&str]) -> Asked {
        let presented = presented.iter().map(|tag| EntityTag::parse(tag).unwrap()).collect();
        Asked { coding, range: false, presented }
    }

    fn head(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn get<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn a_coded_answer_has_its_own_tag_and_no_length() {
        let mut headers = head(&[
            ("content-type", "application/json"),
            ("content-length", "2000"),
            ("etag", "\"v\""),
            ("vary", "Origin"),
            ("accept-ranges", "bytes"),
        ]);
        let coding = apply(StatusCode::OK, &mut headers, Some(2000), &asked(Coding::Brotli, &[]));
        assert_eq!(coding, Coding::Brotli);
        assert_eq!(get(&headers, "etag"), "\"v;br\"");
        assert_eq!(get(&headers, "content-encoding"), "br");
        assert!(!headers.contains_key("content-length") && !headers.contains_key("accept-ranges"));
        let vary: Vec<_> = headers.get_all("vary").iter().collect();
        assert_eq!(vary, ["Origin", "Accept-Encoding"]);
    }

    #[test]
    fn what_could_have_been_coded_varies_even_when_it_was_not() {
        let mut headers = head(&[("content-type", "text/csv"), ("etag", "\"v\"")]);
        assert_eq!(
            apply(StatusCode::OK, &mut headers, None, &asked(Coding::Identity, &[])),
            Coding::Identity
        );
        assert_eq!((get(&headers, "etag"), get(&headers, "vary")), ("\"v\"", "Accept-Encoding"));
    }

    #[test]
    fn what_must_not_be_touched_is_not() {
        type Case = (&'static str, u64, &'static [(&'static str, &'static str)]);
        let cases: &[Case] = &[
            ("small", 500, &[("content-type", "application/json")]),
            (
                "no-transform",
                900,
                &[("content-type", "text/plain"), ("cache-control", "public, No-Transform")],
            ),
            ("coded", 900, &[("content-type", "text/plain"), ("content-encoding", "gzip")]),
            ("picture", 900, &[("content-type", "image/webp")]),
            ("events", 900, &[("content-type", "text/event-stream")]),
            ("untyped", 900, &[]),
        ];
        for (name, length, pairs) in cases {
            let mut headers = head(pairs);
            let before = headers.len();
            let coding = apply(StatusCode::OK, &mut headers, Some(*length), &asked(Coding::Zstd, &[]));
            assert_eq!((coding, headers.len()), (Coding::Identity, before), "{name}");
        }
        for status in [StatusCode::PARTIAL_CONTENT, StatusCode::NO_CONTENT] {
            let mut headers = head(&[("content-type", "text/plain")]);
            assert_eq!(apply(status, &mut headers, None, &asked(Coding::Zstd, &[])), Coding::Identity);
        }
        let mut headers = head(&[("content-type", "text/plain")]);
        let ranged = Asked { range: true, ..asked(Coding::Zstd, &[]) };
        assert_eq!(apply(StatusCode::OK, &mut headers, Some(900), &ranged), Coding::Identity);
    }

    #[test]
    fn a_304_has_the_tag_of_the_coding_the_client_would_get() {
        for (presented, coding, expected) in [
            ("\"v;br\"", Coding::Brotli, "\"v;br\""),
            ("\"v;br\"", Coding::Zstd, "\"v;zstd\""),
            ("\"v;gzip\"", Coding::Identity, "\"v\""),
            ("\"v\"", Coding::Brotli, "\"v\""),
        ] {
            let mut headers = head(&[("etag", "\"v\"")]);
            apply(StatusCode::NOT_MODIFIED, &mut headers, None, &asked(coding, &[presented]));
            assert_eq!(get(&headers, "etag"), expected, "{presented} {coding:?}");
            assert_eq!(get(&headers, "vary"), "Accept-Encoding", "{presented} {coding:?}");
        }
    }

    #[test]
    fn a_304_of_what_must_not_be_coded_stays_as_it_is() {
        for kept in [("cache-control", "no-transform"), ("content-encoding", "gzip")] {
            let mut headers = head(&[("etag", "\"v\""), kept]);
            let presented = asked(Coding::Brotli, &["\"v;br\""]);
            apply(StatusCode::NOT_MODIFIED, &mut headers, None, &presented);
            assert_eq!((get(&headers, "etag"), get(&headers, "vary")), ("\"v\"", ""));
        }
    }
}
