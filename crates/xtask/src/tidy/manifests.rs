//! Rules about manifests and what each crate must have.

use std::collections::BTreeSet;

use anyhow::Context as _;
use toml::{Table, Value};

use super::{SourceFile, Violation};

pub(crate) fn check(files: &[SourceFile]) -> anyhow::Result<Vec<Violation>> {
    let manifests: Vec<Manifest<'_>> =
        files.iter().filter(|file| is_manifest(&file.path)).map(Manifest::read).collect::<Result<_, _>>()?;
    let services: BTreeSet<&str> = manifests.iter().filter(|m| m.is_service()).map(Manifest::name).collect();
    let present: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut violations = Vec::new();
    for manifest in &manifests {
        if !present.contains(format!("{}/README.md", manifest.folder()).as_str()) {
            violations.push(manifest.violation(
                1,
                "no README.md",
                "write what the crate is for and what it is not",
            ));
        }
        if manifest.table.get("lints").and_then(|lints| lints.get("workspace")) != Some(&Value::Boolean(true))
        {
            violations.push(manifest.violation(1, "own lints", "add `[lints] workspace = true`"));
        }
        for dependency in manifest.dependencies() {
            violations.extend(manifest.check_dependency(&dependency, &services));
        }
    }
    Ok(violations)
}

/// `crates/x/Cargo.toml` or `services/x/Cargo.toml`, not one of a fixture further down.
fn is_manifest(path: &str) -> bool {
    matches!(path.split('/').collect::<Vec<_>>().as_slice(), ["crates" | "services", _, "Cargo.toml"])
}

struct Manifest<'a> {
    file: &'a SourceFile,
    table: Table,
}

struct Dependency<'a> {
    name: &'a str,
    value: &'a Value,
}

impl<'a> Manifest<'a> {
    fn read(file: &'a SourceFile) -> anyhow::Result<Self> {
        let table = file.text.parse().with_context(|| format!("{} is no manifest", file.path))?;
        Ok(Self { file, table })
    }

    fn folder(&self) -> &str {
        self.file.path.trim_end_matches("/Cargo.toml")
    }

    fn is_service(&self) -> bool {
        self.file.path.starts_with("services/")
    }

    fn name(&self) -> &str {
        let named = self.table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        named.unwrap_or_default()
    }

    /// Of every kind, for every target.
    fn dependencies(&self) -> Vec<Dependency<'_>> {
        const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
        let targets = self.table.get("target").and_then(Value::as_table);
        let targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        std::iter::once(&self.table)
            .chain(targets)
            .flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()))
            .flat_map(|list| list.iter().map(|(name, value)| Dependency { name, value }))
            .collect()
    }

    fn check_dependency(&self, dependency: &Dependency<'_>, services: &BTreeSet<&str>) -> Vec<Violation> {
        let line = self.line_of(dependency.name);
        let mut violations = Vec::new();
        if dependency.value.get("workspace") != Some(&Value::Boolean(true)) {
            let remedy =
                format!("declare {} in the root manifest and say `workspace = true` here", dependency.name);
            violations.push(self.violation(line, "own version", &remedy));
        }
        if services.contains(dependency.name) && dependency.name != self.name() {
            let (rule, remedy) = if self.is_service() {
                ("service depends on service", "talk over HTTP or events, or move what is shared to a crate")
            } else {
                ("shared crate depends on service", "a shared crate knows no service")
            };
            violations.push(self.violation(line, rule, remedy));
        }
        violations
    }

    fn line_of(&self, dependency: &str) -> usize {
        let names_it = |line: &str| {
            line.trim_start().strip_prefix(dependency).is_some_and(|rest| rest.starts_with([' ', '=', '.']))
        };
        1 + self.file.text.lines().position(names_it).unwrap_or(0)
    }

    fn violation(&self, line: usize, rule: &'static str, remedy: &str) -> Violation {
        Violation { path: self.file.path.clone(), line, rule, remedy: remedy.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Tree;

    const GOOD: &str =
        "[package]\nname = \"a\"\n[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n";

    #[test]
    fn a_crate_has_a_readme_and_the_common_lints() {
        assert_eq!(
            Tree::of(&[("crates/a/Cargo.toml", GOOD), ("crates/a/README.md", "# a")]).violations(),
            [""; 0]
        );
        assert_eq!(
            Tree::of(&[("crates/a/Cargo.toml", "[package]\nname = \"a\"\n")]).violations(),
            ["crates/a/Cargo.toml:1: no README.md", "crates/a/Cargo.toml:1: own lints"]
        );
    }

    #[test]
    fn versions_stand_in_the_root_manifest_only() {
        let own = format!("{GOOD}serde_json = \"1\"\n[dev-dependencies]\nrand = {{ version = \"0.10\" }}\n");
        let tree = Tree::of(&[("crates/a/Cargo.toml", &own), ("crates/a/README.md", "# a")]);
        assert_eq!(
            tree.violations(),
            ["crates/a/Cargo.toml:7: own version", "crates/a/Cargo.toml:9: own version"]
        );
    }

    #[test]
    fn nobody_depends_on_a_service() {
        let service = GOOD.replace("name = \"a\"", "name = \"s\"");
        let user = format!("{GOOD}s.workspace = true\n");
        let other = user.replace("name = \"a\"", "name = \"t\"");
        let tree = Tree::of(&[
            ("services/s/Cargo.toml", &service),
            ("services/s/README.md", ""),
            ("services/t/Cargo.toml", &other),
            ("services/t/README.md", ""),
            ("crates/a/Cargo.toml", &user),
            ("crates/a/README.md", ""),
        ]);
        assert_eq!(
            tree.violations(),
            [
                "crates/a/Cargo.toml:7: shared crate depends on service",
                "services/t/Cargo.toml:7: service depends on service"
            ]
        );
    }
}
