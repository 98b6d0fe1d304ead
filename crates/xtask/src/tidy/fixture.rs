//! Small repositories for the rules' tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of files, removed when dropped.
pub(crate) struct Tree(PathBuf);

impl Tree {
    /// Writes each text under its path.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let tree = Self(std::env::temp_dir().join(format!("xtask-{}-{number}", std::process::id())));
        fs::create_dir_all(&tree.0).unwrap();
        for (path, text) in files {
            let path = tree.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }

    pub(crate) fn root(&self) -> &Path {
        &self.0
    }

    /// `path:line: rule` of every violation.
    pub(crate) fn violations(&self) -> Vec<String> {
        let found = super::check(&self.0).unwrap();
        found.iter().map(|v| format!("{}:{}: {}", v.path, v.line, v.rule)).collect()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
