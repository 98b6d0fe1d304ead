//! Claims.

use openapi_parts::{
    LISTED, Operation, READ, WITH_BODY, content, idempotency_key, if_match, paged, patch, query, variable,
};
use serde_json::{Map, Value as Json, json};

use super::parts::{package, uuid};

const TAG: &str = "claims";

/// Adds their paths.
pub(super) fn add(paths: &mut Map<String, Json>) {
    paths.insert("/v1/claims".to_owned(), json!({"get": list_claims().into_json()}));
    let claim = variable("claim", uuid(), "The claim.");
    paths.insert(
        "/v1/claims/{claim}".to_owned(),
        json!({"parameters": [claim], "get": get_claim().into_json(), "patch": patch_claim().into_json()}),
    );
    paths.insert(
        "/v1/packages/{package}/claims".to_owned(),
        json!({"parameters": [package()], "post": post_claim().into_json()}),
    );
}

fn list_claims() -> Operation {
    let status = json!({"type": "string", "enum": ["open", "read", "answered", "closed"]});
    let mut parameters = paged();
    parameters.push(query("status", status, "Only those."));
    parameters.push(query("package_id", uuid(), "Only those of this package."));
    Operation::new(
        "list_claims",
        TAG,
        "Claims, the newest first: all of them for the desk, your own otherwise.",
    )
    .parameters(parameters)
    .answer("200", "A page.", content("ClaimPage"))
    .problems(&LISTED)
}

fn get_claim() -> Operation {
    Operation::new("get_claim", TAG, "A claim, for the desk and for the customer of its package.")
        .answer("200", "The claim.", content("Claim"))
        .empty("304", "Not changed.")
        .problems(&READ)
}

fn patch_claim() -> Operation {
    Operation::new("patch_claim", TAG, "Read, answer or close a claim (RFC 7396); for operators.")
        .description("A claim goes on and never back: 409. It is answered and closed with an answer. An amount that is accepted is booked.")
        .parameters(vec![if_match("claim"), idempotency_key()])
        .body(true, patch("ClaimPatch"))
        .answer("200", "The claim as it is then.", content("Claim"))
        .problems(&WITH_BODY)
        .problems(&["403", "404", "412", "428"])
}

fn post_claim() -> Operation {
    Operation::new("post_claim", TAG, "Open a claim for a package; for its customer and for operators.")
        .description("Taken while the desk has the package, and for 48 hours after it was handed over: then 409 `claim_too_late`.")
        .parameters(vec![idempotency_key()])
        .body(true, content("NewClaim"))
        .answer("201", "The claim; `Location` is its address.", content("Claim"))
        .problems(&WITH_BODY)
        .problems(&["403", "404"])
}
