//! Parameters and answers that several operations have.

use openapi_parts::{Operation, content, query, schema, variable};
use serde_json::{Value as Json, json};

/// What goes wrong with a change that has a body, beside 403 and 404.
pub(super) const WITH_BODY: [&str; 6] = ["400", "401", "409", "413", "415", "422"];

/// What goes wrong with one that has none.
pub(super) const WITHOUT_BODY: [&str; 4] = ["400", "401", "409", "422"];

/// What goes wrong with a list.
pub(super) const LISTED: [&str; 3] = ["400", "401", "404"];

/// What goes wrong with what has a validator.
pub(super) const READ: [&str; 4] = ["400", "401", "404", "412"];

/// A schema of UUIDs.
pub(super) fn uuid() -> Json {
    json!({"type": "string", "format": "uuid"})
}

/// The package in a path.
pub(super) fn package() -> Json {
    variable("package", uuid(), "The package.")
}

/// The person in a path.
pub(super) fn user() -> Json {
    variable("user", uuid(), "The person.")
}

/// Where a list begins, and how long a page of it is: 100 at most.
pub(super) fn paged() -> Vec<Json> {
    vec![
        query(
            "limit",
            json!({"type": "integer", "minimum": 1, "default": 25}),
            "Entries on a page; more than 100 is taken as that.",
        ),
        cursor(),
    ]
}

/// The position of a page.
pub(super) fn cursor() -> Json {
    query("cursor", json!({"type": "string"}), "Position from `next` of the page before.")
}

/// A list, whose pages are of this schema.
pub(super) fn list(id: &str, tag: &str, summary: &str, page: &str) -> Operation {
    Operation::new(id, tag, summary)
        .parameters(paged())
        .answer("200", "A page.", content(page))
        .problems(&LISTED)
}

/// A JSON body of this schema.
pub(super) fn body(name: &str) -> Json {
    json!({"application/json": {"schema": schema(name)}})
}

/// A change of parts (RFC 7396), of this schema.
pub(super) fn patch(name: &str) -> Json {
    let body = json!({"schema": schema(name)});
    json!({"application/merge-patch+json": body, "application/json": body})
}
