//! What is about the money of a package, and its hand-over.

use openapi_parts::{Operation, WITH_BODY, content, idempotency_key, list, query, variable};
use serde_json::{Map, Value as Json, json};

use super::parts::uuid;

const TAG: &str = "money";

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    let mut of_package = |path: &str, operations: Vec<(&str, Operation)>| {
        let mut item = Map::new();
        item.insert("parameters".to_owned(), json!([variable("package", uuid(), "The package.")]));
        for (method, operation) in operations {
            item.insert(method.to_owned(), operation.into_json());
        }
        paths.insert(format!("/v1/packages/{{package}}/{path}"), Json::Object(item));
    };
    of_package("deliver", vec![("post", deliver())]);
    of_package("fee", vec![("get", fee())]);
    of_package("code", vec![("get", get_code()), ("post", post_code())]);
    of_package("payments", vec![("get", list_payments()), ("post", post_payment())]);
    of_package("waivers", vec![("get", list_waivers()), ("post", post_waiver())]);
    of_package("receipt", vec![("get", receipt())]);
    paths.insert(
        "/v1/payments/{payment}/refund".to_owned(),
        json!({
            "parameters": [variable("payment", uuid(), "The payment.")],
            "post": refund().into_json(),
        }),
    );
}

fn deliver() -> Operation {
    Operation::new("deliver_package", "packages", "Hand a package over, to its code or its customer; for operators.")
        .description(
            "One transaction: the code is used, the payment taken, the charges booked, the slot freed, the receipt written. \
             A wrong code is 403 `pickup_code_wrong` and counts, whatever else the request holds; five lock the code, and twenty \
             in an hour those of its customer: 403 `pickup_code_locked`. What is missing of the fee is 409 `balance_due`; a right \
             code stays good then. A package that cannot be handed over as it stands is 409 `step_refused`, and no code is looked at.",
        )
        .parameters(vec![idempotency_key()])
        .body(true, content("Delivery"))
        .answer("200", "The package as it is then.", content("Package"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}

fn fee() -> Operation {
    let at = query(
        "at",
        json!({"type": "string", "format": "date-time"}),
        "An instant, past or future; now if left out.",
    );
    Operation::new("get_package_fee", TAG, "What a package costs at an instant, and how that comes about.")
        .description(
            "The same function prices the lists and the hand-over. Waivers and payments count at every instant, also before they \
             were made.",
        )
        .parameters(vec![at])
        .answer("200", "The fee.", content("Quote"))
        .problems(&["400", "401", "404"])
}

fn get_code() -> Operation {
    Operation::new("get_package_code", TAG, "The pickup code, for the customer of the package alone.")
        .answer("200", "The code; not to be stored.", content("PickupCode"))
        .problems(&["400", "401", "403", "404"])
}

fn post_code() -> Operation {
    Operation::new("issue_package_code", TAG, "Issue a new code, for the customer, or for an operator who has seen the customer's document.")
        .description(
            "The code that was out is void. The new one is not in the answer, for that is kept for repetitions: the customer reads \
             it, and is sent it. Five in a day are issued for a package; for more, 429 with `Retry-After`.",
        )
        .parameters(vec![idempotency_key()])
        .body(true, content("NewPickupCode"))
        .answer("201", "It was issued; `Location` is where its customer reads it.", content("PickupCode"))
        .problems(&WITH_BODY)
        .problems(&["403", "404", "429"])
}

fn list_payments() -> Operation {
    list("list_payments", TAG, "What was paid for a package, in the order in which it came.", "PaymentPage")
}

fn post_payment() -> Operation {
    Operation::new("post_payment", TAG, "Take money for a package; for operators.")
        .description("As much as is due at this instant at most: 422 `payment_exceeds_due` otherwise.")
        .parameters(vec![idempotency_key()])
        .body(true, content("Offer"))
        .answer("201", "The payment with its number.", content("Payment"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}

fn list_waivers() -> Operation {
    list(
        "list_waivers",
        TAG,
        "What the desk does without, in the order in which it was granted.",
        "WaiverPage",
    )
}

fn post_waiver() -> Operation {
    Operation::new("post_waiver", TAG, "Do without a part of a fee; for admins.")
        .description("As long as the package is here, and as much as is due at most: 422 `payment_exceeds_due` otherwise.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewWaiver"))
        .answer("201", "The waiver.", content("Waiver"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}

fn receipt() -> Operation {
    Operation::new("get_receipt", TAG, "What was charged and paid, as it was told when the package ended.")
        .answer("200", "The receipt.", content("Receipt"))
        .problems(&["400", "401", "404"])
}

fn refund() -> Operation {
    Operation::new("refund_payment", TAG, "Give a payment back, or a part of it; for admins.")
        .description(
            "What the package costs stays owed. Where it should not be, it is waived before, or the charge is taken back at \
             `/v1/ledger/corrections`.",
        )
        .parameters(vec![idempotency_key()])
        .body(true, content("Refund"))
        .answer("200", "The payment as it is then.", content("Payment"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}
