//! What a client wants a record to be: JSON checked against the model, every fault named with its pointer.

use chrono::NaiveDate;
use problem::FieldError;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::value::Value;
use crate::model::{Field, FieldKind, Model, TextFormat};

/// Longest accepted `client_mutation_id`, in characters.
pub(crate) const MUTATION_ID_MAX_CHARS: usize = 64;

/// How a draft is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A new record: fields left out take their defaults.
    Create,
    /// The whole record anew (PUT): fields left out take their defaults.
    Replace,
    /// Some fields (PATCH, RFC 7396): fields left out stay.
    Merge,
}

/// A checked draft: values by field of the model, `None` where nothing was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    /// Id chosen by the client (an offline client names its records itself), new records only.
    pub(crate) id: Option<Uuid>,
    /// The client's mark of this change (C-D8).
    pub(crate) mutation_id: Option<String>,
    /// Aligned with the model's fields.
    pub(crate) values: Vec<Option<Value>>,
}

impl Draft {
    /// Reads and checks one JSON object. `pointer` is where it stands in the document (RFC 6901), `today` in UTC.
    ///
    /// # Errors
    /// Every fault of the object, each with its pointer.
    pub(crate) fn read(
        model: &Model,
        json: &Json,
        mode: Mode,
        today: NaiveDate,
        pointer: &str,
    ) -> Result<Self, Vec<FieldError>> {
        let Json::Object(members) = json else {
            return Err(vec![fault(pointer, "wrong_type", "an object is expected")]);
        };
        let mut faults = unknown_members(model, members, mode, pointer);
        let id = match members.get("id").filter(|_| mode == Mode::Create) {
            None => None,
            Some(Json::String(text)) => match Uuid::parse_str(text) {
                Ok(id) if !id.is_nil() => Some(id),
                _ => note(&mut faults, &format!("{pointer}/id"), "invalid_format", "a UUID is expected"),
            },
            Some(_) => {
                note(&mut faults, &format!("{pointer}/id"), "wrong_type", "a UUID in a string is expected")
            }
        };
        let mutation_id = match members.get("client_mutation_id") {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) if valid_mutation_id(text) => Some(text.clone()),
            Some(_) => note(
                &mut faults,
                &format!("{pointer}/client_mutation_id"),
                "invalid_format",
                "1 to 64 printable ASCII characters are expected",
            ),
        };
        let values = model
            .fields
            .iter()
            .map(|field| {
                read_member(field, members.get(field.name), mode, today).unwrap_or_else(|(code, message)| {
                    faults.push(fault(&format!("{pointer}/{}", field.name), code, message));
                    None
                })
            })
            .collect();
        if faults.is_empty() { Ok(Self { id, mutation_id, values }) } else { Err(faults) }
    }

    /// The value said for a field.
    pub(crate) fn value(&self, model: &Model, name: &str) -> Option<&Value> {
        model
            .fields
            .iter()
            .position(|field| field.name == name)
            .and_then(|index| self.values.get(index))
            .and_then(Option::as_ref)
    }

    /// Says a value for a field.
    pub(crate) fn set(&mut self, model: &Model, name: &str, value: Value) {
        if let Some(slot) = model
            .fields
            .iter()
            .position(|field| field.name == name)
            .and_then(|index| self.values.get_mut(index))
        {
            *slot = Some(value);
        }
    }
}

/// Whether a text can be a client's mark.
pub(crate) fn valid_mutation_id(text: &str) -> bool {
    (1..=MUTATION_ID_MAX_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn unknown_members(model: &Model, members: &Map<String, Json>, mode: Mode, pointer: &str) -> Vec<FieldError> {
    members
        .keys()
        .filter(|name| {
            let reserved = *name == "client_mutation_id" || (*name == "id" && mode == Mode::Create);
            !reserved && model.field(name).is_none()
        })
        .map(|name| fault(&format!("{pointer}/{}", escape_pointer(name)), "unknown_field", "no such field"))
        .collect()
}

type Refusal = (&'static str, String);

fn read_member(
    field: &Field,
    json: Option<&Json>,
    mode: Mode,
    today: NaiveDate,
) -> Result<Option<Value>, Refusal> {
    match json {
        None if mode == Mode::Merge => Ok(None),
        // It cannot be read back to be sent again: what is left out stays, in a new record where it may.
        None if field.write_only && (field.nullable || mode == Mode::Replace) => Ok(None),
        None => match field.default {
            Some(default) => read_value(field, &default_json(field, default), today).map(Some),
            None if field.nullable => Ok(Some(Value::Null)),
            None => Err(("required", "a value is required".to_owned())),
        },
        Some(Json::Null) if field.nullable && !field.write_only => Ok(Some(Value::Null)),
        Some(Json::Null) => Err(("not_nullable", "null is not allowed".to_owned())),
        Some(json) => read_value(field, json, today).map(Some),
    }
}

/// Defaults are written as plain words in the declaration; the kind says how they read.
fn default_json(field: &Field, default: &str) -> Json {
    match field.kind {
        FieldKind::Integer { .. } => default.parse::<i64>().map_or(Json::Null, Json::from),
        FieldKind::Boolean => Json::Bool(default == "true"),
        _ => Json::String(default.to_owned()),
    }
}

fn read_value(field: &Field, json: &Json, today: NaiveDate) -> Result<Value, Refusal> {
    match (field.kind, json) {
        (FieldKind::Integer { min, max }, Json::Number(number)) => {
            let Some(number) = number.as_i64() else {
                return Err(("wrong_type", format!("a whole number from {min} to {max} is expected")));
            };
            in_range(number, min, max).map(Value::Int)
        }
        (FieldKind::Boolean, Json::Bool(flag)) => Ok(Value::Bool(*flag)),
        (FieldKind::Integer { .. } | FieldKind::Boolean, _) => {
            Err(("wrong_type", format!("{} is expected", expectation(field.kind))))
        }
        (_, Json::String(text)) => parse_text(field.kind, text, today),
        _ => Err(("wrong_type", format!("{} is expected", expectation(field.kind)))),
    }
}

/// Reads a value from its text form, as it stands in a query parameter.
pub(crate) fn parse_parameter(kind: FieldKind, text: &str, today: NaiveDate) -> Result<Value, Refusal> {
    match kind {
        FieldKind::Integer { min, max } => {
            let number =
                text.parse::<i64>().map_err(|_| ("wrong_type", "a whole number is expected".to_owned()))?;
            in_range(number, min, max).map(Value::Int)
        }
        FieldKind::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(("wrong_type", "true or false is expected".to_owned())),
        },
        // A filter may look beyond today and need not be as long as a stored text.
        FieldKind::Date { .. } => parse_text(FieldKind::Date { not_future: false }, text, today),
        FieldKind::Text { max_len, .. } => {
            parse_text(FieldKind::Text { min_len: 0, max_len, format: TextFormat::Plain }, text, today)
        }
        other => parse_text(other, text, today),
    }
}

fn in_range(number: i64, min: i64, max: i64) -> Result<i64, Refusal> {
    if (min..=max).contains(&number) {
        Ok(number)
    } else {
        Err(("out_of_range", format!("must be from {min} to {max}")))
    }
}

fn parse_text(kind: FieldKind, text: &str, today: NaiveDate) -> Result<Value, Refusal> {
    match kind {
        FieldKind::Text { min_len, max_len, format } => {
            checked_text(text, min_len, max_len, format).map(Value::Text)
        }
        FieldKind::Choice(words) => {
            if words.contains(&text) {
                Ok(Value::Text(text.to_owned()))
            } else {
                Err(("not_a_choice", format!("must be one of: {}", words.join(", "))))
            }
        }
        FieldKind::Date { not_future } => {
            let date = parse_date(text)
                .ok_or_else(|| ("invalid_format", "a date as 2026-01-31 is expected".to_owned()))?;
            if not_future && date > today {
                return Err(("in_future", "must not be after today (UTC)".to_owned()));
            }
            Ok(Value::Date(date))
        }
        FieldKind::Uuid => Uuid::parse_str(text)
            .map(Value::Uuid)
            .map_err(|_| ("invalid_format", "a UUID is expected".to_owned())),
        FieldKind::Integer { .. } | FieldKind::Boolean => {
            Err(("wrong_type", format!("{} is expected", expectation(kind))))
        }
    }
}

/// RFC 3339 full-date, years 1800 to 9999: chrono alone would take signs and other widths.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    shaped
        .then(|| text.parse::<NaiveDate>().ok())
        .flatten()
        .filter(|date| *date >= NaiveDate::from_ymd_opt(1800, 1, 1).unwrap_or(NaiveDate::MIN))
}

fn checked_text(text: &str, min_len: u32, max_len: u32, format: TextFormat) -> Result<String, Refusal> {
    let length = text.chars().count();
    if length < min_len as usize {
        return Err(("too_short", format!("at least {min_len} characters are expected")));
    }
    if length > max_len as usize {
        return Err(("too_long", format!("at most {max_len} characters are allowed")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(("control_character", "control characters are not allowed".to_owned()));
    }
    match format {
        TextFormat::Plain if min_len > 0 && text.trim().is_empty() => {
            Err(("too_short", "must not be blank".to_owned()))
        }
        TextFormat::Email if !email_address::EmailAddress::is_valid(text) => {
            Err(("invalid_format", "an e-mail address is expected".to_owned()))
        }
        TextFormat::Phone if !is_phone(text) => {
            Err(("invalid_format", "a telephone number is expected".to_owned()))
        }
        // One address in two spellings would be two people.
        TextFormat::Email => Ok(text.to_lowercase()),
        _ => Ok(text.to_owned()),
    }
}

fn is_phone(text: &str) -> bool {
    text.chars().filter(char::is_ascii_digit).count() >= 3
        && text.chars().all(|c| c.is_ascii_digit() || " +()-./x".contains(c))
}

fn expectation(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text { .. } | FieldKind::Choice(_) => "text",
        FieldKind::Integer { .. } => "a whole number",
        FieldKind::Boolean => "true or false",
        FieldKind::Date { .. } => "a date as 2026-01-31",
        FieldKind::Uuid => "a UUID",
    }
}

fn fault(pointer: &str, code: &'static str, message: impl Into<String>) -> FieldError {
    FieldError { pointer: pointer.to_owned(), code, message: message.into() }
}

fn note<T>(faults: &mut Vec<FieldError>, pointer: &str, code: &'static str, message: &str) -> Option<T> {
    faults.push(fault(pointer, code, message));
    None
}

/// A member's name as a token of a JSON pointer (RFC 6901), cut where it is absurdly long.
pub(crate) fn escape_pointer(name: &str) -> String {
    let short: String = name.chars().take(80).collect();
    short.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Resource;
    use crate::model::declared::{Animal, User};

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
    }

    fn codes(model: &Model, json: &Json, mode: Mode) -> Vec<(String, &'static str)> {
        let faults = Draft::read(model, json, mode, today(), "").unwrap_err();
        faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_pointer() {
        let json = json!({"record": "", "sex": "cow", "birth_date": "2027-01-01", "weight_g": 1.5, "breed_id": 7, "color/~": 1});
        assert_eq!(
            codes(&Animal::MODEL, &json, Mode::Create),
            vec![
                ("/color~1~0".to_owned(), "unknown_field"),
                ("/record".to_owned(), "too_short"),
                ("/sex".to_owned(), "not_a_choice"),
                ("/birth_date".to_owned(), "in_future"),
                ("/weight_g".to_owned(), "wrong_type"),
                ("/breed_id".to_owned(), "wrong_type"),
            ]
        );
    }

    #[test]
    fn fields_left_out_take_defaults_in_a_new_record_and_stay_in_a_merge() {
        let merged = Draft::read(&Animal::MODEL, &json!({"notes": null}), Mode::Merge, today(), "").unwrap();
        assert_eq!(merged.value(&Animal::MODEL, "status"), None);
        assert_eq!(merged.value(&Animal::MODEL, "notes"), Some(&Value::Null));
        let whole = json!({"record": "A1", "sex": "male", "birth_date": "2026-01-01", "weight_g": 1, "breed_id": Uuid::from_u128(1)});
        let created = Draft::read(&Animal::MODEL, &whole, Mode::Create, today(), "").unwrap();
        assert_eq!(created.value(&Animal::MODEL, "status"), Some(&Value::Text("alive".into())));
    }

    #[test]
    fn a_nul_character_never_reaches_the_store() {
        assert_eq!(
            codes(&Animal::MODEL, &json!({"notes": "a\u{0}b"}), Mode::Merge),
            vec![("/notes".to_owned(), "control_character")]
        );
    }

    #[test]
    fn addresses_are_checked_for_their_shape() {
        let json = json!({"email": "not an address", "phone": "call me"});
        assert_eq!(
            codes(&User::MODEL, &json, Mode::Merge),
            vec![("/email".to_owned(), "invalid_format"), ("/phone".to_owned(), "invalid_format")]
        );
    }

    #[test]
    fn odd_dates_are_refused() {
        for text in ["2026-1-1", "+2026-01-01", "2026-02-30", "0001-01-01", "26-01-011"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
