//! `docs/CACHING.md`: each of its rows is held by a test that exists, or says openly why not.

use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("../../../../../docs/CACHING.md");

/// The cells of the rows of the tables, without their headings.
fn rows() -> Vec<Vec<&'static str>> {
    let lines = TABLE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| § "));
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// `file.rs::name` in backticks.
fn tests_named(cell: &str) -> Vec<(&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::")).filter(|(file, _)| file.ends_with(".rs")).collect()
}

fn path_of(file: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if file.starts_with("crates/") { root.join("../..").join(file) } else { root.join("tests/it").join(file) }
}

#[test]
fn every_row_is_held_by_a_test_or_says_why_not() {
    let rows = rows();
    assert!(rows.len() > 120, "{} rows", rows.len());
    for row in rows {
        let [_section, level, requirement, _does, held] = row.as_slice() else {
            panic!("a row has five cells: {row:?}");
        };
        let levels = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "rule", "own"];
        assert!(levels.contains(level) && !requirement.is_empty(), "{row:?}");
        let excused = ["not met: ", "does not apply: ", "not tested: "].iter().any(|why| held.contains(why));
        assert!(excused || !tests_named(held).is_empty(), "no test and no reason: {row:?}");
    }
}

#[test]
fn every_test_named_exists() {
    let mut missing = Vec::new();
    for (file, name) in tests_named(TABLE) {
        let source = std::fs::read_to_string(path_of(file)).unwrap_or_default();
        if !source.contains(&format!("fn {name}(")) {
            missing.push(format!("{file}::{name}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// A test that is not in the table holds nothing that anybody knows of.
#[test]
fn every_test_of_the_cache_holds_a_row() {
    let named: Vec<&str> = tests_named(TABLE).into_iter().map(|(_, name)| name).collect();
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
