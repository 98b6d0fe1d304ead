//! Tariffs, accounts, transfers, balances.

use openapi_parts::schema;
use openapi_parts::schemas::{choice, instant, maybe_instant, maybe_text, number, object, text, uuid};
use serde_json::{Value as Json, json};

use super::money::{money, reason};
use super::parts::{page, within};
use crate::domain::ledger::TransferCode;
use crate::domain::ledger::account::AccountKind;
use crate::domain::money::Currency;

/// All of them.
pub(super) fn all() -> Vec<(&'static str, Json)> {
    let correction = vec![("transfer_id", uuid("The transfer to take back.")), ("reason", reason())];
    vec![
        ("TariffLine", line()),
        ("TariffLines", lines()),
        ("HoldPolicy", policy()),
        ("Tariff", tariff()),
        ("TariffPage", page("Tariff")),
        ("NewTariff", new_tariff()),
        ("LedgerAccount", account()),
        ("LedgerAccountPage", page("LedgerAccount")),
        ("LedgerTransfer", transfer()),
        ("LedgerTransferPage", page("LedgerTransfer")),
        ("NewCorrection", object("A correction to be.", correction)),
        ("CustomerBalance", balance()),
    ]
}

fn currency() -> Json {
    let currencies: Vec<&str> = Currency::ALL.iter().map(|currency| currency.as_str()).collect();
    choice(&currencies, "ISO 4217, of all its amounts.")
}

fn amount(description: &str) -> Json {
    within(0, 1_000_000_000_000, description)
}

fn line() -> Json {
    object(
        "What a tariff asks for a parcel of one size.",
        vec![
            ("base_minor", amount("For handling, in minor units.")),
            ("included_hours", within(0, 8_760, "Storage that the base pays for: whole periods.")),
            ("period_hours", within(1, 8_760, "Length of a period.")),
            ("rate_minor", amount("For each further period, in minor units.")),
            ("cap_minor", amount("Most that storage costs, in minor units.")),
            ("rounding", choice(&["started", "completed"], "When a period counts.")),
        ],
    )
}

fn lines() -> Json {
    object(
        "What a tariff asks, by size.",
        vec![("small", schema("TariffLine")), ("extra", schema("TariffLine"))],
    )
}

fn policy() -> Json {
    let days = json!({
        "type": "array", "maxItems": 20, "items": {"type": "integer", "minimum": 1},
        "description": "Days at which the customer is reminded, rising.",
    });
    object(
        "How long a package is held, counted from its reception.",
        vec![
            ("free_hours", within(0, 8_760, "Hours that cost nothing beside the base.")),
            ("reminder_days", days),
            ("max_hold_days", within(1, 3_650, "Days after which it is overdue.")),
            ("abandon_days", within(1, 3_650, "Days after which it may be abandoned.")),
            ("min_sms", within(0, 100, "Text messages that must have reached the customer before.")),
            ("min_calls", within(0, 100, "Calls that must have been made before.")),
        ],
    )
}

fn tariff() -> Json {
    object(
        "A version of the tariff. It is never changed.",
        vec![
            ("id", uuid("Its id.")),
            ("version", number("Counts from 1.")),
            ("currency", currency()),
            ("valid_from", instant("In force from this instant on.")),
            ("valid_to", maybe_instant("Where the next version begins; null of the last one.")),
            ("notice_days", number("Notice that the version after it needs.")),
            ("lines", schema("TariffLines")),
            ("policy", schema("HoldPolicy")),
        ],
    )
}

fn new_tariff() -> Json {
    object(
        "A version to be.",
        vec![
            ("effective_from", instant("In force from this instant on.")),
            ("currency", currency()),
            ("notice_days", within(0, 365, "Notice that the version after it needs.")),
            ("lines", schema("TariffLines")),
            ("policy", schema("HoldPolicy")),
        ],
    )
}

fn account() -> Json {
    let kinds: Vec<&str> = AccountKind::ALL.iter().map(|kind| kind.as_str()).collect();
    object(
        "An account of the books.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("code", text("Its name, as `cash` or `customer/<id>`.")),
            ("kind", choice(&kinds, "Decides on which side it grows.")),
            ("debits", money("Sum of all that debits it.")),
            ("credits", money("Sum of all that credits it.")),
            ("balance", money("What is in it, on the side on which it grows.")),
            ("created_at", instant("When it was opened.")),
        ],
    )
}

fn transfer() -> Json {
    let codes: Vec<&str> = TransferCode::ALL.iter().map(|code| code.as_str()).collect();
    let maybe_uuid =
        |description: &str| json!({"type": ["string", "null"], "format": "uuid", "description": description});
    object(
        "An amount that debits one account and credits another. It is never changed.",
        vec![
            ("id", uuid("UUID version 7.")),
            ("code", choice(&codes, "What for.")),
            ("debit", text("Name of the account debited.")),
            ("credit", text("Name of the account credited.")),
            ("amount", money("How much.")),
            ("package_id", maybe_uuid("The package that it is about.")),
            ("corrects_id", maybe_uuid("The transfer that it takes back.")),
            ("reason", maybe_text("Why, where a person decided.")),
            ("actor_id", maybe_uuid("Who posted it; null where the clock did.")),
            ("created_at", instant("When.")),
        ],
    )
}

fn balance() -> Json {
    object(
        "What a customer owes at an instant; below zero where the desk owes.",
        vec![
            ("customer_id", uuid("The customer.")),
            ("at", instant("The instant.")),
            ("booked", money("In the books: charges of what has ended, without what was paid.")),
            ("accrued", money("Fees until now of what is at the desk, which are booked when it ends.")),
            ("balance", money("Both together.")),
            ("packages", number("Packages at the desk.")),
        ],
    )
}
