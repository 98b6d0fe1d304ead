//! The installed Postgres, and as whom it runs.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::unistd::{User, geteuid};
use tokio::process::Command;

use crate::process::Process;

/// Where Debian and Ubuntu put each major version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The programs of one version. The server refuses to run as root: then the package's own user runs it.
#[derive(Clone, Debug)]
pub(crate) struct PostgresProgram {
    bin: PathBuf,
    run_as: Option<User>,
}

impl PostgresProgram {
    /// The newest version that is installed.
    pub(crate) fn find() -> Self {
        let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().filter_map(Result::ok);
        let numbered = versions.filter_map(|entry| {
            let major: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        });
        let newest = numbered.filter(|(_, bin)| bin.join("initdb").is_file()).max();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let in_path = || std::env::split_paths(&path).find(|bin| bin.join("initdb").is_file());
        let bin = newest.map(|(_, bin)| bin).or_else(in_path);
        let bin = bin.unwrap_or_else(|| panic!("no Postgres is installed: `make test` installs it"));
        Self { bin, run_as: geteuid().is_root().then(unprivileged) }
    }

    /// A new directory of its own that these programs can write to.
    pub(crate) async fn directory(&self) -> PathBuf {
        let name = format!("aldia-test-cluster-{}", uuid::Uuid::new_v4().simple());
        // The temporary directory of root may be closed to everybody else.
        for parent in [std::env::temp_dir(), PathBuf::from("/var/tmp")] {
            let directory = parent.join(&name);
            if self.make(&directory).is_ok() && self.can_write(&directory).await {
                return directory;
            }
            // Best effort, as it is of no use.
            let _ = std::fs::remove_dir(&directory);
        }
        panic!("no temporary directory that Postgres can write to");
    }

    fn make(&self, directory: &Path) -> std::io::Result<()> {
        std::fs::create_dir(directory)?;
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))?;
        match &self.run_as {
            Some(user) => chown(directory, Some(user.uid.as_raw()), Some(user.gid.as_raw())),
            None => Ok(()),
        }
    }

    async fn can_write(&self, directory: &Path) -> bool {
        let (program, mut arguments) = self.restricted("test".into());
        arguments.extend(["-w".to_owned(), directory.display().to_string()]);
        let status = Command::new(program).args(arguments).stdin(Stdio::null()).status().await;
        status.is_ok_and(|status| status.success())
    }

    /// Runs one of the programs to its end.
    pub(crate) async fn run(&self, name: &str, arguments: &[&str], directory: &Path) {
        let (program, prefix) = self.restricted(self.bin.join(name));
        let mut command = Command::new(program);
        command.args(prefix).args(arguments).current_dir(directory).stdin(Stdio::null());
        let output = command.output().await.unwrap_or_else(|error| panic!("cannot run {name}: {error}"));
        if !output.status.success() {
            panic!("{name} failed: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// Starts a server on this data and port.
    pub(crate) fn serve(&self, data: &Path, port: u16) -> Process {
        let (program, mut arguments) = self.restricted(self.bin.join("postgres"));
        arguments.extend(["-D".to_owned(), data.display().to_string(), "-p".to_owned(), port.to_string()]);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Process::spawn_at(program, &arguments, &[])
    }

    /// What to run and the first arguments of it. `setpriv` replaces itself by the program, so the pid stays.
    fn restricted(&self, program: PathBuf) -> (PathBuf, Vec<String>) {
        let Some(user) = &self.run_as else { return (program, Vec::new()) };
        let arguments = vec![
            format!("--reuid={}", user.uid),
            format!("--regid={}", user.gid),
            "--clear-groups".to_owned(),
            "--".to_owned(),
            program.display().to_string(),
        ];
        (PathBuf::from("setpriv"), arguments)
    }
}

fn unprivileged() -> User {
    let known = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    known.unwrap_or_else(|| panic!("Postgres does not run as root, and there is no user postgres or nobody"))
}
