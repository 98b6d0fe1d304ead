//! What a request is answered with, once the stored answer for it is found: all of it, a part, or that the client has it.
//!
//! This is the hot path of a gateway: one map of fields is built, values are shared, nothing is parsed that is not asked for.

use bytes::Bytes;
use coherence::clock::Instant;
use conditional::Coding;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use crate::range::{self, Selection, Validators};
use crate::stored::{Stored, Tag};

mod age;
mod conditions;
mod wire;

pub use wire::Wire;
pub(crate) use wire::push_digits;

use conditions::Verdict;

/// Room for the fields that whoever answers adds.
const SPARE_FIELDS: usize = 12;

/// What counts of a request when it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// GET or HEAD.
    pub method: &'a Method,
    /// Its header section.
    pub headers: &'a HeaderMap,
    /// The coding the client likes best. Where it has not been made, the answer is uncoded.
    pub coding: Coding,
}

/// What became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The stored answer with its own status, without the body for HEAD.
    Whole,
    /// 206
    Part,
    /// 304
    NotModified,
    /// 412: `If-Match` or `If-Unmodified-Since` asks for another version. These are meant for the origin (RFC 9111 §4.3.2), so
    /// who is not sure to be as new as the origin passes the request on instead.
    PreconditionFailed,
    /// 416
    Unsatisfiable,
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What became of the request.
    pub outcome: Outcome,
    /// The status.
    pub status: StatusCode,
    /// The header section, complete with `Age` and, for what has one, `Content-Length`. There is room for a few more.
    pub headers: HeaderMap,
    /// The body; empty for HEAD.
    pub body: Bytes,
}

/// Whether an answer with the body in `coding` would be sent coded: then it is worth making, if
/// [`Stored::coding`] does not have it yet.
#[must_use]
pub fn wants_coding(stored: &Stored, asked: &Asked<'_>) -> bool {
    asked.coding != Coding::Identity && stored.is_codable() && !asked.headers.contains_key(header::RANGE)
}

/// Answers a GET or HEAD from what is stored (RFC 9110 §13.2.2, RFC 9111 §4, §4.3.2).
#[must_use]
pub fn answer(stored: &Stored, asked: &Asked<'_>, now: Instant) -> Answer {
    match decide(stored, asked) {
        Decision::Whole => whole(stored, asked, now),
        Decision::NotModified { coded } => not_modified(stored, asked, coded, now),
        Decision::Failed => failed(stored),
        Decision::Part { first, last } => part(stored, first, last, now),
        Decision::Unsatisfiable => unsatisfiable(octets(stored.body().len())),
    }
}

/// What a request comes to before what is stored.
enum Decision {
    Whole,
    NotModified { coded: bool },
    Failed,
    Part { first: u64, last: u64 },
    Unsatisfiable,
}

fn decide(stored: &Stored, asked: &Asked<'_>) -> Decision {
    if !stored.status().is_success() || !is_particular(asked.headers) {
        return Decision::Whole;
    }
    match conditions::evaluate(stored, asked.headers) {
        Verdict::Send => {}
        Verdict::NotModified { coded } => return Decision::NotModified { coded },
        Verdict::Failed => return Decision::Failed,
    }
    if stored.status() == StatusCode::OK && *asked.method == Method::GET {
        return match select(stored, asked.headers, octets(stored.body().len())) {
            Selection::Whole => Decision::Whole,
            Selection::Part { first, last } => Decision::Part { first, last },
            Selection::Unsatisfiable => Decision::Unsatisfiable,
        };
    }
    Decision::Whole
}

/// Whether there is a condition or a range at all. One walk over the names costs less than looking for each field.
fn is_particular(request: &HeaderMap) -> bool {
    request
        .keys()
        .map(|name| name.as_str().as_bytes())
        .any(|name| name.starts_with(b"if-") || name == b"range")
}

/// Parts are counted in bytes of the uncoded body, and have its tag.
fn select(stored: &Stored, request: &HeaderMap, length: u64) -> Selection {
    let of = Validators {
        etag: stored.tag().map(|tag| tag.value().as_bytes()),
        last_modified: stored.last_modified(),
        date: Some(stored.terms().date),
    };
    range::select(request, of, length)
}

fn whole(stored: &Stored, asked: &Asked<'_>, now: Instant) -> Answer {
    let encoded = stored.coding(asked.coding);
    let mut headers = HeaderMap::with_capacity(stored.fields().all().len() + SPARE_FIELDS);
    let (body, length, tag) = match encoded {
        Some(encoded) => {
            copy(&mut headers, stored.fields().of_coded());
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoded.coding().token()));
            (encoded.body(), encoded.length(), encoded.tag())
        }
        None => {
            copy(&mut headers, stored.fields().all());
            (stored.body(), stored.length(), stored.tag().map(Tag::value))
        }
    };
    if has_content(stored.status()) {
        headers.insert(header::CONTENT_LENGTH, length.clone());
    }
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag.clone());
    }
    finish(&mut headers, stored, now);
    let body = if *asked.method == Method::HEAD { Bytes::new() } else { body.clone() };
    Answer { outcome: Outcome::Whole, status: stored.status(), headers, body }
}

/// The fields of RFC 9110 §15.4.5. The tag is that of the coding a 200 would have if the client has the version under the
/// tag of a coding, else the one without, which is the one it knows.
fn not_modified(stored: &Stored, asked: &Asked<'_>, coded: bool, now: Instant) -> Answer {
    let fields = stored.fields().in_not_modified();
    let mut headers = HeaderMap::with_capacity(fields.len() + SPARE_FIELDS);
    copy(&mut headers, fields);
    if let Some(tag) = tag_of_not_modified(stored, asked, coded) {
        headers.insert(header::ETAG, tag);
    }
    finish(&mut headers, stored, now);
    Answer { outcome: Outcome::NotModified, status: StatusCode::NOT_MODIFIED, headers, body: Bytes::new() }
}

fn part(stored: &Stored, first: u64, last: u64, now: Instant) -> Answer {
    let all = stored.body();
    let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(all.len());
    let body = all.slice(index(first)..index(last.saturating_add(1)));
    let mut headers = HeaderMap::with_capacity(stored.fields().all().len() + SPARE_FIELDS);
    copy(&mut headers, stored.fields().of_part());
    headers.insert(header::CONTENT_RANGE, range::content_range(first, last, octets(all.len())));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if let Some(tag) = stored.tag() {
        headers.insert(header::ETAG, tag.value().clone());
    }
    finish(&mut headers, stored, now);
    Answer { outcome: Outcome::Part, status: StatusCode::PARTIAL_CONTENT, headers, body }
}

/// Nothing of the representation, but its tag, by which the client may find out what it lacks.
fn failed(stored: &Stored) -> Answer {
    let mut headers = HeaderMap::with_capacity(SPARE_FIELDS);
    if let Some(tag) = stored.tag() {
        headers.insert(header::ETAG, tag.value().clone());
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    Answer {
        outcome: Outcome::PreconditionFailed,
        status: StatusCode::PRECONDITION_FAILED,
        headers,
        body: Bytes::new(),
    }
}

fn unsatisfiable(length: u64) -> Answer {
    let mut headers = HeaderMap::with_capacity(SPARE_FIELDS);
    headers.insert(header::CONTENT_RANGE, range::unsatisfied_range(length));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    Answer { outcome: Outcome::Unsatisfiable, status, headers, body: Bytes::new() }
}

fn copy<'f>(headers: &mut HeaderMap, fields: impl IntoIterator<Item = &'f (HeaderName, HeaderValue)>) {
    for (name, value) in fields {
        headers.append(name, value.clone());
    }
}

/// What every answer from here says: its age, and that it depends on `Accept-Encoding` where it does.
fn finish(headers: &mut HeaderMap, stored: &Stored, now: Instant) {
    if lacks_vary(stored) {
        headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    headers.insert(header::AGE, age::value(age_of(stored, now)));
}

/// Whether an answer from here depends on `Accept-Encoding` and does not say so by itself.
fn lacks_vary(stored: &Stored) -> bool {
    stored.is_codable() && !stored.names_accept_encoding()
}

/// The age in seconds.
fn age_of(stored: &Stored, now: Instant) -> u64 {
    stored.terms().age(stored.resident(now)).as_secs()
}

/// The tag of a 304.
fn tag_of_not_modified(stored: &Stored, asked: &Asked<'_>, coded: bool) -> Option<HeaderValue> {
    let tag = stored.tag()?;
    let coding = if coded { asked.coding } else { Coding::Identity };
    let made = stored.coding(coding).and_then(|encoded| encoded.tag()).cloned();
    Some(made.unwrap_or_else(|| tag.of_coding(coding)))
}

/// Whether an answer of this status has a length to speak of (RFC 9110 §8.6).
fn has_content(status: StatusCode) -> bool {
    !status.is_informational() && status != StatusCode::NO_CONTENT
}

fn octets(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "answer/tests.rs"]
mod tests;
