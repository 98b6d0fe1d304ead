//! Claims.

use openapi_parts::schema;
use openapi_parts::schemas::{choice, instant, maybe_text, number, object, text, uuid};
use serde_json::{Value as Json, json};

use super::parts::{bounded, maybe_bounded, page};

const KINDS: [&str; 3] = ["lost", "damaged", "other"];

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Claim", claim()),
        ("ClaimPage", page("Claim")),
        (
            "NewClaim",
            object(
                "A claim to be.",
                vec![
                    ("kind", choice(&KINDS, "What it is about.")),
                    ("description", bounded(2000, "What happened.")),
                ],
            ),
        ),
        (
            "ClaimPatch",
            object(
                "A change.",
                vec![
                    ("status", choice(&["read", "answered", "closed"], "How far it is then.")),
                    ("answer?", maybe_bounded(2000, "What the desk says; needed once it is answered.")),
                    (
                        "accepted_minor?",
                        json!({"type": ["integer", "null"], "minimum": 1, "description": "What the desk answers for, in minor units, at most its liability; with the first answer."}),
                    ),
                ],
            ),
        ),
    ]
}

fn claim() -> Json {
    object(
        "Something went wrong with a package, and the desk has to answer for it.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("package_id", uuid("The package.")),
            ("kind", choice(&KINDS, "What it is about.")),
            ("status", choice(&["open", "read", "answered", "closed"], "How far it is.")),
            ("description", text("What happened.")),
            ("answer", maybe_text("What the desk says.")),
            ("liability", schema("Money")),
            ("opened_by", uuid("Who opened it.")),
            ("answer_due_at", instant("Until when the desk has to answer: 5 business days.")),
            ("version", number("Rises with each change; the entity tag.")),
            ("created_at", instant("When it was opened.")),
            ("updated_at", instant("When it last changed.")),
        ],
    )
}
