//! Every problem type is provoked by a test, or it is known why not (X-D4).

use std::collections::BTreeSet;
use std::path::Path;

/// Types that no test of this service provokes, and why.
const NOT_PROVOKED: [(&str, &str); 0] = [];

#[test]
fn every_problem_type_is_provoked_or_known_not_to_be() {
    let sources = sources();
    let codes: BTreeSet<String> = catalog::problems::all()
        .iter()
        .map(|kind| kind["code"].as_str().unwrap_or_default().to_owned())
        .collect();
    let silent: BTreeSet<&str> =
        codes.iter().map(String::as_str).filter(|code| !sources.contains(&format!("\"{code}\""))).collect();
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
