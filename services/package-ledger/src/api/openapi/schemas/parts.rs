//! What several schemas have.

use openapi_parts::schemas::{many, maybe_text, object};
use serde_json::{Value as Json, json};

/// A page of a list.
pub(super) fn page(of: &str) -> Json {
    object(
        "A page of a list.",
        vec![
            ("items", many(of, "In order.")),
            ("next", maybe_text("Position of the next page; null on the last.")),
        ],
    )
}

/// A text of so many characters at most.
pub(super) fn bounded(most: u32, description: &str) -> Json {
    json!({"type": "string", "maxLength": most, "description": description})
}

/// The same, or null.
pub(super) fn maybe_bounded(most: u32, description: &str) -> Json {
    json!({"type": ["string", "null"], "maxLength": most, "description": description})
}

/// One of these words, or null.
pub(super) fn maybe_choice(words: &[&str], description: &str) -> Json {
    let mut words: Vec<Json> = words.iter().map(|word| json!(word)).collect();
    words.push(Json::Null);
    json!({"type": ["string", "null"], "enum": words, "description": description})
}

/// A whole number within bounds.
pub(super) fn within(least: i64, most: i64, description: &str) -> Json {
    json!({"type": "integer", "minimum": least, "maximum": most, "description": description})
}

/// A whole number within bounds, or null.
pub(super) fn maybe_within(least: i64, most: i64, description: &str) -> Json {
    json!({"type": ["integer", "null"], "minimum": least, "maximum": most, "description": description})
}

/// Ids of assets, each once.
pub(super) fn assets(description: &str) -> Json {
    json!({
        "type": "array", "maxItems": 20, "items": {"type": "string", "format": "uuid"}, "description": description,
    })
}
