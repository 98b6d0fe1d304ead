//! The envelope: CloudEvents 1.0 in binary mode over NATS headers.

use async_nats::HeaderMap;
use async_nats::header::{HeaderValue, NATS_MESSAGE_ID};
use chrono::SecondsFormat;

use crate::outbox::Row;

pub(crate) const CE_ID: &str = "ce-id";
pub(crate) const CE_TYPE: &str = "ce-type";
pub(crate) const TRACEPARENT: &str = "traceparent";
pub(crate) const TRACESTATE: &str = "tracestate";

/// Why the message died, one line.
pub(crate) const DEAD_CAUSE: &str = "Aldia-Dead-Cause";
/// How often it had been delivered.
pub(crate) const DEAD_ATTEMPTS: &str = "Aldia-Dead-Attempts";
/// Stream it died in.
pub(crate) const DEAD_STREAM: &str = "Aldia-Dead-Stream";
/// Its sequence in that stream.
pub(crate) const DEAD_SEQUENCE: &str = "Aldia-Dead-Sequence";
/// Durable consumer that gave up.
pub(crate) const DEAD_CONSUMER: &str = "Aldia-Dead-Consumer";
/// Everything dying adds to a message and a replay takes away again.
pub(crate) const DEAD_HEADERS: [&str; 5] =
    [DEAD_CAUSE, DEAD_ATTEMPTS, DEAD_STREAM, DEAD_SEQUENCE, DEAD_CONSUMER];

/// Long enough for a chain of causes, short enough for a header.
const MAX_VALUE_CHARS: usize = 1024;

/// All headers of an outbox row but the trace context.
pub(crate) fn of_row(row: &Row) -> HeaderMap {
    let id = row.id.to_string();
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, value(&id));
    headers.insert("ce-specversion", "1.0");
    headers.insert(CE_ID, value(&id));
    headers.insert("ce-source", value(&row.source));
    headers.insert(CE_TYPE, value(&row.event_type));
    headers.insert("ce-subject", value(&row.aggregate));
    headers.insert("ce-time", row.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true));
    headers.insert("ce-dataschema", value(&schema(&row.event_type)));
    headers.insert("content-type", "application/protobuf");
    headers
}

/// A value for a header. Line breaks would end it early (the client panics on them), so they become blanks.
pub(crate) fn value(text: &str) -> HeaderValue {
    let line = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = text.chars().take(MAX_VALUE_CHARS).map(line).collect();
    line.parse().unwrap_or_default()
}

pub(crate) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| value.as_str().to_owned())
}

/// Where a message type is written down: its package is a folder below `proto/events`.
fn schema(event_type: &str) -> String {
    let (package, message) = event_type.rsplit_once('.').unwrap_or(("", event_type));
    format!("/proto/events/{}#{message}", package.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use super::{schema, value};

    #[test]
    fn the_schema_is_the_folder_of_the_package() {
        assert_eq!(schema("aldia.catalog.v1.RecordChanged"), "/proto/events/aldia/catalog/v1#RecordChanged");
    }

    #[test]
    fn a_line_break_cannot_forge_a_header() {
        assert_eq!(value("a\r\nNats-Msg-Id: b").as_str(), "a  Nats-Msg-Id: b");
    }
}
