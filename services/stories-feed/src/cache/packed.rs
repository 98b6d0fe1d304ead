//! How parts of feeds are kept: what is compared and counted as numbers, and behind it one run of bytes that is copied into answers as
//! it is. Reading one back copies no text.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use freshness::Loaded;
use problem::{Problem, registry};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use service_error::ServiceError;

/// A piece of the bytes: where it begins and ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

/// The bytes, as they are written.
#[derive(Debug, Default)]
pub(crate) struct Ink(Vec<u8>);

/// A part of a feed.
#[derive(Clone, Debug)]
pub(crate) struct Packed<H> {
    /// What is compared and counted.
    pub(crate) head: H,
    text: Bytes,
}

impl Ink {
    /// Appends text as it is.
    pub(crate) fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Appends the members of an object without its braces.
    ///
    /// # Errors
    /// `internal` for what JSON cannot say, which is nothing that is written here.
    pub(crate) fn members<T: Serialize>(&mut self, object: &T) -> Result<(), ServiceError> {
        let json = serde_json::to_vec(object).map_err(broken)?;
        let inner = json.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
        self.0.extend_from_slice(inner.unwrap_or(&json));
        Ok(())
    }

    /// Appends a value.
    ///
    /// # Errors
    /// As [`Ink::members`].
    pub(crate) fn value<T: Serialize>(&mut self, value: &T) -> Result<(), ServiceError> {
        serde_json::to_writer(&mut self.0, value).map_err(broken)
    }

    /// Where the next piece begins.
    pub(crate) fn place(&self) -> usize {
        self.0.len()
    }

    /// What was appended since a place.
    ///
    /// # Errors
    /// `internal` where all of it is beyond 4 GiB.
    pub(crate) fn since(&self, place: usize) -> Result<Span, ServiceError> {
        let number = |place: usize| u32::try_from(place).map_err(broken);
        Ok(Span { start: number(place)?, end: number(self.0.len())? })
    }
}

impl<H: Serialize + DeserializeOwned> Packed<H> {
    /// As it is kept, to the instant at which the clock changes it.
    ///
    /// # Errors
    /// `internal` where the head cannot be written.
    pub(super) fn pack(head: &H, ink: &Ink, until: Option<DateTime<Utc>>) -> Result<Loaded, ServiceError> {
        let mut bytes = postcard::to_stdvec(head).map_err(broken)?;
        bytes.extend_from_slice(&ink.0);
        Ok(Loaded { bytes: bytes.into(), until: until.map(Into::into) })
    }

    /// Read back.
    ///
    /// # Errors
    /// `internal` where it was not written here.
    pub(super) fn unpack(bytes: &Bytes) -> Result<Self, ServiceError> {
        let (head, text) = postcard::take_from_bytes::<H>(bytes).map_err(broken)?;
        Ok(Self { head, text: bytes.slice(bytes.len() - text.len()..) })
    }
}

impl<H> Packed<H> {
    /// A piece of the bytes.
    pub(crate) fn text(&self, span: Span) -> &[u8] {
        let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        self.text.get(at(span.start)..at(span.end)).unwrap_or_default()
    }
}

fn broken(error: impl std::fmt::Display) -> ServiceError {
    Problem::new(&registry::INTERNAL).cause(error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let mut ink = Ink::default();
        ink.raw("[");
        let place = ink.place();
        ink.members(&serde_json::json!({"a": "ß", "b": 1})).unwrap();
        let span = ink.since(place).unwrap();
        ink.raw("]");
        let loaded = Packed::pack(&vec![span, Span::default()], &ink, None).unwrap();
        let back = Packed::<Vec<Span>>::unpack(&loaded.bytes).unwrap();
        assert_eq!(back.text(back.head[0]), "\"a\":\"ß\",\"b\":1".as_bytes());
        assert_eq!(back.text(back.head[1]), b"");
        assert!(Packed::<Vec<Span>>::unpack(&Bytes::from_static(&[7, 1])).is_err());
    }
}
