//! Variables of paths that several operations have.

use openapi_parts::variable;
use serde_json::{Value as Json, json};

/// A schema of UUIDs.
pub(super) fn uuid() -> Json {
    json!({"type": "string", "format": "uuid"})
}

/// The gym in a path.
pub(super) fn gym() -> Json {
    variable("gym", uuid(), "The gym.")
}

/// The person in a path.
pub(super) fn user() -> Json {
    variable("user", uuid(), "The person.")
}
