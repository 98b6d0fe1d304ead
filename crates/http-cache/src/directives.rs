//! The directives of `Cache-Control` in requests and responses (RFC 9111 §5.2), `Pragma`, and targeted fields (RFC 9213).
//!
//! Where the RFC leaves a choice, the reading that keeps less is taken: a lifetime that is malformed or stated twice with
//! different values is no lifetime, and a restriction with an argument it should not have is a restriction all the same.

use http::{HeaderMap, HeaderName, header};

use crate::directives::parse::{Argument, Directive, directives, field_names};

pub(crate) mod parse;
mod targeted;

/// The greatest number of seconds a directive can state (2^31, RFC 9111 §1.2.2): what is greater counts as this.
pub const MAX_SECONDS: u32 = 1 << 31;

/// How stale an answer a client takes (RFC 9111 §5.2.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxStale {
    /// Not at all.
    #[default]
    No,
    /// By at most so many seconds.
    Seconds(u32),
    /// By any amount.
    Any,
}

/// What the client asks of a cache (RFC 9111 §5.2.1, RFC 5861 §4). Durations are in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `max-age`: no older than this.
    pub max_age: Option<u32>,
    /// `min-fresh`: fresh for at least so long yet.
    pub min_fresh: Option<u32>,
    /// `max-stale`.
    pub max_stale: MaxStale,
    /// `stale-if-error`.
    pub stale_if_error: Option<u32>,
    /// `no-cache`, or `Pragma: no-cache` where there is no `Cache-Control`.
    pub no_cache: bool,
    /// `no-store`: the answer must not be stored.
    pub no_store: bool,
    /// `only-if-cached`: from the cache, or 504.
    pub only_if_cached: bool,
    /// `no-transform`: the content must be sent as it was received.
    pub no_transform: bool,
}

impl RequestDirectives {
    /// Reads the directives of a request. Without `Cache-Control` and `Pragma` that is two look-ups and no allocation.
    /// Malformed arguments are ignored, since request directives are advice; of repeated ones the strictest counts.
    #[must_use]
    pub fn parse(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        let mut present = false;
        for value in headers.get_all(header::CACHE_CONTROL) {
            present = true;
            for directive in directives(value.as_bytes()) {
                found.apply(&directive);
            }
        }
        if !present {
            // §5.4: an HTTP/1.0 client's only way to say it; any Cache-Control field speaks instead of it.
            found.no_cache = headers
                .get_all(header::PRAGMA)
                .iter()
                .flat_map(|value| directives(value.as_bytes()))
                .any(|directive| directive.is("no-cache"));
        }
        found
    }

    fn apply(&mut self, directive: &Directive<'_>) {
        let seconds = || directive.argument.seconds();
        if directive.is("no-cache") {
            self.no_cache = true;
        } else if directive.is("no-store") {
            self.no_store = true;
        } else if directive.is("only-if-cached") {
            self.only_if_cached = true;
        } else if directive.is("no-transform") {
            self.no_transform = true;
        } else if directive.is("max-age") {
            self.max_age = stricter(self.max_age, seconds(), u32::min);
        } else if directive.is("min-fresh") {
            self.min_fresh = stricter(self.min_fresh, seconds(), u32::max);
        } else if directive.is("stale-if-error") {
            self.stale_if_error = stricter(self.stale_if_error, seconds(), u32::min);
        } else if directive.is("max-stale") {
            self.max_stale = match (self.max_stale, &directive.argument, seconds()) {
                (MaxStale::No, Argument::None, _) => MaxStale::Any,
                (MaxStale::Seconds(one), _, Some(other)) => MaxStale::Seconds(one.min(other)),
                (MaxStale::No | MaxStale::Any, _, Some(other)) => MaxStale::Seconds(other),
                (unchanged, _, None) => unchanged,
            };
        }
    }
}

/// Combines two statements of one directive; one that could not be read does not count.
fn stricter(known: Option<u32>, more: Option<u32>, choose: fn(u32, u32) -> u32) -> Option<u32> {
    match (known, more) {
        (Some(one), Some(other)) => Some(choose(one, other)),
        (one, other) => one.or(other),
    }
}

/// `private` and `no-cache` of a response: for all of it, or for the fields that are named (RFC 9111 §5.2.2.4, §5.2.2.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Restriction {
    /// Not stated.
    #[default]
    None,
    /// These fields only; the rest of the answer is not restricted.
    Fields(Vec<HeaderName>),
    /// The whole answer.
    Whole,
}

impl Restriction {
    /// Adds one more statement: the whole outweighs names, and names add up.
    fn add(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Whole, _) | (_, Self::None) => {}
            (Self::Fields(names), Self::Fields(others)) => names.extend(others),
            (_, more) => *self = more,
        }
    }

    /// The qualified form; what does not name fields properly restricts the whole.
    fn from_names(value: &[u8]) -> Self {
        match field_names(value) {
            Some(names) if !names.is_empty() => Self::Fields(names),
            _ => Self::Whole,
        }
    }

    fn from_argument(argument: &Argument<'_>) -> Self {
        match argument {
            Argument::Token(value) | Argument::Quoted(value) => Self::from_names(value),
            Argument::None | Argument::Invalid => Self::Whole,
        }
    }
}

/// What the origin tells a shared cache (RFC 9111 §5.2.2, RFC 5861, RFC 8246). Durations are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    /// `max-age`; 0 where it was stated and could not be read.
    pub max_age: Option<u32>,
    /// `s-maxage`; 0 where it was stated and could not be read.
    pub s_maxage: Option<u32>,
    /// `stale-while-revalidate`.
    pub stale_while_revalidate: Option<u32>,
    /// `stale-if-error`.
    pub stale_if_error: Option<u32>,
    /// `private`.
    pub private: Restriction,
    /// `no-cache`.
    pub no_cache: Restriction,
    /// `no-store`.
    pub no_store: bool,
    /// `public`.
    pub public: bool,
    /// `must-revalidate`.
    pub must_revalidate: bool,
    /// `proxy-revalidate`.
    pub proxy_revalidate: bool,
    /// `must-understand`.
    pub must_understand: bool,
    /// `no-transform`.
    pub no_transform: bool,
    /// `immutable`.
    pub immutable: bool,
    /// `principal`, our extension of `private` in a targeted field: one copy per principal may be kept.
    pub principal: bool,
    /// They come from a targeted field, so `Expires` does not count (RFC 9213 §2.2).
    pub targeted: bool,
}

impl ResponseDirectives {
    /// Reads the directives of a response: those of the first field of `targets` that is valid and not empty, otherwise
    /// those of `Cache-Control` (RFC 9213 §2.2).
    #[must_use]
    pub fn parse(headers: &HeaderMap, targets: &[HeaderName]) -> Self {
        if let Some(found) = targets.iter().find_map(|name| targeted::parse(headers, name)) {
            return found;
        }
        let mut found = Self::default();
        for value in headers.get_all(header::CACHE_CONTROL) {
            for directive in directives(value.as_bytes()) {
                found.apply(&directive);
            }
        }
        found
    }

    fn apply(&mut self, directive: &Directive<'_>) {
        let bare = matches!(directive.argument, Argument::None);
        if directive.is("max-age") {
            state(&mut self.max_age, directive.argument.seconds());
        } else if directive.is("s-maxage") {
            state(&mut self.s_maxage, directive.argument.seconds());
        } else if directive.is("stale-while-revalidate") {
            state(&mut self.stale_while_revalidate, directive.argument.seconds());
        } else if directive.is("stale-if-error") {
            state(&mut self.stale_if_error, directive.argument.seconds());
        } else if directive.is("private") {
            self.private.add(Restriction::from_argument(&directive.argument));
        } else if directive.is("no-cache") {
            self.no_cache.add(Restriction::from_argument(&directive.argument));
        } else if directive.is("no-store") {
            self.no_store = true;
        } else if directive.is("must-revalidate") {
            self.must_revalidate = true;
        } else if directive.is("proxy-revalidate") {
            self.proxy_revalidate = true;
        } else if directive.is("no-transform") {
            self.no_transform = true;
        } else if bare && directive.is("public") {
            self.public = true;
        } else if bare && directive.is("immutable") {
            self.immutable = true;
        } else if directive.is("must-understand") {
            self.must_understand = true;
        }
    }
}

/// Records a lifetime. §4.2.1: what cannot be read, or is stated twice with different values, makes the answer stale.
fn state(lifetime: &mut Option<u32>, seconds: Option<u32>) {
    let seconds = seconds.unwrap_or(0);
    *lifetime = match *lifetime {
        Some(before) if before != seconds => Some(0),
        _ => Some(seconds),
    };
}

#[cfg(test)]
#[path = "directives_tests.rs"]
mod tests;
