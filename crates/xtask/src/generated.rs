//! Files that are written from other files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value};

/// A file as it should be; the path is relative to the repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Generated {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Writes the files that differ, or with `check` only names them and fails.
pub(crate) fn settle(files: Vec<Generated>, root: &Path, check: bool) -> anyhow::Result<ExitCode> {
    let mut stale = false;
    for file in files {
        let path = root.join(&file.path);
        let current = fs::read_to_string(&path).unwrap_or_default();
        if current == file.text {
            continue;
        }
        if check {
            stale = true;
            let line = first_difference(&current, &file.text);
            println!(
                "{}:{line}: generated file is stale — run the same task without --check",
                file.path.display()
            );
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        fs::write(&path, file.text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", file.path.display());
    }
    Ok(if stale { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn first_difference(current: &str, wanted: &str) -> usize {
    1 + current.lines().zip(wanted.lines()).take_while(|(one, other)| one == other).count()
}

/// The order of keys must not depend on which features other crates switch on in serde_json.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            Value::Object(fields.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::Tree;

    fn file() -> Vec<Generated> {
        vec![Generated { path: "docs/x.md".into(), text: "a\nb\n".to_owned() }]
    }

    #[test]
    fn a_check_writes_nothing_and_fails_on_drift_only() {
        let tree = Tree::of(&[]);
        assert_eq!(settle(file(), tree.root(), true).unwrap(), ExitCode::FAILURE);
        assert!(!tree.root().join("docs/x.md").exists());
        assert_eq!(settle(file(), tree.root(), false).unwrap(), ExitCode::SUCCESS);
        assert_eq!(settle(file(), tree.root(), true).unwrap(), ExitCode::SUCCESS);
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\nc", "a\nx\nc"), 2);
        assert_eq!(first_difference("", "a"), 1);
    }
}
