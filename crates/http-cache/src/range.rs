//! A part of a stored whole (RFC 9111 §3.3, RFC 9110 §14).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, header};

use crate::date;

/// What of a stored representation a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it, with 200: no part was asked for, or not in a way that is answered with one.
    Whole,
    /// The bytes from `first` to `last`, both included, with 206.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte; less than the length.
        last: u64,
    },
    /// None of the bytes exist: 416.
    Unsatisfiable,
}

/// What the representation is known by, for `If-Range`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Validators<'a> {
    /// Its `ETag`.
    pub etag: Option<&'a [u8]>,
    /// Its `Last-Modified`.
    pub last_modified: Option<SystemTime>,
    /// Its `Date`.
    pub date: Option<SystemTime>,
}

/// Reads `Range` and `If-Range` of a GET for a representation of `length` bytes. Several ranges at once, another unit and
/// what is malformed are answered with the whole (§14.2: `Range` may be ignored). Preconditions come first (§13.2.2).
#[must_use]
pub fn select(request: &HeaderMap, of: Validators<'_>, length: u64) -> Selection {
    let mut lines = request.get_all(header::RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Selection::Whole };
    let Some(wanted) = line.to_str().ok().and_then(parse) else { return Selection::Whole };
    // A representation without bytes has no part that `Content-Range` could name.
    if length == 0 || !if_range_holds(request, of) {
        return Selection::Whole;
    }
    wanted.of(length)
}

/// `Content-Range` of a part.
#[must_use]
pub fn content_range(first: u64, last: u64, length: u64) -> HeaderValue {
    field(format!("bytes {first}-{last}/{length}"))
}

/// `Content-Range` of a 416 (§15.5.17).
#[must_use]
pub fn unsatisfied_range(length: u64) -> HeaderValue {
    field(format!("bytes */{length}"))
}

fn field(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_never| HeaderValue::from_static(""))
}

/// One range of bytes, as it was asked for (§14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    From { first: u64, last: Option<u64> },
    Suffix { length: u64 },
}

impl Wanted {
    fn of(self, length: u64) -> Selection {
        let end = length.saturating_sub(1);
        match self {
            Self::From { first, .. } if first > end => Selection::Unsatisfiable,
            Self::From { first, last } => Selection::Part { first, last: last.unwrap_or(end).min(end) },
            Self::Suffix { length: 0 } => Selection::Unsatisfiable,
            Self::Suffix { length: suffix } => {
                Selection::Part { first: length.saturating_sub(suffix), last: end }
            }
        }
    }
}

fn parse(value: &str) -> Option<Wanted> {
    let (unit, ranges) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut ranges = ranges.split(',').map(str::trim).filter(|range| !range.is_empty());
    let (range, None) = (ranges.next()?, ranges.next()) else { return None };
    match range.split_once('-')? {
        ("", suffix) => Some(Wanted::Suffix { length: number(suffix)? }),
        (first, "") => Some(Wanted::From { first: number(first)?, last: None }),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Wanted::From { first, last: Some(last) })
        }
    }
}

/// Digits only; what no representation can reach counts as the greatest number.
fn number(digits: &str) -> Option<u64> {
    let sound = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| digits.parse().unwrap_or(u64::MAX))
}

/// §13.1.5: a part only of the very representation the client has; otherwise the whole.
fn if_range_holds(request: &HeaderMap, of: Validators<'_>) -> bool {
    let mut lines = request.get_all(header::IF_RANGE).iter();
    let Some(line) = lines.next() else { return true };
    if lines.next().is_some() {
        return false;
    }
    let value = line.as_bytes().trim_ascii();
    if value.starts_with(b"\"") {
        return of.etag == Some(value);
    }
    // A weak tag is no date either, and never matches.
    match (date::parse(value), of.last_modified) {
        (Some(asked), Some(modified)) => asked == modified && is_strong(modified, of.date),
        _ => false,
    }
}

/// A date is a strong validator once a second has passed in which the representation did not change (§8.8.2.2).
fn is_strong(modified: SystemTime, date: Option<SystemTime>) -> bool {
    date.and_then(|date| date.duration_since(modified).ok())
        .is_some_and(|still| still >= Duration::from_secs(1))
}

#[cfg(test)]
#[path = "range_tests.rs"]
mod tests;
