//! The body of a stored answer in one coding.

use bytes::Bytes;
use conditional::Coding;
use http::HeaderValue;

use super::content::Content;
use super::memory::{allocated, octets};

/// A coded body with the fields that are its own.
#[derive(Clone, Debug)]
pub struct Encoded {
    coding: Coding,
    content: Content,
    length: HeaderValue,
    tag: Option<HeaderValue>,
}

impl Encoded {
    pub(super) fn new(coding: Coding, body: &Bytes, tag: Option<HeaderValue>) -> Self {
        Self {
            coding,
            length: HeaderValue::from(body.len()),
            content: Bytes::copy_from_slice(body).into(),
            tag,
        }
    }

    /// The coding.
    #[must_use]
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// The coded octets.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        self.content.octets()
    }

    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    /// `Content-Length`.
    #[must_use]
    pub fn length(&self) -> &HeaderValue {
        &self.length
    }

    /// `ETag` of this coding, if the answer has one.
    #[must_use]
    pub fn tag(&self) -> Option<&HeaderValue> {
        self.tag.as_ref()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        allocated(size_of::<Self>())
            + self.content.heap_bytes()
            + octets(self.length.len())
            + self.tag.as_ref().map_or(0, |tag| octets(tag.len()))
    }
}
