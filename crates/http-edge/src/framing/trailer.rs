//! The trailer section of a chunked body, byte by byte (RFC 9112 §7.1.2, RFC 9110 §6.5).

use super::bytes::{fault_of, is_field_byte, is_token};
use super::chunked::Progress;
use super::{FramingLimits, Refusal};

/// Bytes of a name that are remembered: more than any forbidden name has.
const NAME_BYTES: usize = 32;

/// Where in a trailer section the connection is.
#[derive(Debug, Default)]
pub(super) struct Trailers {
    place: Place,
    bytes: usize,
    fields: usize,
    /// The first bytes of the name, in lower case and with `-` for `_`.
    name: [u8; NAME_BYTES],
    name_length: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    LineStart,
    Name,
    Value,
    ValueLineFeed,
    EndLineFeed,
}

impl Trailers {
    /// Reads one byte.
    pub(super) fn step(&mut self, byte: u8, limits: &FramingLimits) -> Result<Progress, Refusal> {
        self.bytes += 1;
        if self.bytes > limits.trailer_bytes {
            return Err(Refusal::TrailersTooLarge);
        }
        self.place = match (self.place, byte) {
            (Place::LineStart, b'\r') => Place::EndLineFeed,
            (Place::LineStart, _) if is_token(byte) => {
                self.fields += 1;
                if self.fields > limits.trailers {
                    return Err(Refusal::TooManyTrailers);
                }
                self.name_length = 0;
                self.remember(byte);
                Place::Name
            }
            (Place::Name, b':') => {
                if self.is_forbidden() {
                    return Err(Refusal::TrailerForbidden);
                }
                Place::Value
            }
            (Place::Name, _) if is_token(byte) => {
                self.remember(byte);
                Place::Name
            }
            (Place::Value, b'\r') => Place::ValueLineFeed,
            (Place::Value, _) if is_field_byte(byte) => Place::Value,
            (Place::ValueLineFeed, b'\n') => Place::LineStart,
            (Place::EndLineFeed, b'\n') => return Ok(Progress::Ended),
            (Place::ValueLineFeed | Place::EndLineFeed, _) => return Err(Refusal::BareCarriageReturn),
            (Place::Name, b'\r') => return Err(Refusal::TrailerMalformed),
            _ => return Err(fault_of(byte, Refusal::TrailerMalformed)),
        };
        Ok(Progress::More)
    }

    fn remember(&mut self, byte: u8) {
        if let Some(slot) = self.name.get_mut(self.name_length) {
            *slot = if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
            self.name_length += 1;
        }
    }

    fn is_forbidden(&self) -> bool {
        self.name.get(..self.name_length).is_none_or(is_forbidden)
    }
}

/// Whether a field of this name must not stand in a trailer section, in a request or an answer (RFC 9110 §6.5.1); `name` is
/// in lower case.
#[must_use]
pub fn is_forbidden_trailer(name: &str) -> bool {
    is_forbidden(name.as_bytes())
}

/// Fields that decide before the body is read how it is framed, routed, authorised, processed or cached, and would
/// come too late or speak for somebody else (RFC 9110 §6.5.1). `name` is in lower case.
fn is_forbidden(name: &[u8]) -> bool {
    match name {
        // Framing and the connection.
        b"content-length" | b"transfer-encoding" | b"trailer" | b"te" | b"connection" | b"keep-alive"
        | b"proxy-connection" | b"upgrade" | b"http2-settings" => true,
        // Routing, and what the proxies before us say of the client.
        b"host" | b"forwarded" | b"via" | b"x-real-ip" | b"x-request-id" | b"traceparent" | b"tracestate" => {
            true
        }
        // Request modifiers.
        b"cache-control" | b"expect" | b"max-forwards" | b"pragma" | b"range" | b"priority" => true,
        // Authentication.
        b"authorization"
        | b"proxy-authorization"
        | b"proxy-authenticate"
        | b"www-authenticate"
        | b"authentication-info"
        | b"proxy-authentication-info"
        | b"cookie"
        | b"set-cookie"
        | b"origin"
        | b"idempotency-key" => true,
        // How the content is to be processed.
        b"content-encoding" | b"content-type" | b"content-range" | b"content-location"
        | b"content-language" => true,
        // Response control.
        b"age" | b"date" | b"expires" | b"location" | b"retry-after" | b"vary" | b"warning" => true,
        _ => name.starts_with(b"if-") || name.starts_with(b"x-forwarded-"),
    }
}
