//! Tariffs, the books, and what a customer owes.

use openapi_parts::{Operation, WITH_BODY, content, idempotency_key, list, paged, query, variable};
use serde_json::{Map, Value as Json, json};

use super::parts::uuid;
use crate::domain::ledger::TransferCode;

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    let mut insert = |path: &str, item: Json| paths.insert(path.to_owned(), item);
    insert("/v1/tariffs", json!({"get": list_tariffs().into_json(), "post": post_tariff().into_json()}));
    let tariff = variable("tariff", uuid(), "The version.");
    insert("/v1/tariffs/{tariff}", json!({"parameters": [tariff], "get": get_tariff().into_json()}));
    insert("/v1/ledger/accounts", json!({"get": list_accounts().into_json()}));
    insert("/v1/ledger/transfers", json!({"get": list_transfers().into_json()}));
    insert("/v1/ledger/corrections", json!({"post": post_correction().into_json()}));
    let customer = variable("customer", uuid(), "The customer.");
    insert(
        "/v1/customers/{customer}/balance",
        json!({"parameters": [customer], "get": balance().into_json()}),
    );
}

fn list_tariffs() -> Operation {
    list("list_tariffs", "tariffs", "All versions of the tariff, from the first on.", "TariffPage")
}

fn get_tariff() -> Operation {
    Operation::new("get_tariff", "tariffs", "A version of the tariff.")
        .answer("200", "The version.", content("Tariff"))
        .problems(&["400", "401", "404"])
}

fn post_tariff() -> Operation {
    Operation::new("post_tariff", "tariffs", "Publish the next version; for admins.")
        .description(
            "It is in force later than any version before it, and not sooner than the one in force promises: 422 \
             `tariff_notice_too_short` otherwise, with the `earliest` instant. A package keeps the version of its announcement, or \
             of its reception where nobody announced it.",
        )
        .parameters(vec![idempotency_key()])
        .body(true, content("NewTariff"))
        .answer("201", "The version; `Location` is its address.", content("Tariff"))
        .problems(&WITH_BODY)
        .problems(&["403"])
}

fn list_accounts() -> Operation {
    list(
        "list_ledger_accounts",
        "ledger",
        "The accounts with their totals, by name; for staff.",
        "LedgerAccountPage",
    )
    .problems(&["403"])
}

fn list_transfers() -> Operation {
    let codes: Vec<&str> = TransferCode::ALL.iter().map(|code| code.as_str()).collect();
    let instant = json!({"type": "string", "format": "date-time"});
    let mut parameters = paged();
    parameters.extend([
        query("account", json!({"type": "string"}), "Those that debit or credit this account, as `cash`."),
        query("package", uuid(), "Those about this package."),
        query("code", json!({"type": "string", "enum": codes}), "Those for this."),
        query("from", instant.clone(), "From this instant on."),
        query("to", instant, "Before this instant."),
    ]);
    list("list_ledger_transfers", "ledger", "The transfers, the last first; for staff.", "LedgerTransferPage")
        .parameters(parameters)
        .problems(&["403"])
}

fn post_correction() -> Operation {
    Operation::new("post_correction", "ledger", "Take a transfer back by another one, once; for admins.")
        .description(
            "`charge_base` and `charge_storage` count as waived then, `waive` as not waived, `pay` as not paid, `write_off` is owed \
             again. Other transfers are not taken back: a refund is made good by a payment, a claim is answered anew. 409 \
             `transfer_conflict` where it was taken back before, or a part of it was refunded or waived.",
        )
        .parameters(vec![idempotency_key()])
        .body(true, content("NewCorrection"))
        .answer("201", "The transfer that takes the other one back.", content("LedgerTransfer"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}

fn balance() -> Operation {
    Operation::new("get_customer_balance", "ledger", "What a customer owes, for the customer and staff.")
        .answer("200", "The balance.", content("CustomerBalance"))
        .problems(&["400", "401", "404"])
}
