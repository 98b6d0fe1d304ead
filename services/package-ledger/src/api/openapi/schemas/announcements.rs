//! Announcements.

use openapi_parts::schema;
use openapi_parts::schemas::{
    choice, instant, many, maybe, maybe_instant, maybe_text, number, object, text, uuid,
};
use serde_json::{Value as Json, json};

use super::parts::{bounded, maybe_bounded, page};
use crate::domain::announcement::AnnouncementStatus;
use crate::domain::status::Status;

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Announcement", announcement()),
        ("AnnouncementPage", page("Announcement")),
        ("AnnouncementCustomer", customer()),
        ("AnnouncementPackage", package()),
        ("NewAnnouncement", new_announcement()),
        ("Withdrawal", object("Why.", vec![("reason?", maybe_bounded(500, "In your words."))])),
        ("Scan", scan()),
        ("Matching", matching()),
    ]
}

fn maybe_uuid(description: &str) -> Json {
    json!({"type": ["string", "null"], "format": "uuid", "description": description})
}

fn announcement() -> Json {
    let statuses: Vec<&str> = AnnouncementStatus::ALL.iter().map(|status| status.as_str()).collect();
    object(
        "A parcel that somebody expects.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("status", choice(&statuses, "pending, matched (its parcel is here), expired, or cancelled.")),
            ("customer", schema("AnnouncementCustomer")),
            ("package_id", maybe_uuid("The package that stands for it.")),
            ("package", maybe("AnnouncementPackage", "The same as it is now.")),
            ("name", text("As it will stand on the label.")),
            ("phone", text("As it will stand on the label, E.164.")),
            ("carrier", maybe_text("Who brings it.")),
            ("guide_number", text("The carrier's number, normalised.")),
            ("expected_at", maybe_instant("When it should come.")),
            ("tracking_code", text("Ours, to ask by.")),
            ("tariff_version_id", uuid("The version of the tariff that its package keeps.")),
            ("expires_at", instant("When it is not waited for any more.")),
            ("announced_by", uuid("Who announced it.")),
            ("version", number("Rises with each change.")),
            ("created_at", instant("When it was announced.")),
            ("updated_at", instant("When it last changed.")),
        ],
    )
}

fn customer() -> Json {
    object(
        "Whom a parcel is for.",
        vec![
            ("id", uuid("The customer.")),
            ("name", text("As it stands on labels.")),
            ("phone", text("E.164.")),
        ],
    )
}

fn package() -> Json {
    let statuses: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
    object(
        "The package that stands for an announcement.",
        vec![
            ("id", uuid("The package.")),
            ("tracking_no", text("Ours, as it stands on our label.")),
            ("status", choice(&statuses, "Where it stands.")),
        ],
    )
}

fn new_announcement() -> Json {
    object(
        "An announcement to be.",
        vec![
            ("guide_number", text("The carrier's number, as it was typed or scanned.")),
            ("carrier?", maybe_bounded(50, "Who brings it.")),
            ("expected_at?", maybe_instant("When it should come.")),
            ("customer_id?", maybe_uuid("For the desk: whom it is for.")),
            ("name?", maybe_bounded(200, "As it will stand on the label; the customer's if left out.")),
            ("phone?", maybe_text("As it will stand on the label; the customer's if left out.")),
        ],
    )
}

fn scan() -> Json {
    object(
        "What was read from a parcel.",
        vec![
            ("scanned", bounded(200, "The barcode or number as it came, or as it was typed.")),
            ("carrier?", maybe_bounded(50, "Who brought it.")),
            ("name?", maybe_bounded(200, "The recipient on the label.")),
            ("phone?", maybe_bounded(40, "The phone on the label: whole, or its last digits.")),
        ],
    )
}

fn matching() -> Json {
    object(
        "What a parcel may be.",
        vec![
            ("decision", choice(&["match", "ask_human"], "Whether a person is needed.")),
            ("announcement_id", maybe_uuid("The announcement that it is, where nobody has to look.")),
            ("candidates", many("Candidate", "Those for which something speaks, the best first.")),
        ],
    )
}
