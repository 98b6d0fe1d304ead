//! Markdown tables on standard output, and the expectations that decide the exit code.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

/// What a drill expected, and whether it came true.
#[derive(Default)]
pub(crate) struct Report {
    expectations: Vec<(String, bool)>,
    facts: Vec<(String, String)>,
}

impl Report {
    /// Notes one expectation.
    pub(crate) fn expect(&mut self, what: impl Into<String>, holds: bool) {
        self.expectations.push((what.into(), holds));
    }

    /// Notes a figure that somebody may want beside the tables.
    pub(crate) fn note(&mut self, what: impl Into<String>, value: impl Into<String>) {
        self.facts.push((what.into(), value.into()));
    }

    /// What was noted.
    pub(crate) fn facts(&self) -> &[(String, String)] {
        &self.facts
    }

    /// What was expected and did not come true.
    pub(crate) fn failed(&self) -> Vec<&String> {
        self.expectations.iter().filter(|(_, holds)| !holds).map(|(what, _)| what).collect()
    }

    /// Prints what did not come true, and how much did; whether all of it did.
    pub(crate) fn finish(self) -> bool {
        let failed = self.failed();
        let held = self.expectations.len() - failed.len();
        println!("{held} of {} expectations held.", self.expectations.len());
        for what in &failed {
            println!("- **failed**: {what}");
        }
        failed.is_empty()
    }
}

/// A table that is printed whole, so that other output cannot fall between its lines.
pub(crate) struct Table {
    text: String,
}

impl Table {
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        let rule = vec!["---"; columns.len()].join(" | ");
        Self { text: format!("\n### {title}\n\n| {} |\n| {rule} |\n", columns.join(" | ")) }
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }

    /// As it is printed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn print(self) {
        println!("{}", self.text);
    }
}

/// `1.23 ms`, whatever the size.
pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.2} ms", duration.as_secs_f64() * 1e3)
}

/// `12.3 MiB`.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

/// `200 × 981, 504 gateway_timeout × 3`; a dash when there is nothing.
pub(crate) fn counts<K: Display>(counts: &BTreeMap<K, u64>) -> String {
    if counts.is_empty() {
        return "–".to_owned();
    }
    counts.iter().map(|(what, count)| format!("{what} × {count}")).collect::<Vec<_>>().join(", ")
}
