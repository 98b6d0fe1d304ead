//! The ids of traces and spans, and the ways in which a person names a trace.

use std::fmt;

use serde::{Serialize, Serializer};

/// Longest request id that the services take over from a client.
const MAX_REQUEST_ID_CHARS: usize = 128;

/// The id of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId(pub [u8; 16]);

impl TraceId {
    /// 32 hexadecimal digits that are not all nought.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number = hex(text, 32)?;
        (number != 0).then(|| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The id of a span within its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub [u8; 8]);

impl fmt::Display for SpanId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How a trace was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its id, or a `traceparent` that holds it. A client may have chosen a request id that looks the same.
    Trace(TraceId),
    /// By the `X-Request-Id` of a request in it.
    Request(String),
}

impl Named {
    /// Reads a trace id, a `traceparent` (with or without the field's name before it) or a request id.
    ///
    /// # Errors
    /// What it should have been, for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let value = text.strip_prefix("traceparent:").map_or(text, str::trim);
        let text = value.strip_prefix("X-Request-Id:").or_else(|| value.strip_prefix("x-request-id:"));
        let text = text.map_or(value, str::trim);
        if let Some(id) = TraceId::parse(text).or_else(|| of_traceparent(text)) {
            return Ok(Self::Trace(id));
        }
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if (1..=MAX_REQUEST_ID_CHARS).contains(&text.len()) && text.bytes().all(harmless) {
            return Ok(Self::Request(text.to_owned()));
        }
        Err("it must be a trace id (32 hex digits), a traceparent, or the X-Request-Id of an answer"
            .to_owned())
    }
}

impl fmt::Display for Named {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trace(id) => write!(out, "trace {id}"),
            Self::Request(id) => write!(out, "request {id}"),
        }
    }
}

/// `version-traceid-parentid-flags` (W3C Trace Context).
fn of_traceparent(text: &str) -> Option<TraceId> {
    let mut parts = text.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (parent, flags) = (parts.next()?, parts.next()?);
    hex(version, 2).and(hex(parent, 16)).and(hex(flags, 2))?;
    TraceId::parse(trace)
}

fn hex(text: &str, width: usize) -> Option<u128> {
    let digits = text.len() == width && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_trace_is_named_by_its_id_or_by_what_a_request_carried() {
        let id = Named::Trace(TraceId::parse(TRACE).unwrap());
        let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
        for name in [
            TRACE,
            &TRACE.to_uppercase(),
            &parent,
            &format!("traceparent: {parent}"),
            " 4bf92f3577b34da6a3ce929d0e0e4736\n",
        ] {
            assert_eq!(Named::parse(name), Ok(id.clone()), "{name}");
        }
        let request = "01a223dc-aa33-72b0-9027-b81427364e28";
        for name in [request, &format!("x-request-id: {request}")] {
            assert_eq!(Named::parse(name), Ok(Named::Request(request.to_owned())), "{name}");
        }
        assert!(matches!(Named::parse(&"0".repeat(32)), Ok(Named::Request(_))), "no trace has this id");
        for name in ["", "a b", "a/b", &"x".repeat(129)] {
            assert!(Named::parse(name).is_err(), "{name}");
        }
    }
}
