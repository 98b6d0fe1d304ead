//! Schemas of bodies.

mod feed;
mod gyms;
mod live;
mod parts;
mod people;
mod stories;

use openapi_parts::schemas::{field_error, problem};
use serde_json::{Map, Value as Json};

/// All of them.
pub(super) fn all() -> Map<String, Json> {
    let common = vec![("Problem", problem(vec![])), ("FieldError", field_error())];
    [common, gyms::all(), people::all(), stories::all(), feed::all(), live::all()]
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}
