//! Answers: a status and the fields it goes with. Their content, if any, is the server's.

use chrono::{DateTime, Utc};

use crate::checksum::Algorithm;
use crate::dialect::{Dialect, INTEROP_VERSION, TUS_VERSION};
use crate::fields::{
    TUS_RESUMABLE, UPLOAD_COMPLETE, UPLOAD_CONCAT, UPLOAD_DEFER_LENGTH, UPLOAD_INTEROP, UPLOAD_LENGTH,
    UPLOAD_METADATA, UPLOAD_OFFSET,
};
use crate::limits::{Limits, MAX_BYTES};
use crate::upload::{State, UploadView};

pub(crate) const ACCEPT_PATCH: &str = "accept-patch";
pub(crate) const ACCEPT_PATCH_VALUE: &str = "application/partial-upload, application/offset+octet-stream";
const CACHE_CONTROL: &str = "cache-control";
const LOCATION: &str = "location";
const TUS_CHECKSUM_ALGORITHM: &str = "tus-checksum-algorithm";
const TUS_EXTENSION: &str = "tus-extension";
const TUS_MAX_SIZE: &str = "tus-max-size";
const UPLOAD_EXPIRES: &str = "upload-expires";
const UPLOAD_LIMIT: &str = "upload-limit";

/// The extensions of tus that are supported.
pub const TUS_EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation";

/// Every field of an answer that a page of another origin has to be allowed to read.
pub const EXPOSED_FIELDS: [&str; 17] = [
    ACCEPT_PATCH,
    LOCATION,
    "repr-digest",
    TUS_CHECKSUM_ALGORITHM,
    TUS_EXTENSION,
    TUS_MAX_SIZE,
    TUS_RESUMABLE,
    "tus-version",
    UPLOAD_COMPLETE,
    UPLOAD_CONCAT,
    UPLOAD_DEFER_LENGTH,
    UPLOAD_EXPIRES,
    UPLOAD_INTEROP,
    UPLOAD_LENGTH,
    UPLOAD_LIMIT,
    UPLOAD_METADATA,
    UPLOAD_OFFSET,
];

/// A status and fields. Names are in lower case; values are visible ASCII and spaces if what was put in is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, 104 to 204.
    pub status: u16,
    /// Name and value of each field, no name twice.
    pub fields: Vec<(&'static str, String)>,
}

impl Answer {
    fn new(status: u16) -> Self {
        Self { status, fields: Vec::new() }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The value of the field `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    fn state(self, view: &UploadView, speaks: Speaks, now: DateTime<Utc>) -> Self {
        let unfinished = view.state == State::Receiving;
        let complete = if view.state == State::Complete { "?1" } else { "?0" };
        let left = view.expires_at.map(|end| seconds_between(now, end));
        let expires = view.expires_at.filter(|_| unfinished && speaks.tus).map(http_date);
        let answer = self.with_some(UPLOAD_OFFSET, told_offset(view)).with_some(UPLOAD_EXPIRES, expires);
        let answer = if speaks.tus { answer.with(TUS_RESUMABLE, TUS_VERSION) } else { answer };
        if !speaks.resumable {
            return answer;
        }
        answer.with(UPLOAD_COMPLETE, complete).with(UPLOAD_LIMIT, view.limits.field(left))
    }
}

/// Which dialects an answer has to suit.
#[derive(Clone, Copy)]
struct Speaks {
    tus: bool,
    resumable: bool,
}

impl Speaks {
    fn to(dialect: Option<Dialect>) -> Self {
        let tus = dialect == Some(Dialect::Tus);
        Self { tus: tus || dialect.is_none(), resumable: !tus }
    }
}

/// What is supported, and within what limits.
#[must_use]
pub fn options(limits: Limits) -> Answer {
    Answer::new(204)
        .with(TUS_RESUMABLE, TUS_VERSION)
        .with("tus-version", TUS_VERSION)
        .with(TUS_EXTENSION, TUS_EXTENSIONS)
        .with(TUS_MAX_SIZE, limits.max_size().to_string())
        .with(TUS_CHECKSUM_ALGORITHM, Algorithm::ALL.map(Algorithm::tus_name).join(","))
        .with(ACCEPT_PATCH, ACCEPT_PATCH_VALUE)
        .with(UPLOAD_LIMIT, limits.field(limits.max_age_secs))
}

/// An upload was created and now stands as `view` says. `location` is its address; for an upload that is complete with its
/// creation, the server may name the address of what came of it.
#[must_use]
pub fn created(dialect: Dialect, view: &UploadView, location: &str, now: DateTime<Utc>) -> Answer {
    Answer::new(201).with(LOCATION, location).state(view, Speaks::to(Some(dialect)), now)
}

/// How far an upload has come. Ask [`UploadView::check_present`] first.
#[must_use]
pub fn offset(dialect: Option<Dialect>, view: &UploadView, now: DateTime<Utc>) -> Answer {
    let speaks = Speaks::to(dialect);
    let status = if speaks.tus { 200 } else { 204 };
    let answer = Answer::new(status)
        .with(CACHE_CONTROL, "no-store")
        .state(view, speaks, now)
        .with_some(UPLOAD_LENGTH, view.declared.map(|length| length.to_string()));
    if !speaks.tus {
        return answer;
    }
    let deferred = view.declared.is_none() && !view.is_final();
    answer
        .with_some(UPLOAD_DEFER_LENGTH, deferred.then_some("1"))
        .with_some(UPLOAD_METADATA, view.metadata.as_deref())
        .with_some(UPLOAD_CONCAT, view.concat.as_ref().map(crate::Concat::field))
}

/// Bytes were added, and the upload now stands as `view` says. The draft lets an answer that completes an upload be that of
/// what was uploaded: status and content may then be the server's, with these fields.
#[must_use]
pub fn appended(dialect: Dialect, view: &UploadView, now: DateTime<Utc>) -> Answer {
    Answer::new(204).state(view, Speaks::to(Some(dialect)), now)
}

/// An upload was given up.
#[must_use]
pub fn cancelled(dialect: Option<Dialect>) -> Answer {
    let answer = Answer::new(204);
    if Speaks::to(dialect).tus { answer.with(TUS_RESUMABLE, TUS_VERSION) } else { answer }
}

/// `104`, to be sent before content is read: the upload's address, so that a client whose request breaks off can resume.
/// `None` if this client must not get it.
#[must_use]
pub fn interim_created(
    dialect: Dialect,
    view: &UploadView,
    location: &str,
    now: DateTime<Utc>,
) -> Option<Answer> {
    let left = view.expires_at.map(|end| seconds_between(now, end));
    let answer = interim(dialect)?.with(LOCATION, location);
    Some(answer.with(UPLOAD_LIMIT, view.limits.field(left)))
}

/// `104`, to be sent while content is read: what is on stable storage by now, in bytes. `None` if this client must not get it.
#[must_use]
pub fn interim_progress(dialect: Dialect, offset: u64) -> Option<Answer> {
    Some(interim(dialect)?.with(UPLOAD_OFFSET, offset.to_string()))
}

fn interim(dialect: Dialect) -> Option<Answer> {
    dialect.takes_interim().then(|| Answer::new(104).with(UPLOAD_INTEROP, INTEROP_VERSION.to_string()))
}

/// A final upload has no offset before its parts are together.
fn told_offset(view: &UploadView) -> Option<String> {
    (!view.is_final() || view.state == State::Complete).then(|| view.offset.to_string())
}

fn seconds_between(now: DateTime<Utc>, end: DateTime<Utc>) -> u64 {
    u64::try_from((end - now).num_seconds()).unwrap_or(0).min(MAX_BYTES)
}

/// IMF-fixdate (RFC 9110 §5.6.7).
fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
