//! Slots.

use openapi_parts::schema;
use openapi_parts::schemas::{choice, instant, many, maybe_text, number, object, uuid};
use serde_json::{Value as Json, json};

use super::parts::maybe_bounded;

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Slot", slot()),
        ("SlotCounts", counts()),
        ("Shelf", shelf()),
        ("AddedSlots", object("Slots that were put up.", vec![("items", many("Slot", "In no order."))])),
        ("NewSlots", new_slots()),
        ("SlotPatch", slot_patch()),
    ]
}

fn code() -> Json {
    json!({"type": "string", "pattern": "^[A-Z0-9][A-Z0-9-]{0,19}$", "description": "As it stands on the shelf."})
}

fn size_class() -> Json {
    choice(&["small", "extra"], "Largest size that it takes.")
}

fn slot() -> Json {
    object(
        "A place on the shelf; one package at a time.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("code", code()),
            ("size_class", size_class()),
            ("status", choice(&["free", "held", "blocked"], "Whether it can be taken.")),
            ("blocked_reason", maybe_text("Why it is out of use.")),
            (
                "package_id",
                json!({"type": ["string", "null"], "format": "uuid", "description": "What lies there."}),
            ),
            ("version", number("Rises with each change by hand; the entity tag.")),
            ("created_at", instant("When it was put up.")),
            ("updated_at", instant("When it last changed.")),
        ],
    )
}

fn counts() -> Json {
    object(
        "How many slots of a size there are.",
        vec![
            ("size_class", size_class()),
            ("free", number("Nothing lies there.")),
            ("held", number("A package lies there.")),
            ("blocked", number("Out of use.")),
        ],
    )
}

fn shelf() -> Json {
    object(
        "A page of the shelf.",
        vec![
            ("items", many("Slot", "In the order of codes.")),
            ("next", maybe_text("Position of the next page; null on the last.")),
            (
                "counts",
                json!({"type": "array", "items": schema("SlotCounts"), "description": "Of the whole shelf."}),
            ),
        ],
    )
}

fn new_slots() -> Json {
    let codes = json!({
        "type": "array", "minItems": 1, "maxItems": 500, "items": {"type": "string"},
        "description": "As they stand on the shelf, each once.",
    });
    object("Slots to be.", vec![("codes", codes), ("size_class", size_class())])
}

fn slot_patch() -> Json {
    object(
        "A change.",
        vec![
            ("status", choice(&["free", "blocked"], "What it is to be.")),
            ("blocked_reason?", maybe_bounded(200, "Why it is out of use; needed then.")),
        ],
    )
}
