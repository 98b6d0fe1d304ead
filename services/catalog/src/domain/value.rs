//! A field's value, whatever its kind, and how it is written as JSON and as CSV.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use uuid::Uuid;

/// One value of one field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Absent.
    Null,
    /// Text, or a word of a closed list.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A truth value.
    Bool(bool),
    /// A calendar date.
    Date(NaiveDate),
    /// An id.
    Uuid(Uuid),
    /// An instant, UTC.
    Time(DateTime<Utc>),
}

impl Value {
    /// Appends the value as JSON.
    pub(crate) fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Text(text) => write_json_text(text, out),
            Self::Int(number) => push(out, format_args!("{number}")),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Date(date) => push(out, format_args!("\"{date}\"")),
            Self::Uuid(id) => push(out, format_args!("\"{id}\"")),
            Self::Time(at) => push(out, format_args!("\"{}\"", rfc3339(*at))),
        }
    }

    /// The value as a CSV cell. Text that a spreadsheet would run as a formula is defused with an apostrophe.
    pub(crate) fn csv_cell(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
            Self::Text(text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Uuid(id) => id.to_string(),
            Self::Time(at) => rfc3339(*at),
        }
    }

    /// The id, where the value is one.
    pub(crate) fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Self::Uuid(id) => Some(*id),
            _ => None,
        }
    }

    /// The text, where the value is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The date, where the value is one.
    pub(crate) fn as_date(&self) -> Option<NaiveDate> {
        match self {
            Self::Date(date) => Some(*date),
            _ => None,
        }
    }
}

/// An instant as RFC 3339 in UTC with microseconds, the resolution of the store.
pub(crate) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Appends `text` as a JSON string (RFC 8259 §7).
pub(crate) fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => push(out, format_args!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// Writing into a `String` cannot fail; the result is dropped for that reason alone.
fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_reads_back_as_it_was() {
        let text = "a\"b\\c\nd\te\u{1}\u{7f}é🐄";
        let mut out = String::new();
        write_json_text(text, &mut out);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_is_defused() {
        assert_eq!(Value::Text("=1+1".into()).csv_cell(), "'=1+1");
        assert_eq!(Value::Int(-3).csv_cell(), "-3");
    }
}
