//! What problems of this service say beside the usual.

use openapi_parts::schema;
use openapi_parts::schemas::{instant, number, uuid};
use serde_json::{Value as Json, json};

use crate::domain::status::{Action, Missing};

/// Their members.
pub(super) fn members() -> Vec<(&'static str, Json)> {
    let missing: Vec<&str> = Missing::ALL.iter().map(|part| part.as_str()).collect();
    let allowed: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    vec![
        ("missing", words(missing, "Everything that a step lacks, the weightiest first.")),
        ("allowed", words(allowed, "The steps that can be taken instead, given what they need.")),
        ("due_minor", number("What is still to be paid, in minor units.")),
        ("due", json!({"description": "What is still to be paid.", "allOf": [schema("Money")]})),
        ("guesses_left", number("How many more pickup codes may be tried.")),
        ("earliest", instant("The first instant at which a new tariff could be in force.")),
        ("alternatives", objects("Slots that are free instead.")),
        ("candidates", objects("Carriers that a number may be of, each with a reason.")),
        ("readings", objects("What a number may have been meant for, each with its carrier.")),
        ("closed_at", instant("Until when a claim could have been opened.")),
        ("package_id", uuid("The package that there is already.")),
        ("announcement_id", uuid("The announcement that there is already.")),
    ]
}

fn words(words: Vec<&str>, description: &str) -> Json {
    json!({"type": "array", "items": {"type": "string", "enum": words}, "description": description})
}

fn objects(description: &str) -> Json {
    json!({"type": "array", "items": {"type": "object"}, "description": description})
}
