//! docs/PACKAGES.md names the test that holds each demand: each of them exists.

use std::path::Path;

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/PACKAGES.md")).unwrap();
    let quoted = table.split('`').skip(1).step_by(2);
    let named: Vec<(&str, &str)> = quoted.filter_map(|text| text.split_once(".rs::")).collect();
    assert!(named.len() > 60, "they are read from the table: {named:?}");
    let is_there = |file: &str, test: &str| {
        let begins_at_the_root = ["crates/", "services/"].iter().any(|folder| file.starts_with(folder));
        let folder =
            if begins_at_the_root { root.clone() } else { root.join("services/package-ledger/tests/it") };
        let text = std::fs::read_to_string(folder.join(format!("{file}.rs")));
        text.is_ok_and(|text| text.contains(&format!("fn {test}(")))
    };
    let missing: Vec<_> = named.into_iter().filter(|(file, test)| !is_there(file, test)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
