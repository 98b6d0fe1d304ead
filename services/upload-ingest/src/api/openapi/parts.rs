//! Parameters that several operations have.

use openapi_parts::query;
use serde_json::{Value as Json, json};

/// The two parameters of a signed link.
pub(super) fn signature() -> Vec<Json> {
    vec![
        query("expires", json!({"type": "integer"}), "When the link expires, in seconds since 1970."),
        query("signature", json!({"type": "string"}), "What makes it one of ours."),
    ]
}

/// The two that go into an asset.
pub(super) fn said_of_asset() -> Vec<Json> {
    vec![
        query("title", json!({"type": "string", "maxLength": 200}), "Title of the asset."),
        query(
            "visibility",
            json!({"type": "string", "enum": ["private", "public"], "default": "private"}),
            "Who may see it once it is processed.",
        ),
    ]
}
