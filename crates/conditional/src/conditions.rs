//! The preconditions of one request, and what they decide (RFC 9110 §13.2.2).

use std::time::SystemTime;

use actix_web::http::header::HeaderMap;
use problem::{Problem, registry};

use crate::tag_list::ListFault;
use crate::{EntityTag, MAX_TAGS, TagList};

/// A condition that cannot be read. Answered with 400: taking it for "no condition" could lose an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// The named field is neither `*` nor a list of entity tags.
    #[error("{0} is neither `*` nor a list of entity tags")]
    Malformed(&'static str),
    /// The named field lists more than [`MAX_TAGS`] tags.
    #[error("{0} lists more than {MAX_TAGS} entity tags")]
    TooMany(&'static str),
}

impl ConditionError {
    /// The field at fault, as it is usually written.
    #[must_use]
    pub fn header(&self) -> &'static str {
        match self {
            Self::Malformed(header) | Self::TooMany(header) => header,
        }
    }
}

impl From<ConditionError> for Problem {
    fn from(error: ConditionError) -> Self {
        Self::new(&registry::INVALID_PARAMETER).field(error.header(), "invalid_format", error.to_string())
    }
}

/// What a GET or HEAD should be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadDecision {
    /// 200 with the representation.
    Send,
    /// 304: the client has it.
    NotModified,
    /// 412: the client asked for a version that is not the current one (`If-Match` on a read).
    Failed,
}

/// Why a change must not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteRefusal {
    /// 428: the client did not say which version it means to change (`X-B6`).
    #[error("the request has no precondition")]
    Missing,
    /// 412: the current version is not the one the client means.
    #[error("the precondition does not hold")]
    Failed,
}

/// The preconditions of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<TagList>,
    if_none_match: Option<TagList>,
    if_modified_since: Option<SystemTime>,
    if_unmodified_since: Option<SystemTime>,
}

impl Conditions {
    /// Reads the condition fields of a request. Dates that are no HTTP date, or given twice, are ignored (§13.1.3, §13.1.4).
    ///
    /// # Errors
    /// [`ConditionError`] for a tag field off the grammar or with too many tags.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, ConditionError> {
        Self::read(|name| headers.get_all(name).map(|value| value.as_bytes()))
    }

    /// [`from_headers`](Self::from_headers) for the headers of the `http` crate.
    ///
    /// # Errors
    /// As there.
    pub fn from_http(headers: &http::HeaderMap) -> Result<Self, ConditionError> {
        Self::read(|name| headers.get_all(name).iter().map(http::HeaderValue::as_bytes))
    }

    /// `get_all` gives every line of a field, by lower-case name, in order.
    fn read<'v, I: Iterator<Item = &'v [u8]>>(
        get_all: impl Fn(&'static str) -> I,
    ) -> Result<Self, ConditionError> {
        Ok(Self {
            if_match: tags(get_all("if-match"), "If-Match")?,
            if_none_match: tags(get_all("if-none-match"), "If-None-Match")?,
            if_modified_since: date(get_all("if-modified-since")),
            if_unmodified_since: date(get_all("if-unmodified-since")),
        })
    }

    /// Whether the request says which version it expects or already has, so that a validator is worth having.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Decides a GET or HEAD of a resource that has a tag and no modification date.
    #[must_use]
    pub fn check_read(&self, current: &EntityTag) -> ReadDecision {
        self.check_dated_read(current, None)
    }

    /// Decides a GET or HEAD; the dates count only where the tag field above them is absent, and only against a known
    /// modification date.
    #[must_use]
    pub fn check_dated_read(&self, current: &EntityTag, last_modified: Option<SystemTime>) -> ReadDecision {
        let matched = match &self.if_match {
            Some(tags) => tags.matches_strongly(Some(current)),
            None => !is_after(last_modified, self.if_unmodified_since),
        };
        if !matched {
            return ReadDecision::Failed;
        }
        let has_it = match (&self.if_none_match, last_modified, self.if_modified_since) {
            (Some(tags), ..) => tags.matches_weakly(Some(current)),
            (None, Some(_), Some(since)) => !is_after(last_modified, Some(since)),
            _ => false,
        };
        if has_it { ReadDecision::NotModified } else { ReadDecision::Send }
    }

    /// Decides a change (PUT, PATCH, DELETE) of what has the tag `current`; `None` when there is nothing there.
    ///
    /// A change of something that exists needs `If-Match`: an `If-None-Match` that happens to hold does not protect from
    /// a lost update. A creation needs either (`If-None-Match: *` being the usual one).
    ///
    /// # Errors
    /// [`WriteRefusal`], to be answered with 428 or 412.
    pub fn check_write(&self, current: Option<&EntityTag>) -> Result<(), WriteRefusal> {
        if self.if_match.as_ref().is_some_and(|tags| !tags.matches_strongly(current))
            || self.if_none_match.as_ref().is_some_and(|tags| tags.matches_weakly(current))
        {
            return Err(WriteRefusal::Failed);
        }
        let protected = self.if_match.is_some() || (current.is_none() && self.if_none_match.is_some());
        if protected { Ok(()) } else { Err(WriteRefusal::Missing) }
    }
}

/// Whether the resource changed after `bound`, in whole seconds as HTTP dates have it; unknown dates are never after.
fn is_after(last_modified: Option<SystemTime>, bound: Option<SystemTime>) -> bool {
    let (Some(last_modified), Some(bound)) = (last_modified, bound) else { return false };
    let secs =
        |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    secs(last_modified) > secs(bound)
}

fn tags<'v>(
    lines: impl Iterator<Item = &'v [u8]>,
    written: &'static str,
) -> Result<Option<TagList>, ConditionError> {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    match TagList::parse(lines) {
        Ok(list) => Ok(Some(list)),
        Err(ListFault::Malformed) => Err(ConditionError::Malformed(written)),
        Err(ListFault::TooMany) => Err(ConditionError::TooMany(written)),
    }
}

fn date<'v>(mut lines: impl Iterator<Item = &'v [u8]>) -> Option<SystemTime> {
    match (lines.next(), lines.next()) {
        (Some(value), None) => httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
