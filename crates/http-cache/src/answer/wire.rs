//! The two usual answers, the whole and that the client has it, as they go over the wire in HTTP/1.1: without a map of fields.
//!
//! The lines that are the same each time were written when the answer was stored; what is decided, and by what, is the same as for
//! [`answer`](super::answer()).

use bytes::Bytes;
use coherence::clock::Instant;
use conditional::Coding;
use http::{HeaderValue, Method, StatusCode};

use super::{Asked, Decision, age_of, decide, has_content, lacks_vary, octets, tag_of_not_modified};
use crate::stored::{Content, Encoded, Stored, Tag};

/// An answer that [`answer`](super::answer()) would give too, for who writes it himself.
#[derive(Debug)]
pub struct Wire<'s> {
    stored: &'s Stored,
    encoded: Option<&'s Encoded>,
    /// The tag of a 304; outside: the whole is sent.
    not_modified: Option<Option<HeaderValue>>,
    head: bool,
}

impl<'s> Wire<'s> {
    /// What the request is answered with; `None` where it is something else than the whole or a 304.
    #[must_use]
    pub fn of(stored: &'s Stored, asked: &Asked<'_>) -> Option<Self> {
        let (encoded, not_modified) = match decide(stored, asked) {
            Decision::Whole => (stored.coding(asked.coding), None),
            Decision::NotModified { coded } => (None, Some(tag_of_not_modified(stored, asked, coded))),
            _ => return None,
        };
        Some(Self { stored, encoded, not_modified, head: *asked.method == Method::HEAD })
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        if self.not_modified.is_some() { StatusCode::NOT_MODIFIED } else { self.stored.status() }
    }

    /// The body as it is sent.
    #[must_use]
    pub fn body(&self) -> &'s Bytes {
        static NOTHING: Bytes = Bytes::new();
        self.sent().map_or(&NOTHING, Content::octets)
    }

    /// What is sent as the body; `None` where nothing is.
    #[must_use]
    pub fn sent(&self) -> Option<&'s Content> {
        (!self.head && self.not_modified.is_none()).then(|| self.content())
    }

    /// Octets of the body, to HEAD those that GET would get; `None` where HEAD is not told.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        if !self.head {
            return Some(octets(self.body().len()));
        }
        let told = self.not_modified.is_none() && has_content(self.stored.status());
        told.then(|| octets(self.content().octets().len()))
    }

    fn content(&self) -> &'s Content {
        self.stored.content_in(self.encoded.map_or(Coding::Identity, Encoded::coding))
    }

    /// Writes the fields, each with its CRLF; `CDN-Cache-Control` only if it is `targeted` at caches that follow.
    pub fn write_fields(&self, targeted: bool, now: Instant, out: &mut Vec<u8>) {
        let (stored, fields) = (self.stored, self.stored.fields());
        let tag = match (&self.not_modified, self.encoded) {
            (Some(tag), _) => {
                out.extend_from_slice(fields.in_not_modified_text(targeted));
                tag.as_ref()
            }
            (None, Some(encoded)) => {
                out.extend_from_slice(fields.of_coded_text(targeted));
                line(out, b"content-encoding: ", encoded.coding().token().as_bytes());
                self.write_length(encoded.length(), out);
                encoded.tag()
            }
            (None, None) => {
                out.extend_from_slice(fields.all_text(targeted));
                self.write_length(stored.length(), out);
                stored.tag().map(Tag::value)
            }
        };
        if let Some(tag) = tag {
            line(out, b"etag: ", tag.as_bytes());
        }
        if lacks_vary(stored) {
            out.extend_from_slice(b"vary: Accept-Encoding\r\n");
        }
        out.extend_from_slice(b"age: ");
        push_digits(out, age_of(stored, now));
        out.extend_from_slice(b"\r\n");
    }

    fn write_length(&self, length: &HeaderValue, out: &mut Vec<u8>) {
        if has_content(self.stored.status()) {
            line(out, b"content-length: ", length.as_bytes());
        }
    }
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes a number in decimal digits.
pub(crate) fn push_digits(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut first = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        first -= 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
}
