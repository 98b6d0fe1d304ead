//! The shelf.

use openapi_parts::{
    LISTED, Operation, WITH_BODY, content, idempotency_key, if_match, paged, patch, query, variable,
};
use serde_json::{Map, Value as Json, json};

use super::parts::uuid;

const TAG: &str = "slots";

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    paths.insert(
        "/v1/slots".to_owned(),
        json!({"get": list_slots().into_json(), "post": post_slots().into_json()}),
    );
    let slot = variable("slot", uuid(), "The slot.");
    paths.insert(
        "/v1/slots/{slot}".to_owned(),
        json!({"parameters": [slot], "patch": patch_slot().into_json()}),
    );
}

fn list_slots() -> Operation {
    let status = json!({"type": "string", "enum": ["free", "held", "blocked"]});
    let size_class = json!({"type": "string", "enum": ["small", "extra"]});
    let mut parameters = paged();
    parameters.push(query("status", status, "Only those."));
    parameters.push(query("size_class", size_class, "Only those."));
    Operation::new(
        "list_slots",
        TAG,
        "The shelf in the order of its codes, and how full it is; for the desk.",
    )
    .parameters(parameters)
    .answer("200", "A page, with the numbers of the whole shelf.", content("Shelf"))
    .problems(&LISTED)
    .problems(&["403"])
}

fn post_slots() -> Operation {
    Operation::new("post_slots", TAG, "Put up slots, all of them or none; for administrators.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewSlots"))
        .answer("201", "The slots.", content("AddedSlots"))
        .problems(&WITH_BODY)
        .problems(&["403"])
}

fn patch_slot() -> Operation {
    Operation::new("patch_slot", TAG, "Take a slot out of use, or put it back (RFC 7396); for administrators.")
        .description("One that a package lies in is neither: 409 `slot_taken`. Its version rises with changes by hand alone.")
        .parameters(vec![if_match("slot"), idempotency_key()])
        .body(true, patch("SlotPatch"))
        .answer("200", "The slot as it is then.", content("Slot"))
        .problems(&WITH_BODY)
        .problems(&["403", "404", "412", "428"])
}
