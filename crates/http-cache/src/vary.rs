//! What the selection of an answer depended on (RFC 9111 §4.1), normalised so that requests which mean the same share a
//! variant. How many variants an address may have is for the store to bound.

use std::fmt;

use http::{HeaderMap, HeaderName, header};

use crate::directives::parse::elements;

mod preferences;

/// `Vary: *`: the answer suits no other request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaryAny;

impl fmt::Display for VaryAny {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the answer varies by something that is not in the request's fields")
    }
}

impl std::error::Error for VaryAny {}

/// The request fields that an answer was selected by, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VarySpec {
    names: Box<[HeaderName]>,
    authorization: bool,
}

impl VarySpec {
    /// Reads the `Vary` of an answer. `Accept-Encoding` is left out where the cache `encodes` by itself; `Authorization`
    /// always, since entries are kept apart by [`Audience`](crate::Audience) instead.
    ///
    /// # Errors
    /// [`VaryAny`] when a member is `*`, or is no field name, so that nobody can tell what to match.
    pub fn parse(headers: &HeaderMap, encodes: bool) -> Result<Self, VaryAny> {
        let mut spec = Self::default();
        let mut names = Vec::new();
        for line in headers.get_all(header::VARY) {
            for member in elements(line.as_bytes()) {
                if member == b"*" {
                    return Err(VaryAny);
                }
                let name = HeaderName::from_bytes(member).map_err(|_fault| VaryAny)?;
                if name == header::AUTHORIZATION {
                    spec.authorization = true;
                } else if !(encodes && name == header::ACCEPT_ENCODING) {
                    names.push(name);
                }
            }
        }
        names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        spec.names = names.into_boxed_slice();
        Ok(spec)
    }

    /// The fields that tell variants apart.
    #[must_use]
    pub fn names(&self) -> &[HeaderName] {
        &self.names
    }

    /// Whether the answer depended on the credentials.
    #[must_use]
    pub fn on_authorization(&self) -> bool {
        self.authorization
    }

    /// Whether one variant suits all requests of its audience.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The variant that a request asks for. Nothing is allocated where there are no fields to look at.
    #[must_use]
    pub fn variant(&self, request: &HeaderMap) -> Variant {
        let mut text = Vec::new();
        for name in &self.names {
            append(&mut text, name, request);
        }
        Variant(text.into_boxed_slice())
    }
}

/// The normalised values of the selecting fields of one request. Equal variants may share an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variant(Box<[u8]>);

impl Variant {
    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// One field a line: `name: value`, or `name` alone where the request has none.
impl fmt::Display for Variant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(String::from_utf8_lossy(&self.0).trim_end())
    }
}

/// A line feed ends a field: it stands in no value, so that different values never read the same.
fn append(text: &mut Vec<u8>, name: &HeaderName, request: &HeaderMap) {
    text.extend_from_slice(name.as_str().as_bytes());
    let mut lines = request.get_all(name).iter().map(http::HeaderValue::as_bytes).peekable();
    // §4.1: an absent field matches an absent one only.
    if lines.peek().is_some() {
        text.extend_from_slice(b": ");
        if matches!(
            *name,
            header::ACCEPT | header::ACCEPT_LANGUAGE | header::ACCEPT_ENCODING | header::ACCEPT_CHARSET
        ) {
            preferences::append(text, lines);
        } else {
            append_by_value(text, lines);
        }
    }
    text.push(b'\n');
}

/// Lines combined as RFC 9110 §5.3 allows, and nothing else changed: what the value means is not known here.
fn append_by_value<'a>(text: &mut Vec<u8>, lines: impl Iterator<Item = &'a [u8]>) {
    for (at, line) in lines.enumerate() {
        if at > 0 {
            text.extend_from_slice(b", ");
        }
        text.extend_from_slice(line.trim_ascii());
    }
}

#[cfg(test)]
#[path = "vary_tests.rs"]
mod tests;
