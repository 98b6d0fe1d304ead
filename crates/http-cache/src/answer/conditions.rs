//! The conditions of a request against a stored answer (RFC 9110 §13.2.2, RFC 9111 §4.3.2), read where they stand.
//!
//! A field that cannot be read matches nothing: then the answer is whole, which is never wrong.

use http::header::{
    HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
};

use crate::date;
use crate::stored::{Stored, TagRef, split_tag, strip_coding};

/// What the conditions come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing stands against the answer.
    Send,
    /// The client has this version; `coded` if it has it by the tag of a coding.
    NotModified { coded: bool },
    /// The client asked for another version than this.
    Failed,
}

/// Evaluates all conditions but `If-Range`, which is a matter of ranges.
pub(super) fn evaluate(stored: &Stored, request: &HeaderMap) -> Verdict {
    if let Some(lines) = Lines::of(request, &IF_MATCH) {
        if presented(lines, stored, Comparison::Strong) == Presented::Other {
            return Verdict::Failed;
        }
    } else if let Some(since) = date::field(request, &IF_UNMODIFIED_SINCE)
        && stored.last_modified().is_some_and(|modified| modified > since)
    {
        return Verdict::Failed;
    }
    if let Some(lines) = Lines::of(request, &IF_NONE_MATCH) {
        return match presented(lines, stored, Comparison::Weak) {
            Presented::Other => Verdict::Send,
            Presented::Version => Verdict::NotModified { coded: false },
            Presented::Coded => Verdict::NotModified { coded: true },
        };
    }
    match date::field(request, &IF_MODIFIED_SINCE) {
        Some(since) if stored.dated() <= since => Verdict::NotModified { coded: false },
        _ => Verdict::Send,
    }
}

/// The lines of a field that is there.
struct Lines<'a> {
    first: &'a HeaderValue,
    request: &'a HeaderMap,
    name: &'a HeaderName,
}

impl<'a> Lines<'a> {
    fn of(request: &'a HeaderMap, name: &'a HeaderName) -> Option<Self> {
        Some(Self { first: request.get(name)?, request, name })
    }

    fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        let others = self.request.get_all(self.name).iter().skip(1);
        std::iter::once(self.first).chain(others).map(HeaderValue::as_bytes)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// What of a list of tags is this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presented {
    /// Nothing, or the list cannot be read.
    Other,
    /// `*`, or the version by its own tag only.
    Version,
    /// The version by the tag of a coding.
    Coded,
}

/// Reads `"*" / #entity-tag` over all lines (RFC 9110 §5.3; empty elements are skipped). Where codings are made here, a tag
/// of any coding stands for the version (`X-D1`); where the sender chose the coding, a tag is only itself.
fn presented(lines: Lines<'_>, stored: &Stored, comparison: Comparison) -> Presented {
    let mut found = Presented::Other;
    let (mut any, mut tags) = (0_usize, 0_usize);
    for line in lines.iter() {
        let mut rest = trim(line);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix(b",") {
                rest = trim(after);
                continue;
            }
            if let Some(after) = rest.strip_prefix(b"*") {
                any += 1;
                rest = trim(after);
            } else {
                let Some((tag, after)) = split_tag(rest) else { return Presented::Other };
                tags += 1;
                found = stronger(found, one(tag, stored, comparison));
                rest = trim(after);
            }
            if !rest.is_empty() && !rest.starts_with(b",") {
                return Presented::Other;
            }
        }
    }
    match (any, tags) {
        (0, _) => found,
        (1, 0) => Presented::Version,
        _ => Presented::Other,
    }
}

fn stronger(one: Presented, other: Presented) -> Presented {
    match (one, other) {
        (Presented::Coded, _) | (_, Presented::Coded) => Presented::Coded,
        (Presented::Version, _) | (_, Presented::Version) => Presented::Version,
        _ => Presented::Other,
    }
}

fn one(tag: TagRef<'_>, stored: &Stored, comparison: Comparison) -> Presented {
    let Some(current) = stored.tag() else { return Presented::Other };
    if comparison == Comparison::Strong && (tag.weak || current.is_weak()) {
        return Presented::Other;
    }
    if !stored.is_codable() {
        return if tag.opaque == current.opaque() { Presented::Version } else { Presented::Other };
    }
    let version = strip_coding(tag.opaque);
    if version != current.version() {
        Presented::Other
    } else if version.len() == tag.opaque.len() {
        Presented::Version
    } else {
        Presented::Coded
    }
}

/// Takes optional white space off both ends.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}
