//! Tables in `docs/` that say which requirement each test holds: each row has a test that exists, or says openly why not.

use std::path::{Path, PathBuf};

/// The text of such a document.
pub(crate) struct Documented(pub(crate) &'static str);

impl Documented {
    /// The cells of the rows of the tables, without their headings: section, level, requirement, what is done, what holds it.
    pub(crate) fn rows(&self) -> Vec<[&'static str; 5]> {
        let lines = self.0.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| § "));
        let cells = lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
        cells.map(|row| row.try_into().unwrap()).collect()
    }

    /// The names of all tests, each with its file.
    pub(crate) fn tests(&self) -> Vec<(&'static str, &'static str)> {
        tests_named(self.0)
    }

    /// There are more than `fewest` rows, all of these levels, each with a requirement and a test or a reason.
    pub(crate) fn check_rows(&self, fewest: usize, levels: &[&str]) {
        let rows = self.rows();
        assert!(rows.len() > fewest, "{} rows", rows.len());
        for row in rows {
            let [_section, level, requirement, _does, held] = row;
            assert!(levels.contains(&level) && !requirement.is_empty(), "{row:?}");
            let reasons = ["not met: ", "does not apply: ", "not tested: "];
            let excused = reasons.iter().any(|why| held.contains(why));
            assert!(excused || !tests_named(held).is_empty(), "no test and no reason: {row:?}");
        }
    }

    /// Every test that is named is there.
    pub(crate) fn check_tests(&self) {
        let mut missing = Vec::new();
        for (file, name) in self.tests() {
            let source = std::fs::read_to_string(path_of(file)).unwrap_or_default();
            if !source.contains(&format!("fn {name}(")) {
                missing.push(format!("{file}::{name}"));
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }
}

/// `file.rs::name` in backticks.
fn tests_named(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once("::")).filter(|(file, _)| file.ends_with(".rs")).collect()
}

/// Files are looked for beside this test's binary, or from the root of the repository when they say so.
fn path_of(file: &str) -> PathBuf {
    let service = Path::new(env!("CARGO_MANIFEST_DIR"));
    if file.starts_with("crates/") || file.starts_with("services/") {
        service.join("../..").join(file)
    } else {
        service.join("tests/it").join(file)
    }
}
