//! How packages are read.

use openapi_parts::{Operation, READ, content, header, list, paged, query, variable};
use serde_json::{Map, Value as Json, json};

use super::parts::uuid;

const TAG: &str = "packages";

/// Adds its operations to what other parts have added to the same paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    get(paths, "/v1/packages", list_packages());
    get(paths, "/v1/packages/stats", get_package_stats());
    get(paths, "/v1/packages/{package}", get_package());
    get(paths, "/v1/packages/{package}/events", list_package_events());
    get(paths, "/v1/packages/{package}/custody", get_package_custody());
    get(paths, "/debug/cache-stats", get_cache_stats());
    get(paths, "/debug/db-pool", get_db_pool());
}

fn get(paths: &mut Map<String, Json>, path: &str, operation: Operation) {
    let item = paths.entry(path).or_insert_with(|| json!({}));
    if let Json::Object(item) = item {
        if path.contains("{package}") {
            let package = variable("package", uuid(), "The package.");
            item.entry("parameters").or_insert_with(|| json!([package]));
        }
        item.insert("get".to_owned(), operation.into_json());
    }
}

/// What a client has seen happen.
fn consistency_token() -> Json {
    header(
        "Consistency-Token",
        false,
        "As a change was answered with: the answer shows that change, though it may lack what others have changed since.",
    )
}

fn list_packages() -> Operation {
    let instant = || json!({"type": "string", "format": "date-time"});
    let mut parameters = paged();
    parameters.extend([
        query("page", json!({"type": "integer", "minimum": 1}), "Number of the page, from 1; not with a cursor."),
        query(
            "status",
            json!({"type": "string"}),
            "One or more statuses with commas between; `overdue` is stored or notified for longer than it is held.",
        ),
        query("customer_id", uuid(), "Of this customer."),
        query("slot", json!({"type": "string"}), "In the slot of this code."),
        query("created_from", instant(), "First known at this instant or later."),
        query("created_to", instant(), "First known before."),
        query("received_from", instant(), "Received at this instant or later."),
        query("received_to", instant(), "Received before."),
        query(
            "q",
            json!({"type": "string", "minLength": 3, "maxLength": 200}),
            "Beginning of our number, of the carrier's, or of the customer's name; or the customer's phone number.",
        ),
        query("unidentified", json!({"type": "boolean"}), "Of nobody that is known."),
        consistency_token(),
    ]);
    Operation::new("list_packages", TAG, "Announced, here and gone: packages, the newest first.")
        .description("Staff see all, customers their own. Each has what it costs at `fee_at`; no copy is kept to `fee_valid_until`.")
        .parameters(parameters)
        .answer("200", "A page.", content("PackagePage"))
        .empty("304", "Not changed, and nothing on it costs anything else.")
        .problems(&READ)
}

fn get_package() -> Operation {
    Operation::new("get_package", TAG, "A package.")
        .parameters(vec![consistency_token()])
        .answer("200", "The package.", content("Package"))
        .empty("304", "Not changed, and it costs nothing else.")
        .problems(&READ)
}

fn get_package_stats() -> Operation {
    Operation::new("get_package_stats", TAG, "The desk in figures, for who works there.")
        .parameters(vec![consistency_token()])
        .answer("200", "The figures.", content("PackageStats"))
        .empty("304", "Not changed.")
        .problems(&["400", "401", "403", "412"])
}

fn list_package_events() -> Operation {
    list("list_package_events", TAG, "What happened to a package, in order.", "PackageEventPage")
}

fn get_package_custody() -> Operation {
    Operation::new("get_package_custody", TAG, "The chain of custody of a package, with its hashes.")
        .description("Each event has the hash of the one before, so that none can be changed, left out or added unseen. What is hashed is described with the verifier.")
        .answer("200", "The chain, and whether it is whole.", content("PackageCustody"))
        .problems(&["400", "401", "404"])
}

fn get_cache_stats() -> Operation {
    Operation::new(
        "get_package_ledger_cache_stats",
        "debug",
        "What the cache of this process has done; for admins.",
    )
    .answer("200", "By kind of answer.", content("CacheStats"))
    .problems(&["400", "401", "403"])
}

fn get_db_pool() -> Operation {
    Operation::new(
        "get_package_ledger_db_pool",
        "debug",
        "The connections of this process to its database; for admins.",
    )
    .answer("200", "At the moment.", content("DbPool"))
    .problems(&["400", "401", "403"])
}
