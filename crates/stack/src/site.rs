//! Where things are: the repository, its build output and the state directory of a run.
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::ui::Ui;

/// The place all commands work on.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// `.aldia` unless told otherwise.
    pub(crate) state: PathBuf,
    /// Moves every port away from the fixed ones; see [`Site::port`].
    pub(crate) port_base: Option<u16>,
    pub(crate) ui: Ui,
}

impl Site {
    pub(crate) fn find(
        root: Option<PathBuf>,
        state: Option<PathBuf>,
        port_base: Option<u16>,
        ui: Ui,
    ) -> Result<Self> {
        let root = match root {
            Some(root) => root,
            None => workspace_root()?,
        };
        let root =
            root.canonicalize().with_context(|| format!("there is no directory {}", root.display()))?;
        let state = match state {
            Some(state) => std::path::absolute(&state)?,
            None => root.join(".aldia"),
        };
        if port_base.is_some_and(|base| !(1024..=65_000).contains(&base)) {
            bail!("--port-base must lie between 1024 and 65000");
        }
        Ok(Self { root, state, port_base, ui })
    }

    /// The port that stands for a fixed service port in this run: itself, or with `--port-base` the one at the same
    /// distance from the base as the fixed one is from 8080.
    pub(crate) fn port(&self, fixed: u16) -> u16 {
        self.port_base.map_or(fixed, |base| base.saturating_add(fixed.saturating_sub(8080)))
    }

    /// Where the search for a free port of a private server begins.
    pub(crate) fn server_port(&self, usual: u16, offset: u16) -> u16 {
        self.port_base.map_or(usual, |base| base.saturating_add(100).saturating_add(offset))
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.state.join("logs")
    }

    pub(crate) fn run_dir(&self) -> PathBuf {
        self.state.join("run")
    }

    pub(crate) fn config(&self, service: &str) -> PathBuf {
        self.state.join("config").join(format!("{service}.toml"))
    }

    pub(crate) fn demo_file(&self) -> PathBuf {
        self.state.join("demo.json")
    }

    /// Makes the state directory. Others may pass through it, for PostgreSQL does not run as root; what is secret in it
    /// has its own mode.
    pub(crate) fn make_state(&self) -> Result<()> {
        fs::create_dir_all(&self.state).with_context(|| format!("cannot make {}", self.state.display()))?;
        fs::create_dir_all(self.logs())?;
        Ok(())
    }

    /// Makes a directory in the state directory for what a service keeps. Only its owner can look into it, while others may
    /// pass through the state directory as before.
    pub(crate) fn make_directory(&self, name: &str) -> Result<PathBuf> {
        self.make_state()?;
        let directory = self.state.join(name);
        make_private_dir(&directory)?;
        Ok(directory)
    }

    /// A path as people read it: relative to the root when it lies in it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

/// The nearest directory upwards whose `Cargo.toml` is that of a workspace.
fn workspace_root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("the working directory is gone")?;
    here.ancestors()
        .find(|directory| {
            fs::read_to_string(directory.join("Cargo.toml")).is_ok_and(|text| text.contains("[workspace]"))
        })
        .map(Path::to_path_buf)
        .context("run this inside the repository, or name it with --root")
}

/// Makes a directory only its owner can look into.
pub(crate) fn make_private_dir(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    Ok(())
}

/// Replaces a file in one step, readable by its owner only: a killed launcher never leaves half of one.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let fresh = path.with_added_extension("new");
    let failed = || format!("cannot write {}", path.display());
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).with_context(failed),
        _ => {}
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    file.sync_all().with_context(failed)?;
    fs::rename(&fresh, path).with_context(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_its_directory_for_itself_and_others_still_pass_by() {
        let state = std::env::temp_dir().join(format!("stack-site-{}", std::process::id()));
        let site = Site { root: PathBuf::new(), state: state.clone(), port_base: None, ui: Ui::new() };
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let directory = site.make_directory("objects").unwrap();
        assert_eq!((directory.as_path(), mode(&directory)), (state.join("objects").as_path(), 0o700));
        assert_ne!(mode(&state) & 0o011, 0);
        // Whatever was done to it meanwhile.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        site.make_directory("objects").unwrap();
        assert_eq!(mode(&directory), 0o700);
        fs::remove_dir_all(state).unwrap();
    }
}
