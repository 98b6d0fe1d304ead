//! What is done with packages.

use openapi_parts::{Operation, WITH_BODY, content, idempotency_key};
use serde_json::{Map, Value as Json, json};

use super::parts::package;

const TAG: &str = "steps";

/// Adds their paths; `/v1/packages` may have other operations.
pub(super) fn add(paths: &mut Map<String, Json>) {
    let packages = paths.entry("/v1/packages".to_owned()).or_insert_with(|| json!({}));
    if let Json::Object(operations) = packages {
        operations.insert("post".to_owned(), post_package().into_json());
    }
    for (name, operation) in all() {
        let item = json!({"parameters": [package()], "post": operation.into_json()});
        paths.insert(format!("/v1/packages/{{package}}/{name}"), item);
    }
}

fn post_package() -> Operation {
    Operation::new("post_package", TAG, "Receive a parcel that lies on the desk; for operators.")
        .description(
            "It becomes the announced package where that is beyond doubt, or where you name the announcement. Otherwise it is a \
             package of the customer you name, or whose phone is on the label, or of nobody yet; `candidates` says what speaks for whom. \
             409 `guide_already_open` where its number is here already.",
        )
        .parameters(vec![idempotency_key()])
        .body(true, content("NewPackage"))
        .answer("201", "The package; `Location` is its address.", content("Reception"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}

fn all() -> Vec<(&'static str, Operation)> {
    vec![
        ("receive", step("receive_package", "PackageReceipt", "An announced parcel is here: its clock starts; for operators.")),
        (
            "identify",
            step("identify_package", "Identification", "Say whose a package is; for operators.").description(
                "With an announcement, the package that stood for it is cancelled as superseded. Only an administrator takes a package \
                 from one customer for another, with a reason.",
            ),
        ),
        (
            "store",
            step("store_package", "Storing", "Put a received package into a slot; for operators.")
                .description("409 `slots_full` or `slot_taken` with `alternatives`. Its customer gets a pickup code and a message."),
        ),
        (
            "notify",
            step("notify_package", "Notice", "Note a call to the customer, or write a message to it; for operators.")
                .description("A call counts at once, a message when it has arrived."),
        ),
        ("return", step("return_package", "Return", "Give a package back to its carrier or sender; for operators.")),
        (
            "abandon",
            step("abandon_package", "Abandonment", "Dispose of a package that nobody fetches; for operators.")
                .description("Refused until its tariff's days have passed, with its messages and calls."),
        ),
        (
            "cancel",
            step("cancel_package", "Cancellation", "Take an announcement or reception back; for administrators.")
                .description("It costs nothing; what was paid is given back."),
        ),
        (
            "incidents",
            step("post_incident", "NewIncident", "A package was lost, damaged, or found again; for operators.")
                .description("What is lost or damaged costs nothing more from then on, and a claim is opened for it."),
        ),
        ("files", step("post_files", "NewFiles", "Add photos or papers; for operators.")),
    ]
}

fn step(id: &str, schema: &str, summary: &str) -> Operation {
    Operation::new(id, TAG, summary)
        .parameters(vec![idempotency_key()])
        .body(true, content(schema))
        .answer("200", "The package as it is then.", content("Package"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}
