//! Programs and packages that peers need: finding them, and installing those that are missing where that may be done unasked.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use nix::unistd::geteuid;
use tokio::process::Command;

use crate::freshness::stores;

/// Exactly what the yardstick was written against.
const REQUIREMENTS: &str = include_str!("../../peers/requirements.txt");
/// Fails in a Python that is too old.
const RECENT_ENOUGH: &str = "import sys; sys.exit(sys.version_info < (3, 11))";
/// RUNLEVEL=1: without systemd a package's script then does not start its server.
const APT_GET: [&str; 4] = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"];

/// A peer cannot be had here; the text says what would help.
#[derive(Debug)]
pub(super) struct Unavailable(pub(super) String);

impl std::fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// A program, and the Debian packages that have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tool {
    pub(super) program: &'static str,
    pub(super) packages: &'static [&'static str],
}

pub(super) const NGINX: Tool = Tool { program: "nginx", packages: &["nginx"] };
/// It compiles its configuration.
pub(super) const VARNISH: Tool = Tool { program: "varnishd", packages: &["varnish", "gcc", "libc6-dev"] };
pub(super) const HAPROXY: Tool = Tool { program: "haproxy", packages: &["haproxy"] };
/// In Debian's layout, not in `PATH`.
pub(super) const POSTGRES: Tool = Tool { program: "postgres", packages: &["postgresql"] };
pub(super) const REDIS: Tool = Tool { program: "redis-server", packages: &["redis-server"] };
pub(super) const PYTHON: Tool = Tool { program: "python3", packages: &["python3", "python3-venv"] };

impl Tool {
    fn find(self) -> anyhow::Result<PathBuf> {
        match self.program {
            "postgres" => Ok(stores::newest_postgres()?.join("postgres")),
            name => stores::program(name),
        }
    }
}

/// What may be installed from here, and what has been.
pub(super) struct Installer {
    /// What stands before the arguments of `apt-get`; none where it may not be run unasked.
    apt_get: Option<Vec<&'static str>>,
    /// Whether the lists of packages are of this run.
    updated: bool,
}

impl Installer {
    /// Whether packages can be installed: as root, or where `sudo` asks for no password.
    pub(super) async fn look() -> Self {
        let apt_get = if stores::program("apt-get").is_err() {
            None
        } else if geteuid().is_root() {
            Some(APT_GET.to_vec())
        } else {
            runs(Command::new("sudo").args(["-n", "true"]))
                .await
                .then(|| [&["sudo", "-n"], APT_GET.as_slice()].concat())
        };
        Self { apt_get, updated: false }
    }

    /// The program, installed if it was missing.
    pub(super) async fn tool(&mut self, tool: Tool) -> anyhow::Result<PathBuf> {
        if let Ok(found) = tool.find() {
            return Ok(found);
        }
        self.install(tool).await?;
        tool.find().map_err(|_| {
            Unavailable(format!("{} is installed and not in PATH", tool.packages.join(" "))).into()
        })
    }

    async fn install(&mut self, tool: Tool) -> anyhow::Result<()> {
        let by_hand = by_hand(tool);
        let Some(apt_get) = self.apt_get.clone() else { return Err(Unavailable(by_hand).into()) };
        eprintln!("{} is missing; installing {}", tool.program, tool.packages.join(" "));
        let run = async |arguments: &[&str]| {
            let mut command = Command::new(apt_get.first().copied().unwrap_or("apt-get"));
            command.args(apt_get.iter().skip(1)).args(["-q", "-o", "Dpkg::Use-Pty=0"]).args(arguments);
            stores::run(command.stdin(Stdio::null())).await
        };
        let installed = async {
            if !self.updated {
                run(&["update"]).await?;
            }
            run(&[&["install", "--yes", "--no-install-recommends"], tool.packages].concat()).await
        };
        match installed.await {
            Ok(_) => {
                self.updated = true;
                Ok(())
            }
            Err(error) => Err(Unavailable(format!("{by_hand}; tried, and: {}", last_line(&error))).into()),
        }
    }

    /// The Python of a virtual environment below `tools` with exactly the packages of `requirements.txt`.
    pub(super) async fn python(&mut self, tools: &Path) -> anyhow::Result<PathBuf> {
        let system = self.tool(PYTHON).await?;
        if !runs(Command::new(&system).args(["-c", RECENT_ENOUGH])).await {
            let reason =
                format!("{} is older than 3.11, which the yardstick is written for", system.display());
            return Err(Unavailable(reason).into());
        }
        let (home, mark) = (tools.join("venv"), tools.join("venv.installed"));
        let _alone = lock(tools.join("venv.lock")).await?;
        let python = home.join("bin/python");
        if python.is_file() && fs::read_to_string(&mark).is_ok_and(|mark| mark == REQUIREMENTS) {
            return Ok(python);
        }
        // Not to be believed by whoever comes after this is broken off.
        fs::write(&mark, "")?;
        eprintln!("installing the Python packages of the yardstick into {}", home.display());
        if let Err(error) = venv(&system, &home).await {
            // Debian has the module in a package of its own.
            self.install(PYTHON).await.with_context(|| last_line(&error))?;
            venv(&system, &home)
                .await
                .map_err(|error| Unavailable(format!("no venv: {}", last_line(&error))))?;
        }
        let list = tools.join("requirements.txt");
        fs::write(&list, REQUIREMENTS)?;
        let pip = async |arguments: &[&str]| {
            let mut command = Command::new(&python);
            command.args(["-m", "pip", "--disable-pip-version-check"]).args(arguments).stdin(Stdio::null());
            stores::run(&mut command).await.map_err(|error| {
                let line = arguments.join(" ");
                Unavailable(format!("`{} -m pip {line}` failed: {}", python.display(), last_line(&error)))
            })
        };
        let list = list.to_str().context("the folder's name is no text")?;
        pip(&["install", "--quiet", "--no-deps", "-r", list]).await?;
        // A package that this Python needs and others do not would only be missed when it is imported.
        pip(&["check"]).await?;
        fs::write(&mark, REQUIREMENTS)?;
        Ok(python)
    }
}

/// Whether a command succeeds, in silence.
async fn runs(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

async fn venv(python: &Path, home: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(python);
    command.args(["-m", "venv", "--clear"]).arg(home).stdin(Stdio::null());
    stores::run(&mut command).await.map(drop)
}

/// Waits until nobody else has it; it is given back when it is dropped.
async fn lock(file: PathBuf) -> anyhow::Result<File> {
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(file)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    });
    locked.await?.context("cannot lock the virtual environment")
}

/// What somebody who may install it has to run.
fn by_hand(tool: Tool) -> String {
    let packages = tool.packages.join(" ");
    format!(
        "there is no {}; run: sudo apt-get install --yes --no-install-recommends {packages}",
        tool.program
    )
}

fn last_line(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Tool = Tool { program: "no-such-program", packages: &["no-such-package", "nor-this"] };

    #[tokio::test]
    async fn who_may_not_install_is_told_the_exact_command() {
        let mut installer = Installer { apt_get: None, updated: false };
        let error = installer.tool(NOTHING).await.unwrap_err();
        let Unavailable(reason) = error.downcast::<Unavailable>().unwrap();
        assert!(
            reason.ends_with("sudo apt-get install --yes --no-install-recommends no-such-package nor-this"),
            "{reason}"
        );
    }

    #[tokio::test]
    async fn an_installation_that_fails_leaves_the_peer_out() {
        let mut installer = Installer { apt_get: Some(vec!["false"]), updated: false };
        let error = installer.tool(NOTHING).await.unwrap_err();
        assert!(error.downcast::<Unavailable>().unwrap().0.contains("tried, and: exit status: 1"));
        assert!(!installer.updated);
    }

    #[test]
    fn every_package_of_the_yardstick_has_a_version() {
        let lines: Vec<&str> = REQUIREMENTS.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 10);
        assert!(lines.iter().all(|line| line.matches("==").count() == 1), "{lines:?}");
    }
}
