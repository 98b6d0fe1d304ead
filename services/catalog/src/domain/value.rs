//! A field's value, whatever its kind, and how it is written as JSON and as CSV.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
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
            Self::Date(date) => {
                out.push('"');
                write_date(*date, out);
                out.push('"');
            }
            Self::Uuid(id) => {
                out.push('"');
                out.push_str(id.hyphenated().encode_lower(&mut [0; uuid::fmt::Hyphenated::LENGTH]));
                out.push('"');
            }
            Self::Time(at) => {
                out.push('"');
                write_rfc3339(*at, out);
                out.push('"');
            }
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
    let mut out = String::with_capacity(27);
    write_rfc3339(at, &mut out);
    out
}

/// Chrono's own formatting is a good part of a list's cost; every record has two instants.
fn write_rfc3339(at: DateTime<Utc>, out: &mut String) {
    let (date, time) = (at.date_naive(), at.time());
    write_date(date, out);
    out.push('T');
    write_digits(time.hour(), 2, out);
    out.push(':');
    write_digits(time.minute(), 2, out);
    out.push(':');
    write_digits(time.second(), 2, out);
    out.push('.');
    write_digits((time.nanosecond() / 1000).min(999_999), 6, out);
    out.push('Z');
}

fn write_date(date: NaiveDate, out: &mut String) {
    match u32::try_from(date.year()) {
        Ok(year @ 0..=9999) => {
            write_digits(year, 4, out);
            out.push('-');
            write_digits(date.month(), 2, out);
            out.push('-');
            write_digits(date.day(), 2, out);
        }
        // Beyond four digits ISO 8601 wants a sign.
        _ => push(out, format_args!("{date}")),
    }
}

fn write_digits(number: u32, width: u32, out: &mut String) {
    for place in (0..width).rev() {
        let digit = number / 10u32.pow(place) % 10;
        out.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

/// Appends `text` as a JSON string (RFC 8259 §7). Runs that need no escape, most texts as a whole, are copied as they are.
pub(crate) fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        // What is escaped is ASCII, so both cuts are between characters.
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = tail.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => push(out, format_args!("\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
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
    fn instants_and_dates_are_written_as_chrono_writes_them() {
        for micros in [0, 1, 999_999, 1_790_000_000_123_456, -1, 253_402_300_799_999_999] {
            let at = DateTime::from_timestamp_micros(micros).unwrap();
            assert_eq!(rfc3339(at), at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
            let mut date = String::new();
            write_date(at.date_naive(), &mut date);
            assert_eq!(date, at.date_naive().to_string());
        }
    }

    #[test]
    fn a_cell_that_looks_like_a_formula_is_defused() {
        assert_eq!(Value::Text("=1+1".into()).csv_cell(), "'=1+1");
        assert_eq!(Value::Int(-3).csv_cell(), "-3");
    }
}
