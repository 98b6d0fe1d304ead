//! What is said at each step.

use openapi_parts::schema;
use openapi_parts::schemas::{choice, many, maybe_instant, maybe_text, number, object, text, uuid};
use serde_json::{Value as Json, json};

use super::parts::{assets, bounded, maybe_bounded, maybe_choice, maybe_within, within};

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("PackageReceipt", receipt()),
        ("NewPackage", new_package()),
        ("Reception", reception()),
        ("Candidate", candidate()),
        ("MatchReason", reason()),
        ("Identification", identification()),
        ("Storing", object("Where a package is put.", vec![("slot_code?", slot_code())])),
        ("Notice", notice()),
        ("Return", returned()),
        (
            "Abandonment",
            object("An abandonment.", vec![("disposal", bounded(500, "What becomes of the package."))]),
        ),
        ("Cancellation", object("A cancellation.", vec![("reason?", maybe_bounded(500, "Why; needed."))])),
        ("NewIncident", incident()),
        ("NewFiles", new_files()),
    ]
}

fn maybe_uuid(description: &str) -> Json {
    json!({"type": ["string", "null"], "format": "uuid", "description": description})
}

fn slot_code() -> Json {
    maybe_bounded(20, "The slot; any that it fits into if left out.")
}

fn parcel() -> Vec<(&'static str, Json)> {
    let dims_mm = json!({
        "type": ["array", "null"], "minItems": 3, "maxItems": 3,
        "items": within(1, 10_000, "A side."),
        "description": "Length, width and height in millimetres.",
    });
    vec![
        ("carrier?", maybe_bounded(50, "Who brought it.")),
        (
            "size_class?",
            maybe_choice(&["small", "extra"], "By its measures if left out; must agree with them."),
        ),
        ("dims_mm?", dims_mm),
        ("weight_g?", maybe_within(1, 1_000_000, "In grams.")),
        ("condition?", maybe_choice(&["good", "opened", "damaged"], "As it came; needed.")),
        ("photos?", assets("Pictures that show it: 2 at least, each another.")),
        ("documents?", assets("Papers that came with it: pictures or PDF.")),
        ("note?", maybe_bounded(1000, "What else is to be known.")),
    ]
}

fn receipt() -> Json {
    let mut members = parcel();
    members.push(("guide_number?", maybe_bounded(128, "As announced if left out.")));
    object("What is said of an announced parcel.", members)
}

fn new_package() -> Json {
    let mut members = parcel();
    members.push(("guide?", maybe_bounded(128, "The barcode or number as it was scanned or typed.")));
    members.push(("name?", maybe_bounded(200, "The recipient on the label.")));
    members.push(("phone?", maybe_bounded(200, "The phone on the label, or a part of it.")));
    members.push(("customer_id?", maybe_uuid("Whose it is, where you know.")));
    members.push(("announcement_id?", maybe_uuid("What announced it, where you know.")));
    object("What is said of a parcel.", members)
}

fn reception() -> Json {
    object(
        "A package, and how it was found whose it is.",
        vec![
            ("package", schema("Package")),
            ("announcement_id", maybe_uuid("The announcement that it was matched with.")),
            ("candidates", many("Candidate", "Announcements for which something speaks, the best first.")),
        ],
    )
}

fn candidate() -> Json {
    object(
        "An announcement that a parcel may belong to.",
        vec![
            ("announcement_id", uuid("The announcement.")),
            ("customer_id", uuid("Whom it is for.")),
            ("guide_number", text("The number that was announced.")),
            ("carrier", maybe_text("Who was to bring it.")),
            ("name", maybe_text("As it was to stand on the label.")),
            ("phone", maybe_text("As it was to stand on the label.")),
            ("expected_at", maybe_instant("When it was to come.")),
            ("score", within(0, 100, "Sum of the reasons' points; 80 and well ahead of others decides.")),
            ("reasons", many("MatchReason", "As they were weighed.")),
        ],
    )
}

fn reason() -> Json {
    object(
        "What speaks for or against an announcement.",
        vec![
            ("code", text("What it is about.")),
            ("text", text("For a person.")),
            ("points", number("What it adds to the score.")),
        ],
    )
}

fn identification() -> Json {
    object(
        "Whose a package is: one of both.",
        vec![
            ("customer_id?", maybe_uuid("The customer.")),
            ("announcement_id?", maybe_uuid("What announced it.")),
            ("reason?", maybe_bounded(500, "Needed to take it from another customer.")),
        ],
    )
}

fn notice() -> Json {
    object(
        "How the customer is reached.",
        vec![
            (
                "channel",
                choice(
                    &["call", "sms", "email", "whatsapp", "push"],
                    "A call was made; all others are to be sent.",
                ),
            ),
            ("note?", maybe_bounded(1000, "For those at the desk.")),
        ],
    )
}

fn returned() -> Json {
    object(
        "A return.",
        vec![
            ("to", choice(&["carrier", "sender"], "Who gets it.")),
            ("reason?", maybe_bounded(500, "Why; needed.")),
        ],
    )
}

fn incident() -> Json {
    object(
        "What happened.",
        vec![
            ("kind", choice(&["lost", "damaged", "found"], "What.")),
            ("description?", maybe_bounded(2000, "This or pictures are needed.")),
            ("evidence?", assets("Pictures.")),
            ("slot_code?", slot_code()),
        ],
    )
}

fn new_files() -> Json {
    object(
        "Files to be added.",
        vec![
            ("kind", choice(&["photo", "document", "receipt", "signature"], "What they are.")),
            ("asset_ids", assets("At least one.")),
        ],
    )
}
