//! What operations of every service have in common: faults, pages of lists, bodies.

use crate::{Operation, content, query, schema};
use serde_json::{Value as Json, json};

/// What goes wrong with a change that has a body, beside 403 and 404.
pub const WITH_BODY: [&str; 6] = ["400", "401", "409", "413", "415", "422"];

/// What goes wrong with one that has none.
pub const WITHOUT_BODY: [&str; 4] = ["400", "401", "409", "422"];

/// What goes wrong with a list.
pub const LISTED: [&str; 3] = ["400", "401", "404"];

/// What goes wrong with what has a validator.
pub const READ: [&str; 4] = ["400", "401", "404", "412"];

/// Where a list begins, and how long a page of it is: 100 at most.
pub fn paged() -> Vec<Json> {
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
pub fn cursor() -> Json {
    query("cursor", json!({"type": "string"}), "Position from `next` of the page before.")
}

/// A list, whose pages are of this schema.
pub fn list(id: &str, tag: &str, summary: &str, page: &str) -> Operation {
    Operation::new(id, tag, summary)
        .parameters(paged())
        .answer("200", "A page.", content(page))
        .problems(&LISTED)
}

/// A change of parts (RFC 7396), of this schema.
pub fn patch(name: &str) -> Json {
    let body = json!({"schema": schema(name)});
    json!({"application/merge-patch+json": body, "application/json": body})
}
