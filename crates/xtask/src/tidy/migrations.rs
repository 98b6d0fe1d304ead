//! Rules about migrations.

use std::collections::BTreeSet;

use super::{SourceFile, Violation};

/// Every folder with one of `up.sql` and `down.sql` has the other, and neither is empty.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Violation> {
    let folders: BTreeSet<&str> = files
        .iter()
        .filter(|file| file.path.split('/').any(|part| part == "migrations"))
        .filter_map(|file| file.path.rsplit_once('/'))
        .filter(|(_, name)| matches!(*name, "up.sql" | "down.sql"))
        .map(|(folder, _)| folder)
        .collect();
    let mut violations = Vec::new();
    for folder in folders {
        for name in ["up.sql", "down.sql"] {
            let path = format!("{folder}/{name}");
            let text = files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
            if text.is_none_or(|text| !says_something(text)) {
                violations.push(Violation {
                    path,
                    line: 1,
                    rule: "half a migration",
                    remedy: "write both ways; a way back that cannot be gone raises an exception".to_owned(),
                });
            }
        }
    }
    violations
}

fn says_something(sql: &str) -> bool {
    sql.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;

    #[test]
    fn a_migration_goes_both_ways() {
        let tree = Tree::of(&[
            ("migrations/s/1_a/up.sql", "SELECT 1;"),
            ("migrations/s/1_a/down.sql", "SELECT 1;"),
            ("migrations/s/2_b/up.sql", "SELECT 1;"),
            ("crates/x/migrations/3_c/up.sql", "SELECT 1;"),
            ("crates/x/migrations/3_c/down.sql", "-- nothing\n"),
        ]);
        assert_eq!(
            tree.violations(),
            [
                "crates/x/migrations/3_c/down.sql:1: half a migration",
                "migrations/s/2_b/down.sql:1: half a migration"
            ]
        );
    }
}
