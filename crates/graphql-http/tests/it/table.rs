//! `docs/GRAPHQL.md`: each of its rows is held by a test that exists, or says openly why not.

use std::path::Path;

const TABLE: &str = include_str!("../../../../docs/GRAPHQL.md");
const LEVELS: [&str; 6] = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "rule", "own"];
const REASONS: [&str; 2] = ["does not apply: ", "not tested: "];

/// Section, level, requirement, what is done, what holds it.
fn rows() -> Vec<[&'static str; 5]> {
    let lines = TABLE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| § "));
    lines
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().try_into().unwrap())
        .collect()
}

/// `file.rs::name` in backticks.
fn tests(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::")).filter(|(file, _)| file.ends_with(".rs")).collect()
}

#[test]
fn every_row_is_held_by_a_test_or_says_why_not() {
    assert!(rows().len() > 95, "{} rows", rows().len());
    for row in rows() {
        let [_section, level, requirement, _does, held] = row;
        assert!(LEVELS.contains(&level) && !requirement.is_empty(), "{row:?}");
        assert!(!tests(held).is_empty() || REASONS.iter().any(|why| held.contains(why)), "{row:?}");
    }
}

#[test]
fn every_test_named_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, name) in tests(TABLE) {
        let path =
            if file.contains('/') { here.join("../..").join(file) } else { here.join("tests/it").join(file) };
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(source.contains(&format!("fn {name}(")), "{file}::{name}");
    }
}

/// A test that is not in the table holds nothing that anybody knows of.
#[test]
fn every_test_of_the_rules_holds_a_row() {
    let named: Vec<&str> = tests(TABLE).into_iter().map(|(_, name)| name).collect();
    for file in ["requests", "negotiation", "results", "statuses", "statuses_2026"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/{file}.rs"));
        let source = std::fs::read_to_string(path).unwrap();
        for part in source.split("#[tokio::test").skip(1) {
            let name = part.split("async fn ").nth(1).unwrap().split('(').next().unwrap();
            assert!(named.contains(&name), "{file}.rs::{name}");
        }
    }
}
