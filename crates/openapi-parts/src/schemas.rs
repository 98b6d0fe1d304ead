//! Schemas of bodies.

use serde_json::{Map, Value as Json, json};

use crate::schema;

/// An object with these members and no others; those whose name ends in `?` may be left out.
pub fn object(description: &str, members: Vec<(&str, Json)>) -> Json {
    let required: Vec<&str> =
        members.iter().map(|(name, _)| *name).filter(|name| !name.ends_with('?')).collect();
    let properties: Map<String, Json> = members
        .iter()
        .map(|(name, schema)| (name.trim_end_matches('?').to_owned(), schema.clone()))
        .collect();
    json!({
        "type": "object", "description": description, "required": required, "properties": properties,
        "additionalProperties": false,
    })
}

/// A text.
pub fn text(description: &str) -> Json {
    json!({"type": "string", "description": description})
}

/// A text or `null`.
pub fn maybe_text(description: &str) -> Json {
    json!({"type": ["string", "null"], "description": description})
}

/// A whole number.
pub fn number(description: &str) -> Json {
    json!({"type": "integer", "description": description})
}

/// A whole number or `null`.
pub fn maybe_number(description: &str) -> Json {
    json!({"type": ["integer", "null"], "description": description})
}

/// A part of one.
pub fn fraction(description: &str) -> Json {
    json!({"type": "number", "minimum": 0, "maximum": 1, "description": description})
}

/// True or false.
pub fn truth(description: &str) -> Json {
    json!({"type": "boolean", "description": description})
}

/// One of these words.
pub fn choice(words: &[&str], description: &str) -> Json {
    json!({"type": "string", "enum": words, "description": description})
}

/// A UUID.
pub fn uuid(description: &str) -> Json {
    json!({"type": "string", "format": "uuid", "description": description})
}

/// An instant (RFC 3339, UTC).
pub fn instant(description: &str) -> Json {
    json!({"type": "string", "format": "date-time", "description": description})
}

/// An instant or `null`.
pub fn maybe_instant(description: &str) -> Json {
    json!({"type": ["string", "null"], "format": "date-time", "description": description})
}

/// A thing of this schema, or `null`.
pub fn maybe(name: &str, description: &str) -> Json {
    json!({"description": description, "anyOf": [schema(name), {"type": "null"}]})
}

/// A list of things of this schema.
pub fn many(name: &str, description: &str) -> Json {
    json!({"type": "array", "items": schema(name), "description": description})
}

/// Problem details (RFC 9457), with these members beside the usual. Refers to [`field_error`] as `FieldError`.
pub fn problem(more: Vec<(&str, Json)>) -> Json {
    let usual = [
        ("type", json!({"type": "string", "format": "uri-reference"})),
        ("title", json!({"type": "string"})),
        ("status", json!({"type": "integer"})),
        ("detail", json!({"type": "string"})),
        ("instance", json!({"type": "string"})),
        ("code", json!({"type": "string"})),
        ("trace_id", json!({"type": "string"})),
        ("errors", json!({"type": "array", "items": schema("FieldError")})),
    ];
    let members = usual.into_iter().chain(more);
    let properties: Map<String, Json> = members.map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "code"],
        "properties": properties,
    })
}

/// A fault in a problem.
pub fn field_error() -> Json {
    object(
        "One fault of a request.",
        vec![
            ("pointer", text("JSON pointer (RFC 6901), `?parameter`, or the name of a field of the header.")),
            ("code", text("The rule that was broken.")),
            ("message", text("The same for people.")),
        ],
    )
}
