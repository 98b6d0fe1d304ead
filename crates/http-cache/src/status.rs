//! This cache's member of `Cache-Status` (RFC 9211).

use std::fmt;
use std::io::{self, Write as _};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::answer::push_digits;

/// The field.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Members are mostly shorter than that.
const SHORT_BYTES: usize = 96;

/// The name of this cache in it.
pub const NAME: &str = "aldia";

/// What a hit is written as before its lifetime.
const HIT: &str = "aldia; hit; ttl=";

/// Why a request went on to the origin (§2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forward {
    /// The cache was told not to handle it.
    Bypass,
    /// Its method has to be written through.
    Method,
    /// Nothing is stored for the address.
    UriMiss,
    /// Something is stored for the address, but not for these selecting fields.
    VaryMiss,
    /// There is nothing to answer from, for another reason.
    Miss,
    /// There was something, but the request's own directives did not allow it.
    Request,
    /// There was something, but it is stale or has to be validated.
    Stale,
    /// Only a part of what was asked for is stored.
    Partial,
}

impl Forward {
    /// The token.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Miss => "miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

/// How a request was answered. `hit` and `fwd` exclude each other (§2.1, §2.2), so one is chosen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// From the cache, without a word to the origin.
    Hit,
    /// By the origin, or from the cache after asking it.
    Forwarded {
        /// Why.
        reason: Forward,
        /// The origin's status, where it is not the one the client sees (§2.3).
        status: Option<StatusCode>,
        /// Whether the answer was stored (§2.5).
        stored: bool,
        /// Whether another request's answer was taken (§2.6); `Some(false)`: it was waited for in vain.
        collapsed: Option<bool>,
    },
}

/// The member: who handled the request and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStatus<'a> {
    /// Hit or forwarded.
    pub handling: Handling,
    /// Seconds for which the answer remains fresh here; negative when it is stale (§2.4).
    pub ttl: Option<i64>,
    /// A word on what is not said by the others (§2.8).
    pub detail: Option<&'a str>,
}

impl CacheStatus<'_> {
    /// A hit that remains fresh for `ttl` seconds.
    #[must_use]
    pub const fn hit(ttl: i64) -> Self {
        Self { handling: Handling::Hit, ttl: Some(ttl), detail: None }
    }

    /// A request that went on, its answer not stored.
    #[must_use]
    pub const fn forwarded(reason: Forward) -> Self {
        let handling = Handling::Forwarded { reason, status: None, stored: false, collapsed: None };
        Self { handling, ttl: None, detail: None }
    }

    /// The member as a field value. That of an ordinary hit costs one allocation.
    #[must_use]
    pub fn value(&self) -> HeaderValue {
        let mut short = io::Cursor::new([0_u8; SHORT_BYTES]);
        let written = match write!(short, "{self}") {
            Ok(()) => usize::try_from(short.position()).ok().and_then(|end| short.get_ref().get(..end)),
            Err(_no_room) => None,
        };
        let value = match written {
            Some(text) => HeaderValue::from_bytes(text),
            None => HeaderValue::from_str(&self.to_string()),
        };
        // All that is written is visible ASCII.
        value.unwrap_or_else(|_never| HeaderValue::from_static(NAME))
    }

    /// Writes the member at the end of `out`. That of an ordinary hit costs no formatting.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match *self {
            Self { handling: Handling::Hit, ttl: Some(ttl), detail: None } => {
                out.extend_from_slice(HIT.as_bytes());
                if ttl < 0 {
                    out.push(b'-');
                }
                push_digits(out, ttl.unsigned_abs());
            }
            // Writing to memory cannot fail.
            _ => drop(write!(out, "{self}")),
        }
    }

    /// Adds the member after those of the caches behind us (§2: the last is the one closest to the client).
    pub fn append_to(&self, headers: &mut HeaderMap) {
        headers.append(CACHE_STATUS, self.value());
    }
}

impl fmt::Display for CacheStatus<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(NAME)?;
        match self.handling {
            Handling::Hit => formatter.write_str("; hit")?,
            Handling::Forwarded { reason, status, stored, collapsed } => {
                write!(formatter, "; fwd={}", reason.token())?;
                if let Some(status) = status {
                    write!(formatter, "; fwd-status={}", status.as_u16())?;
                }
                if stored {
                    formatter.write_str("; stored")?;
                }
                match collapsed {
                    Some(true) => formatter.write_str("; collapsed")?,
                    Some(false) => formatter.write_str("; collapsed=?0")?,
                    None => {}
                }
            }
        }
        if let Some(ttl) = self.ttl {
            write!(formatter, "; ttl={ttl}")?;
        }
        match self.detail {
            Some(detail) => write_detail(formatter, detail),
            None => Ok(()),
        }
    }
}

/// A token where it can be one, otherwise a string; what a string cannot hold is left out.
fn write_detail(formatter: &mut fmt::Formatter<'_>, detail: &str) -> fmt::Result {
    formatter.write_str("; detail=")?;
    let is_token = detail.starts_with(|first: char| first.is_ascii_alphabetic() || first == '*')
        && detail
            .bytes()
            .all(|byte| crate::directives::parse::is_token_byte(byte) || byte == b':' || byte == b'/');
    if is_token {
        return formatter.write_str(detail);
    }
    formatter.write_str("\"")?;
    for character in detail.chars().filter(|character| (' '..='~').contains(character)) {
        if matches!(character, '"' | '\\') {
            formatter.write_str("\\")?;
        }
        write!(formatter, "{character}")?;
    }
    formatter.write_str("\"")
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
