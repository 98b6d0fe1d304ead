//! `docs/HTTP.md`: each of its rows is held by a test that exists, or says openly why not.

use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("../../../../../docs/HTTP.md");

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

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

/// Files are looked for beside this test's binary, or from the root of the repository when they say so.
fn path_of(file: &str) -> PathBuf {
    if file.starts_with("crates/") || file.starts_with("services/") {
        root().join(file)
    } else {
        root().join("services/gateway/tests/it").join(file)
    }
}

#[test]
fn every_row_is_held_by_a_test_or_says_why_not() {
    let rows = rows();
    assert!(rows.len() > 150, "{} rows", rows.len());
    for row in rows {
        let [section, level, requirement, _does, held] = row.as_slice() else {
            panic!("a row has five cells: {row:?}");
        };
        assert!(section.starts_with(|c: char| c.is_ascii_digit()), "{row:?}");
        assert!(["MUST", "MUST NOT", "SHOULD", "SHOULD NOT"].contains(level), "{row:?}");
        assert!(!requirement.is_empty(), "{row:?}");
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
