//! The answers of use cases, as they are stored and sent.

use conditional::EntityTag;
use idempotency::StoredAnswer;

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

/// An answer that shows one record.
pub(crate) fn record(status: u16, model: &Model, record: &Record, prefer: Return) -> StoredAnswer {
    let mut headers = vec![("ETag".to_owned(), entity_tag(record).to_string())];
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
