//! Asking the services about themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// The repository's services and how to run them.
#[derive(Debug)]
pub(crate) struct Services {
    root: PathBuf,
    bin_dir: Option<PathBuf>,
    /// Package names, which are the binaries' names too; sorted.
    pub(crate) names: Vec<String>,
}

impl Services {
    /// Every folder of `services/` is one.
    pub(crate) fn find(root: &Path, bin_dir: Option<PathBuf>) -> anyhow::Result<Self> {
        let folder = root.join("services");
        let mut names = Vec::new();
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
        {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(Self { root: root.to_owned(), bin_dir, names })
    }

    /// What `<service> <command>` prints on standard output.
    pub(crate) fn ask(&self, service: &str, command: &str) -> anyhow::Result<String> {
        let mut process = match &self.bin_dir {
            Some(folder) => Command::new(folder.join(service)),
            None => {
                let mut cargo = Command::new("cargo");
                cargo.args(["run", "--quiet", "--package", service, "--"]);
                cargo
            }
        };
        let output = process
            .arg(command)
            .current_dir(&self.root)
            .output()
            .with_context(|| format!("cannot run `{service} {command}`"))?;
        if !output.status.success() {
            bail!("`{service} {command}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{service} {command}` printed no UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::Tree;

    #[test]
    fn a_service_is_a_folder_with_a_manifest() {
        let tree = Tree::of(&[
            ("services/b/Cargo.toml", ""),
            ("services/a/Cargo.toml", ""),
            ("services/notes/README.md", ""),
        ]);
        assert_eq!(Services::find(tree.root(), None).unwrap().names, ["a", "b"]);
    }

    #[test]
    fn a_service_is_asked_by_running_it() {
        let services = Services { root: "/".into(), bin_dir: Some("/bin".into()), names: Vec::new() };
        assert_eq!(services.ask("echo", "problems").unwrap(), "problems\n");
        assert!(services.ask("false", "problems").is_err());
        assert!(services.ask("no-such-service", "problems").is_err());
    }
}
