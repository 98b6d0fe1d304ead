//! Chains as lines of text, for whoever checks them elsewhere.

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::status::Status;
use super::{ActorRole, EventRecord, NotCanonical, canonical};

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It is no JSON, or lacks something, or has something else.
    #[error("the line is not an event")]
    Json(#[source] serde_json::Error),
    /// A hash is none.
    #[error("a hash is not 64 hexadecimal digits")]
    Hash,
    /// It says what an event would say, in another way.
    #[error("the line is not spelled as it was written")]
    Spelling,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    package_id: Uuid,
    seq: i32,
    kind: String,
    from: Option<Status>,
    to: Status,
    actor_id: Option<Uuid>,
    actor_role: ActorRole,
    at_micros: i64,
    data: Value,
    digests: Vec<String>,
    prev_hash: String,
    hash: String,
}

/// The line of an event, without its end.
///
/// # Errors
/// [`NotCanonical`] if its data are not such as are recorded.
pub(crate) fn export_line(record: &EventRecord) -> Result<String, NotCanonical> {
    canonical::object(&json!({
        "package_id": record.package_id.hyphenated().to_string(),
        "seq": record.seq,
        "kind": record.kind,
        "from": record.from.map(Status::as_str),
        "to": record.to.as_str(),
        "actor_id": record.actor_id.map(|id| id.hyphenated().to_string()),
        "actor_role": record.actor_role.as_str(),
        "at_micros": record.at,
        "data": record.data,
        "digests": record.digests.iter().map(hex).collect::<Vec<_>>(),
        "prev_hash": hex(&record.prev_hash),
        "hash": hex(&record.hash),
    }))
}

/// The event of a line.
///
/// # Errors
/// [`Unreadable`] if it is not the line of one, to the byte: what can be spelled in two ways could be changed unseen.
pub(crate) fn read_line(line: &[u8]) -> Result<EventRecord, Unreadable> {
    let read: Line = serde_json::from_slice(line).map_err(Unreadable::Json)?;
    let record = EventRecord {
        package_id: read.package_id,
        seq: read.seq,
        kind: read.kind,
        from: read.from,
        to: read.to,
        actor_id: read.actor_id,
        actor_role: read.actor_role,
        at: read.at_micros,
        data: read.data,
        digests: read
            .digests
            .iter()
            .map(|text| unhex(text))
            .collect::<Option<_>>()
            .ok_or(Unreadable::Hash)?,
        prev_hash: unhex(&read.prev_hash).ok_or(Unreadable::Hash)?,
        hash: unhex(&read.hash).ok_or(Unreadable::Hash)?,
    };
    let is_same = export_line(&record).is_ok_and(|written| written.as_bytes() == line);
    if is_same { Ok(record) } else { Err(Unreadable::Spelling) }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8; 32]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// The bytes of hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).filter_map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect();
    // An odd digit makes no byte; it must not go unseen.
    if text.len() == 64 { bytes.try_into().ok() } else { None }
}
