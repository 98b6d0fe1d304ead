//! `docs/CACHING.md`: each of its rows is held by a test that exists, or says openly why not.

use std::path::Path;

use crate::documented::Documented;

const TABLE: Documented = Documented(include_str!("../../../../../docs/CACHING.md"));

#[test]
fn every_row_is_held_by_a_test_or_says_why_not() {
    TABLE.check_rows(120, &["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "rule", "own"]);
}

#[test]
fn every_test_named_exists() {
    TABLE.check_tests();
}

/// A test that is not in the table holds nothing that anybody knows of.
#[test]
fn every_test_of_the_cache_holds_a_row() {
    let named: Vec<&str> = TABLE.tests().into_iter().map(|(_, name)| name).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cache");
    let mut unnamed = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("table.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        for part in source.split("#[tokio::test").skip(1) {
            let name = part.split("async fn ").nth(1).unwrap().split('(').next().unwrap();
            if !named.contains(&name) {
                unnamed.push(name.to_owned());
            }
        }
    }
    assert!(unnamed.is_empty(), "{unnamed:#?}");
}
