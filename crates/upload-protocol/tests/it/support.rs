//! Requests as their fields, and an upload to hold them against.

use chrono::{DateTime, Utc};
use http::Method;
use upload_protocol::{
    Append, Command, Create, Dialect, Fields, INTEROP_VERSION, Limits, Refusal, State, Target, UploadView,
    parse,
};

pub(crate) const RESUMABLE: Dialect = Dialect::Resumable { interop: Some(INTEROP_VERSION) };
pub(crate) const LIMITS: Limits =
    Limits { max_bytes: 1000, min_append_bytes: None, max_append_bytes: None, max_age_secs: None };

pub(crate) type Lines<'a> = &'a [(&'a str, &'a str)];

pub(crate) fn request(method: Method, target: Target, lines: Lines<'_>) -> Result<Command, Refusal> {
    let fields = Fields::new(lines.iter().map(|(name, value)| (*name, value.as_bytes())));
    parse(&method, &fields, target)
}

pub(crate) fn create(lines: Lines<'_>) -> Result<Create, Refusal> {
    match request(Method::POST, Target::Collection, lines)? {
        Command::Create(create) => Ok(*create),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn append(lines: Lines<'_>) -> Result<Append, Refusal> {
    match request(Method::PATCH, Target::Upload, lines)? {
        Command::Append(append) => Ok(append),
        other => panic!("{other:?}"),
    }
}

/// A request of tus that creates.
pub(crate) fn tus_create(lines: Lines<'_>) -> Result<Create, Refusal> {
    create(&[&[("Tus-Resumable", "1.0.0")], lines].concat())
}

/// A request of tus that appends, with the media type it must have.
pub(crate) fn tus_append(lines: Lines<'_>) -> Result<Append, Refusal> {
    let usual = [("Tus-Resumable", "1.0.0"), ("Content-Type", "application/offset+octet-stream")];
    append(&[&usual, lines].concat())
}

/// A request of the draft that appends, with the media type it must have.
pub(crate) fn resumable_append(lines: Lines<'_>) -> Result<Append, Refusal> {
    append(&[&[("Content-Type", "application/partial-upload")], lines].concat())
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_403_712_000, 0).unwrap()
}

pub(crate) fn upload(offset: u64, declared: Option<u64>) -> UploadView {
    UploadView {
        state: State::Receiving,
        offset,
        declared,
        expires_at: None,
        metadata: None,
        concat: None,
        limits: LIMITS,
    }
}

/// The field and the rule that a refusal names.
pub(crate) fn fault<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (&'static str, &'static str) {
    match result.unwrap_err() {
        Refusal::Field { name, code, .. } => (name, code),
        other => panic!("{other:?}"),
    }
}
