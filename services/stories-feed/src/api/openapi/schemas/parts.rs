//! What several schemas have.

use openapi_parts::schemas::{many, maybe_text, object};
use serde_json::{Value as Json, json};

/// What a story shows, by name.
pub(super) const KINDS: [&str; 5] = ["image", "video", "text", "workout", "achievement"];
/// Who sees it beside its author.
pub(super) const PRIVACIES: [&str; 4] = ["public", "followers", "close_friends", "private"];
/// Where it stands.
pub(super) const STATES: [&str; 8] =
    ["draft", "processing", "failed", "active", "expired", "archived", "deleted", "removed"];

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

/// A whole number within bounds.
pub(super) fn within(least: i64, most: i64, description: &str) -> Json {
    json!({"type": "integer", "minimum": least, "maximum": most, "description": description})
}

/// Reactions by emoji.
pub(super) fn reactions() -> Json {
    json!({
        "type": "object", "additionalProperties": {"type": "integer", "minimum": 1},
        "description": "How many reacted, by emoji.",
    })
}
