//! JSON in one spelling, so that equal data have equal hashes.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Why something cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotCanonical {
    /// A number that not every reader writes alike.
    #[error("a number is not an integer of 64 bits")]
    Float,
    /// The data of an event have names.
    #[error("the data of an event are not an object")]
    NotAnObject,
    /// A text that the database does not take.
    #[error("a text has the character U+0000")]
    Nul,
    /// There are as many events as can be counted.
    #[error("the chain can have no more events")]
    TooLong,
}

/// An object in its one spelling.
///
/// # Errors
/// [`NotCanonical`] if it is no object, or something in it has no one spelling.
pub(crate) fn object(value: &Value) -> Result<String, NotCanonical> {
    let Value::Object(members) = value else {
        return Err(NotCanonical::NotAnObject);
    };
    let mut out = String::new();
    write_members(&mut out, members)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value) -> Result<(), NotCanonical> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => write_display(out, integer),
            (None, Some(integer)) => write_display(out, integer),
            (None, None) => return Err(NotCanonical::Float),
        },
        Value::String(text) => write_text(out, text)?,
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(out, value)?;
            }
            out.push(']');
        }
        Value::Object(members) => write_members(out, members)?,
    }
    Ok(())
}

fn write_members(out: &mut String, members: &Map<String, Value>) -> Result<(), NotCanonical> {
    // A map may keep the order in which its members came, if somebody in the build asks for that.
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(name, _)| name.as_bytes());
    out.push('{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_text(out, name)?;
        out.push(':');
        write(out, value)?;
    }
    out.push('}');
    Ok(())
}

fn write_text(out: &mut String, text: &str) -> Result<(), NotCanonical> {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0' => return Err(NotCanonical::Nul),
            control if control < ' ' => write_display(out, format_args!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
    Ok(())
}

fn write_display(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_nothing_is_blank() {
        let value = json!({"b": [1, -2, {"z": null, "a": true}], "a": "x y", "é": 1, "B": u64::MAX});
        let expected = r#"{"B":18446744073709551615,"a":"x y","b":[1,-2,{"a":true,"z":null}],"é":1}"#;
        assert_eq!(object(&value).as_deref(), Ok(expected));
        let escaped = json!({"a": "\"\\/\u{8}\t\n\u{c}\r\u{1f}\u{7f}é"});
        assert_eq!(object(&escaped).unwrap(), "{\"a\":\"\\\"\\\\/\\b\\t\\n\\f\\r\\u001f\u{7f}é\"}");
    }

    #[test]
    fn what_has_no_one_spelling_is_refused() {
        for (value, fault) in [
            (json!({"a": [1.0]}), NotCanonical::Float),
            (json!({"a": {"b": 0.5}}), NotCanonical::Float),
            (serde_json::from_str(r#"{"a":-0}"#).unwrap(), NotCanonical::Float),
            (serde_json::from_str(r#"{"a":18446744073709551616}"#).unwrap(), NotCanonical::Float),
            (json!([1]), NotCanonical::NotAnObject),
            (json!({"a\0": 1}), NotCanonical::Nul),
        ] {
            assert_eq!(object(&value), Err(fault), "{value}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "[^\0]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[^\0]{0,4}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_one_spelling_says_the_same_and_is_spelled_the_same_again(value in any_value()) {
            let wrapped = json!({ "value": value });
            let text = object(&wrapped).unwrap();
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, &wrapped);
            prop_assert_eq!(object(&read).unwrap(), text);
        }
    }
}
