//! Schemas of bodies.

mod announcements;
mod books;
mod claims;
mod debug;
mod money;
mod packages;
mod parts;
mod people;
mod problems;
mod slots;
mod steps;
mod time;

use openapi_parts::schemas::{field_error, problem};
use serde_json::{Map, Value as Json};

/// All of them.
pub(super) fn all() -> Map<String, Json> {
    let common = vec![("Problem", problem(problems::members())), ("FieldError", field_error())];
    let parts = [
        common,
        people::all(),
        announcements::all(),
        books::all(),
        money::all(),
        claims::all(),
        debug::all(),
        packages::all(),
        slots::all(),
        steps::all(),
        time::all(),
    ];
    parts.into_iter().flatten().map(|(name, schema)| (name.to_owned(), schema)).collect()
}
