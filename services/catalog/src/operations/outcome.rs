//! The answers of use cases, as they are stored and sent.

use conditional::EntityTag;
use idempotency::StoredAnswer;
use uuid::Uuid;

use crate::domain::record::Record;
use crate::model::Model;

/// How much of the result the client wants (RFC 7240).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Return {
    /// The record as it stands now.
    #[default]
    Representation,
    /// Only that it worked.
    Minimal,
}

/// The validator of a record: its position in the history of its model.
pub(crate) fn entity_tag(record: &Record) -> EntityTag {
    EntityTag::strong(&record.version.to_string())
}

/// The groups that a change of these records invalidates, as a list of strings (RFC 9875, RFC 9651).
pub(crate) fn groups(model: &Model, ids: impl IntoIterator<Item = Uuid>) -> String {
    let mut out = format!("\"{}\"", model.path);
    for id in ids {
        out.push_str(&format!(", \"{}/{id}\"", model.path));
    }
    out
}

/// An answer that shows one record.
pub(crate) fn record(
    status: u16,
    model: &Model,
    record: &Record,
    prefer: Return,
    invalidated: String,
) -> StoredAnswer {
    let mut headers = written(invalidated);
    headers.push(("ETag".to_owned(), entity_tag(record).to_string()));
    if status == 201 {
        headers.push(("Location".to_owned(), format!("/v1/{}/{}", model.path, record.id)));
    }
    match prefer {
        Return::Representation => json(status, headers, record.json(model)),
        Return::Minimal => {
            headers.push(("Preference-Applied".to_owned(), "return=minimal".to_owned()));
            StoredAnswer { status: if status == 201 { 201 } else { 204 }, headers, body: Vec::new() }
        }
    }
}

/// An answer in JSON.
pub(crate) fn json(status: u16, mut headers: Vec<(String, String)>, body: String) -> StoredAnswer {
    headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    StoredAnswer { status, headers, body: body.into_bytes() }
}

/// The fields of every answer to a change.
pub(crate) fn written(invalidated: String) -> Vec<(String, String)> {
    vec![
        ("Cache-Control".to_owned(), "no-store".to_owned()),
        ("Cache-Group-Invalidation".to_owned(), invalidated),
    ]
}
