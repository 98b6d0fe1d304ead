//! Packages as they are shown.

use openapi_parts::schema;
use openapi_parts::schemas::{
    choice, instant, many, maybe, maybe_instant, maybe_number, maybe_text, number, object, text, truth, uuid,
};
use serde_json::{Value as Json, json};

use super::parts::{maybe_choice, page};
use crate::domain::custody::ActorRole;
use crate::domain::money::Currency;
use crate::domain::status::Status;
use crate::domain::tariff::SizeClass;

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("Money", money()),
        ("Package", package()),
        ("PackageCustomer", customer()),
        ("PackageAnnouncement", announcement()),
        ("PackageDimensions", dimensions()),
        ("PackageFile", file()),
        ("PackageFee", fee()),
        ("PackagePage", package_page()),
        ("PackageEvent", event()),
        ("PackageEventPage", page("PackageEvent")),
        ("PackageCustody", custody()),
        ("CustodyLink", link()),
        ("PackageStats", stats()),
    ]
}

fn statuses() -> Vec<&'static str> {
    Status::ALL.iter().map(|status| status.as_str()).collect()
}

fn money() -> Json {
    let currencies: Vec<&str> = Currency::ALL.iter().map(|currency| currency.as_str()).collect();
    object(
        "An amount of money.",
        vec![
            ("amount_minor", number("Minor units: of pesos, hundredths.")),
            ("currency", choice(&currencies, "ISO 4217.")),
            ("text", text("The same for people.")),
        ],
    )
}

fn package() -> Json {
    let sizes: Vec<&str> = SizeClass::ALL.iter().map(|size| size.as_str()).collect();
    let mut members = vec![
        ("id", uuid("UUID version 7.")),
        ("tracking_no", text("Ours, as it stands on our label.")),
        ("carrier", maybe_text("Who brings it.")),
        ("guide_number", maybe_text("The carrier's number, normalised.")),
        ("status", choice(&statuses(), "Where it stands.")),
        ("is_overdue", truth("Whether it lies here for longer than it is held.")),
        ("customer", maybe("PackageCustomer", "Whom it is for; null while nobody knows.")),
        ("announcement", maybe("PackageAnnouncement", "What announced it; null where nothing did.")),
        ("size_class", maybe_choice(&sizes, "Null before its reception.")),
        ("weight_g", maybe_number("In grams.")),
        ("dims_mm", maybe("PackageDimensions", "Its sides.")),
        ("condition", maybe_choice(&["good", "opened", "damaged"], "As it came.")),
        ("slot", maybe_text("Code of the slot that it lies in.")),
        ("files", many("PackageFile", "Photos and papers, in the order in which they were added.")),
        ("fee", schema("PackageFee")),
    ];
    members.extend(instants());
    members.extend([
        ("version", number("Rises with each change.")),
        ("created_at", instant("When it was first known.")),
        ("updated_at", instant("When it last changed.")),
    ]);
    object("A parcel from its announcement or reception to its end.", members)
}

fn instants() -> Vec<(&'static str, Json)> {
    vec![
        ("announced_at", maybe_instant("When it was announced.")),
        ("received_at", maybe_instant("When it came.")),
        ("stored_at", maybe_instant("When it was first put into a slot.")),
        ("notified_at", maybe_instant("When word of it first reached its customer.")),
        ("stopped_at", maybe_instant("When the clock of its fee stopped.")),
        ("ended_at", maybe_instant("When it was handed over, returned, abandoned, cancelled or lost.")),
        ("delivered_at", maybe_instant("When it was handed over.")),
        ("free_until", maybe_instant("Last instant of its free time.")),
        ("hold_until", maybe_instant("Last instant before it is overdue.")),
        ("abandon_at", maybe_instant("From when it may be abandoned.")),
    ]
}

fn customer() -> Json {
    object(
        "Whom a package is for.",
        vec![
            ("id", uuid("The customer.")),
            ("name", text("As it stands on labels.")),
            ("phone", text("E.164.")),
            ("email", maybe_text("Where mail goes.")),
        ],
    )
}

fn announcement() -> Json {
    object(
        "What announced a package.",
        vec![
            ("id", uuid("The announcement.")),
            ("expected_at", maybe_instant("When the parcel should come.")),
            ("name", text("As it was to stand on the label.")),
            ("phone", text("As it was to stand on the label.")),
        ],
    )
}

fn dimensions() -> Json {
    object(
        "The sides of a parcel, in millimetres.",
        vec![
            ("length", number("In millimetres.")),
            ("width", number("In millimetres.")),
            ("height", number("In millimetres.")),
        ],
    )
}

fn file() -> Json {
    object(
        "A photo or a paper of a package.",
        vec![
            ("id", uuid("Its id here.")),
            ("kind", choice(&["photo", "document", "receipt", "signature"], "What it is.")),
            ("asset_id", uuid("The asset at upload-ingest.")),
            ("sha256", text("Of the original, in hexadecimal digits; also in the chain of custody.")),
            ("content_type", text("Media type of the original.")),
            ("size_bytes", number("Of the original.")),
            ("url", text("Path of the original.")),
            ("created_at", instant("When it was added.")),
        ],
    )
}

fn fee() -> Json {
    object(
        "What a package costs at an instant; how that comes about is told at `/v1/packages/{package}/fee`.",
        vec![
            ("total", schema("Money")),
            ("base", schema("Money")),
            ("storage", schema("Money")),
            ("waived", schema("Money")),
            ("paid", schema("Money")),
            ("due", schema("Money")),
            ("fee_at", instant("The instant.")),
            (
                "next_change_at",
                maybe_instant("The first instant with other amounts; null where there will be none."),
            ),
            ("tariff_version_id", uuid("What it is priced by.")),
        ],
    )
}

fn package_page() -> Json {
    object(
        "A page of packages.",
        vec![
            ("items", many("Package", "The newest first.")),
            ("next", maybe_text("Position of the next page; null on the last.")),
            ("fee_at", instant("When the fees on it were reckoned.")),
            (
                "fee_valid_until",
                maybe_instant(
                    "The first instant at which the clock alone changes anything on it: a fee, or that a package is overdue.",
                ),
            ),
        ],
    )
}

fn actor_roles() -> Vec<&'static str> {
    ActorRole::ALL.iter().map(|role| role.as_str()).collect()
}

fn happening() -> Vec<(&'static str, Json)> {
    vec![
        ("seq", number("Place in the chain, from 1.")),
        ("kind", text("What happened.")),
        ("from", maybe_choice(&statuses(), "Status before it; null at the beginning.")),
        ("to", choice(&statuses(), "Status after it.")),
        (
            "actor_id",
            json!({"type": ["string", "null"], "format": "uuid", "description": "Who; null where the service did it."}),
        ),
        ("actor_role", choice(&actor_roles(), "As what.")),
        ("data", json!({"type": "object", "description": "What else is known of it."})),
    ]
}

fn event() -> Json {
    let mut members = happening();
    members.push(("at", instant("When.")));
    object("Something that happened to a package.", members)
}

fn link() -> Json {
    let mut members = happening();
    members.extend([
        ("package_id", uuid("The package.")),
        ("at_micros", number("When, in microseconds since 1970.")),
        ("digests", json!({"type": "array", "items": {"type": "string"}, "description": "SHA-256 of each file that goes with it."})),
        ("prev_hash", text("Hash of the event before.")),
        ("hash", text("Of this event.")),
    ]);
    object("A link of a chain of custody.", members)
}

fn custody() -> Json {
    let head = object(
        "How the chain ends, as the package says.",
        vec![("seq", number("Number of events.")), ("hash", text("Hash of the last one."))],
    );
    let fault = object(
        "The first thing that is wrong.",
        vec![("seq", number("The event.")), ("message", text("What is wrong with it."))],
    );
    object(
        "The chain of custody of a package. Hashes are SHA-256 in hexadecimal digits.",
        vec![
            ("package_id", uuid("The package.")),
            ("head", head),
            ("verified", truth("Whether the chain is whole.")),
            ("fault", json!({"anyOf": [fault, {"type": "null"}]})),
            ("events", many("CustodyLink", "In order.")),
        ],
    )
}

fn stats() -> Json {
    let counts = |names: &[&'static str]| {
        let members = names.iter().map(|name| (*name, number("How many."))).collect();
        object("How many of each.", members)
    };
    let slots =
        SizeClass::ALL.iter().map(|size| (size.as_str(), counts(&["free", "held", "blocked"]))).collect();
    object(
        "The desk in figures.",
        vec![
            ("as_of", instant("When they were counted.")),
            ("statuses", counts(&statuses())),
            ("overdue", number("Stored or notified for longer than they are held.")),
            ("unidentified", number("At the desk, and nobody knows whose.")),
            ("received_today", number("Since the day began, in UTC.")),
            ("received_7_days", number("The same with the six days before.")),
            ("slots", object("Slots by the largest size that they take.", slots)),
        ],
    )
}
