//! House rules that no compiler knows.

#[cfg(test)]
pub(crate) mod fixture;
mod manifests;
mod mask;
mod migrations;
mod places;
mod sources;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// One broken rule at one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    /// What to do about it.
    pub(crate) remedy: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} — {}", self.path, self.line, self.rule, self.remedy)
    }
}

/// A file of the repository.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All violations in the repository, in order.
pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<Violation>> {
    let files = read_tree(root)?;
    let mut violations = manifests::check(&files)?;
    violations.extend(sources::check(&files));
    violations.extend(migrations::check(&files));
    violations.sort();
    Ok(violations)
}

/// The text files the rules are about, in `crates`, `services` and `migrations`.
fn read_tree(root: &Path) -> anyhow::Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for folder in ["crates", "services", "migrations"] {
        let folder = root.join(folder);
        if folder.is_dir() {
            read_folder(root, &folder, &mut files)?;
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn read_folder(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path: PathBuf = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        if path.is_dir() {
            read_folder(root, &path, files)?;
        } else if ["rs", "toml", "sql", "md"]
            .iter()
            .any(|end| path.extension().is_some_and(|ext| ext == *end))
        {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            files.push(SourceFile { path: relative, text });
        }
    }
    Ok(())
}
