//! Every problem type is provoked by a test, or it is known why not (X-D4).

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;

/// Types that no test of this service provokes, and why.
const NOT_PROVOKED: [(&str, &str); 9] = [
    ("bad_gateway", "nothing stands behind the catalog; the gateway answers with it"),
    (
        "conflict",
        "the catalog says more exactly what is in conflict: not_unique, still_referenced, record_deleted",
    ),
    ("gateway_timeout", "nothing stands behind the catalog; the gateway answers with it"),
    ("gone", "the catalog says more exactly what is gone: sync_token_expired"),
    ("headers_too_large", "the server below ends such a request before it is one"),
    ("idempotency_key_missing", "every operation of the catalog works without a key"),
    ("not_acceptable", "what is asked for by Accept is not negotiated: a resource has one representation"),
    ("not_implemented", "an unknown method is method_not_allowed"),
    ("uri_too_long", "the server below ends such a request before it is one"),
];

#[test]
fn every_problem_type_is_provoked_or_known_not_to_be() {
    let sources = sources();
    let kinds = catalog::problems::all();
    // As tests write it: the status, then the code.
    let asserted = |kind: &Json| sources.contains(&format!("{}, {}", kind["status"], kind["code"]));
    let silent: BTreeSet<&str> =
        kinds.iter().filter(|kind| !asserted(kind)).filter_map(|kind| kind["code"].as_str()).collect();
    let known: BTreeSet<&str> = NOT_PROVOKED.iter().map(|(code, _)| *code).collect();
    assert_eq!(silent, known);
}

/// The text of all tests that speak to the service, but for this file.
fn sources() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![root.join("tests"), root.join("src/api/auth/tests")];
    let mut text = String::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.ends_with("problem_registry.rs") && path.extension().is_some_and(|kind| kind == "rs")
        {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
    text
}
