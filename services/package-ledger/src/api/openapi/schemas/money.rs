//! Fees, payments, waivers, receipts, pickup codes.

use openapi_parts::schema;
use openapi_parts::schemas::{choice, instant, many, maybe_instant, maybe_text, number, object, text, uuid};
use serde_json::{Value as Json, json};

use super::parts::{assets, bounded, maybe_bounded, page};
use crate::domain::customer::DocumentType;
use crate::domain::fee::FeeCode;
use crate::domain::ledger::Method;
use crate::domain::money::Currency;

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    let mut quote = fee_members();
    quote.push(("package_id", uuid("The package.")));
    quote.push(("tariff_version", number("Number of that version.")));
    quote.push(("paid", money("Paid until now, without what was given back.")));
    quote.push(("due", money("What of the fee is not paid.")));
    vec![
        ("FeeLine", line()),
        ("Fee", object("What a package costs at an instant.", fee_members())),
        ("Quote", object("A fee with what was paid.", quote)),
        ("Delivery", delivery()),
        ("Identity", identity()),
        ("Offer", offer()),
        ("PickupCode", code()),
        (
            "NewPickupCode",
            object(
                "A wish for a new code.",
                vec![("identity?", maybe_identity("What the customer shows, where an operator asks."))],
            ),
        ),
        ("Payment", payment()),
        ("PaymentPage", page("Payment")),
        ("NewWaiver", object("A waiver to be.", vec![("amount_minor", positive()), ("reason", reason())])),
        ("Waiver", waiver()),
        ("WaiverPage", page("Waiver")),
        ("Refund", object("A refund to be.", vec![("amount_minor", positive()), ("reason", reason())])),
        ("Receipt", receipt()),
        ("ReceiptPayment", receipt_payment()),
        ("ReceiptWaiver", receipt_waiver()),
    ]
}

/// An amount of money with a word on it.
pub(super) fn money(description: &str) -> Json {
    json!({"description": description, "allOf": [schema("Money")]})
}

fn positive() -> Json {
    json!({"type": "integer", "minimum": 1, "description": "In minor units."})
}

/// Why somebody decided so.
pub(super) fn reason() -> Json {
    json!({"type": "string", "minLength": 1, "maxLength": 500, "description": "Why."})
}

fn methods() -> Vec<&'static str> {
    Method::ALL.iter().map(|method| method.as_str()).collect()
}

fn line() -> Json {
    let codes: Vec<&str> = FeeCode::ALL.iter().map(|code| code.as_str()).collect();
    object(
        "A line of a fee: the amount is quantity times unit.",
        vec![
            ("code", choice(&codes, "What it is for.")),
            ("quantity", number("How often.")),
            ("unit_minor", number("Each, in minor units.")),
            ("amount", money("Together; below zero where it lowers the fee.")),
        ],
    )
}

fn fee_members() -> Vec<(&'static str, Json)> {
    vec![
        ("at", instant("The instant.")),
        ("total", money("Base and storage without what is waived.")),
        ("base", money("For handling.")),
        ("storage", money("For storage, at most the cap.")),
        ("waived", money("What is waived of both.")),
        ("lines", many("FeeLine", "What the total consists of.")),
        (
            "trace",
            json!({"type": "array", "items": {"type": "string"}, "description": "The reckoning, step by step."}),
        ),
        ("tariff_version_id", uuid("The version of the tariff that it is by.")),
        (
            "next_change_at",
            maybe_instant("The first instant after `at` with other amounts; null where none is known."),
        ),
    ]
}

fn identity() -> Json {
    let kinds: Vec<&str> = DocumentType::ALL.iter().map(|kind| kind.as_str()).collect();
    object(
        "An identity document, as it is shown at the desk.",
        vec![("document_type", choice(&kinds, "Its type.")), ("document_number", bounded(40, "Its number."))],
    )
}

fn maybe_identity(description: &str) -> Json {
    json!({"description": description, "anyOf": [schema("Identity"), {"type": "null"}]})
}

fn offer() -> Json {
    let currencies: Vec<&str> = Currency::ALL.iter().map(|currency| currency.as_str()).collect();
    object(
        "Money that is paid.",
        vec![
            ("method", choice(&methods(), "How it comes.")),
            ("amount_minor", positive()),
            ("currency", choice(&currencies, "ISO 4217; that of the tariff.")),
            ("reference?", maybe_bounded(100, "Of a bank transfer.")),
        ],
    )
}

fn delivery() -> Json {
    object(
        "A hand-over. Either a code or an identity proves the recipient.",
        vec![
            ("code?", maybe_bounded(40, "The pickup code, in any spelling.")),
            ("identity?", maybe_identity("The document of the customer.")),
            (
                "recipient_name",
                json!({"type": "string", "minLength": 1, "maxLength": 200, "description": "Who takes it."}),
            ),
            (
                "payment?",
                json!({"description": "What is paid with it.", "anyOf": [schema("Offer"), {"type": "null"}]}),
            ),
            ("photos?", assets("Photos of the hand-over.")),
            (
                "signature?",
                json!({"type": ["string", "null"], "format": "uuid", "description": "The asset with the signature."}),
            ),
        ],
    )
}

fn code() -> Json {
    object(
        "A pickup code.",
        vec![
            ("package_id", uuid("The package.")),
            ("code", maybe_text("Null of one that fetches nothing any more, and where it was issued.")),
            ("state", choice(&["valid", "locked", "used"], "Where it stands.")),
            ("issued_at", instant("When it was issued.")),
        ],
    )
}

fn payment() -> Json {
    object(
        "Money taken for a package.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("package_id", uuid("The package.")),
            (
                "customer_id",
                json!({"type": ["string", "null"], "format": "uuid", "description": "Whose account it is booked on."}),
            ),
            ("receipt_no", number("Rises; a number may be missing.")),
            ("method", choice(&methods(), "How it came.")),
            ("amount", money("How much.")),
            ("refunded", money("Given back of it, or taken back as never paid.")),
            ("reference", maybe_text("Of a bank transfer.")),
            ("received_by", uuid("Who took it.")),
            ("created_at", instant("When.")),
        ],
    )
}

fn waiver() -> Json {
    object(
        "What the desk does without.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("package_id", uuid("The package.")),
            ("amount", money("How much.")),
            ("reason", text("Why.")),
            ("granted_by", uuid("Who decided.")),
            ("created_at", instant("When.")),
        ],
    )
}

fn receipt() -> Json {
    object(
        "What was charged and paid when a package ended. It is not changed by what is corrected later.",
        vec![
            ("package_id", uuid("The package.")),
            ("tracking_no", text("Ours, as it stands on the label.")),
            (
                "customer_id",
                json!({"type": ["string", "null"], "format": "uuid", "description": "Whom it was for."}),
            ),
            ("fee", schema("Fee")),
            ("waivers", many("ReceiptWaiver", "What was waived.")),
            ("payments", many("ReceiptPayment", "What was paid.")),
            ("paid", money("All of that, without what was given back.")),
            ("due", money("What was left to pay.")),
            ("issued_at", instant("When.")),
        ],
    )
}

fn receipt_payment() -> Json {
    object(
        "A payment on a receipt.",
        vec![
            ("id", uuid("The payment.")),
            ("receipt_no", number("Its number.")),
            ("method", choice(&methods(), "How it came.")),
            ("amount", money("How much.")),
            ("refunded", money("Given back of it by then.")),
            ("created_at", instant("When.")),
        ],
    )
}

fn receipt_waiver() -> Json {
    object(
        "A waiver on a receipt.",
        vec![
            ("id", uuid("The waiver.")),
            ("amount", money("How much.")),
            ("reason", text("Why.")),
            ("created_at", instant("When.")),
        ],
    )
}
