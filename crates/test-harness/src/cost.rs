//! No answer may cost more than its operation's budget (`H-D1`).

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

/// A directory: answers are not judged, and the most that each operation cost is written there, a line of JSON for each that is
/// more than before. `cargo run -p xtask -- perf --seen DIR` reads it.
const SEEN: &str = "ALDIA_BUDGETS_SEEN";

/// The budgets of one service.
#[derive(Debug)]
pub struct Budgets {
    service: String,
    budgets: budgets::Budgets,
    seen: Option<Seen>,
}

/// What an answer cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// SQL statements.
    pub statements: u64,
    /// Bytes of its body.
    pub bytes: u64,
    /// What one poll of it blocked its thread at most.
    pub blocked: Duration,
}

impl Budgets {
    /// Reads `perf.toml` at the repository's root. From now on this process notes which of its polls block.
    ///
    /// # Panics
    /// When it cannot be read, or is wrong.
    #[must_use]
    pub fn load(service: &str) -> Self {
        stall_detector::strict::enable();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(budgets::FILE_NAME);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let seen = std::env::var_os(SEEN).map(|directory| Seen::into(Path::new(&directory), service));
        Self::of(service, &text, seen)
    }

    pub(crate) fn of(service: &str, text: &str, seen: Option<Seen>) -> Self {
        let budgets = budgets::Budgets::parse(text).unwrap_or_else(|fault| panic!("perf.toml: {fault}"));
        Self { service: service.to_owned(), budgets, seen }
    }

    /// Whether an answer of this operation may have cost so much. One that no line names passes: that there is none is checked
    /// once for all, by `xtask perf`, and not in each test.
    ///
    /// # Errors
    /// What it cost, and what it may.
    pub fn check(&self, operation: &str, cost: Cost) -> Result<(), String> {
        if let Some(seen) = &self.seen {
            seen.note(&self.service, operation, cost);
            return Ok(());
        }
        let Some(budget) = self.budgets.of(&self.service, operation) else { return Ok(()) };
        let most = budget.most_statements();
        if cost.statements > most {
            let Cost { statements, .. } = cost;
            return Err(format!("{operation} ran {statements} statements, and may run {most} (perf.toml)"));
        }
        let most = Duration::from_millis(budget.blocking_ms);
        if cost.blocked > most {
            let blocked = cost.blocked;
            return Err(format!(
                "{operation} blocked its thread for {blocked:.1?}, and may for {most:?} (perf.toml)"
            ));
        }
        match budget.bytes {
            Some(most) if cost.bytes > most => {
                Err(format!("{operation} answered {} bytes, and may answer {most} (perf.toml)", cost.bytes))
            }
            _ => Ok(()),
        }
    }
}

/// The most that each operation cost as far as one test saw.
#[derive(Debug)]
pub(crate) struct Seen {
    path: PathBuf,
    most: Mutex<HashMap<String, Cost>>,
}

impl Seen {
    /// Processes and services write files of their own; the tests of a process share one.
    pub(crate) fn into(directory: &Path, service: &str) -> Self {
        std::fs::create_dir_all(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let path = directory.join(format!("{service}-{}.jsonl", std::process::id()));
        Self { path, most: Mutex::default() }
    }

    fn note(&self, service: &str, operation: &str, cost: Cost) {
        let mut most = self.most.lock().unwrap_or_else(PoisonError::into_inner);
        let known = most.entry(operation.to_owned()).or_default();
        let more = Cost {
            statements: known.statements.max(cost.statements),
            bytes: known.bytes.max(cost.bytes),
            blocked: known.blocked.max(cost.blocked),
        };
        // What costs nothing is written as well, once: that it was seen.
        if more == *known && more != Cost::default() {
            return;
        }
        *known = more;
        let Cost { statements, bytes, .. } = more;
        let line =
            json!({"service": service, "operation": operation, "statements": statements, "bytes": bytes});
        let written = OpenOptions::new().create(true).append(true).open(&self.path);
        let written = written.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [classes.list]
        about = "a page"
        bytes = 10
        [services.x]
        availability_percent = 99.0
        runbook = "x"
        budgets = [{ operations = ["list_*"], class = "list", statements = 2 }]
    "#;

    fn cost(statements: u64, bytes: u64) -> Cost {
        Cost { statements, bytes, ..Cost::default() }
    }

    #[test]
    fn what_costs_more_than_its_budget_is_a_fault() {
        let budgets = Budgets::of("x", TEXT, None);
        assert_eq!(budgets.check("list_a", cost(2, 10)), Ok(()));
        assert!(budgets.check("list_a", cost(3, 0)).unwrap_err().contains("ran 3 statements, and may run 2"));
        assert!(budgets.check("list_a", cost(0, 11)).unwrap_err().contains("11 bytes"));
        let blocked = |millis| Cost { blocked: Duration::from_millis(millis), ..Cost::default() };
        assert_eq!(budgets.check("list_a", blocked(10)), Ok(()));
        assert!(budgets.check("list_a", blocked(11)).unwrap_err().contains("blocked its thread for 11"));
        assert_eq!(budgets.check("get_a", cost(9, 99)), Ok(()));
    }

    #[test]
    fn what_was_seen_is_written_and_not_judged() {
        let directory = std::env::temp_dir().join(format!("budgets-seen-{}", uuid::Uuid::now_v7()));
        let budgets = Budgets::of("x", TEXT, Some(Seen::into(&directory, "x")));
        for seen in [cost(3, 5), cost(2, 4), cost(1, 7)] {
            assert_eq!(budgets.check("list_a", seen), Ok(()));
        }
        let file = directory.join(format!("x-{}.jsonl", std::process::id()));
        let lines = std::fs::read_to_string(file).unwrap();
        std::fs::remove_dir_all(directory).unwrap();
        assert_eq!(lines.lines().count(), 2, "{lines}");
        let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!(last, json!({"service": "x", "operation": "list_a", "statements": 3, "bytes": 7}));
    }

    #[test]
    fn the_budgets_of_this_repository_can_be_read() {
        let budgets = Budgets::load("catalog");
        assert!(budgets.budgets.of("catalog", "list_animals").is_some());
    }
}
