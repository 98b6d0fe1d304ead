//! The programs a system needs: finding them, and installing those that are missing.
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

use crate::process::MARK_VARIABLE;
use crate::ui::Ui;

/// The oldest PostgreSQL whose SQL we use.
const POSTGRES_AT_LEAST: u32 = 15;

/// Something that must be on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// A PostgreSQL server.
    Postgres,
    /// `psql`, also when the server is somebody else's.
    PostgresClient,
    Redis,
    Nats,
    /// What is made of uploads is made by it.
    Ffmpeg,
    /// Some dependencies contain C.
    Compiler,
    /// The tour and whoever tries the system by hand.
    Curl,
}

impl Need {
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["postgresql"],
            Self::PostgresClient => &["postgresql-client"],
            Self::Redis => &["redis-server"],
            Self::Nats => &["nats-server"],
            Self::Ffmpeg => &["ffmpeg"],
            Self::Compiler => &["gcc", "libc6-dev"],
            Self::Curl => &["curl"],
        }
    }

    fn is_met(self, search: &Search) -> bool {
        match self {
            Self::Postgres => search.postgres(None).is_some(),
            Self::PostgresClient => search.psql().is_some(),
            Self::Redis => search.program("redis-server").is_some(),
            Self::Nats => search.program("nats-server").is_some(),
            Self::Ffmpeg => ["ffmpeg", "ffprobe"].iter().all(|name| search.program(name).is_some()),
            Self::Compiler => search.program("cc").is_some(),
            Self::Curl => search.program("curl").is_some(),
        }
    }
}

/// Where programs are looked for.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    path: Vec<PathBuf>,
    postgres_root: PathBuf,
}

impl Search {
    /// `PATH`, and the system's directories that the `PATH` of ordinary users lacks.
    pub(crate) fn system() -> Self {
        let mut path: Vec<PathBuf> =
            std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        path.extend(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
        Self { path, postgres_root: PathBuf::from("/usr/lib/postgresql") }
    }

    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|directory| directory.join(name)).find(|file| is_executable(file))
    }

    /// The newest PostgreSQL of Debian's layout that is new enough, or the one of exactly this major version.
    pub(crate) fn postgres(&self, major: Option<u32>) -> Option<PostgresProgram> {
        let mut found: Vec<PostgresProgram> = fs::read_dir(&self.postgres_root)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let major = entry.file_name().to_str()?.parse().ok()?;
                Some(PostgresProgram { major, bin: entry.path().join("bin") })
            })
            .filter(|one| one.major >= POSTGRES_AT_LEAST && major.is_none_or(|wanted| one.major == wanted))
            .filter(|one| is_executable(&one.bin.join("postgres")) && is_executable(&one.bin.join("initdb")))
            .collect();
        found.sort_by_key(|one| one.major);
        found.pop()
    }

    pub(crate) fn psql(&self) -> Option<PathBuf> {
        let beside = self.postgres(None).map(|one| one.bin.join("psql")).filter(|file| is_executable(file));
        beside.or_else(|| self.program("psql"))
    }

    /// `pg_dump` or `pg_restore`: of the newest server that is installed, for an older one cannot read a newer one's data.
    pub(crate) fn postgres_tool(&self, name: &str) -> Result<PathBuf> {
        let beside = self.postgres(None).map(|one| one.bin.join(name)).filter(|file| is_executable(file));
        let found = beside.or_else(|| self.program(name));
        found.with_context(|| format!("{name} is not installed; it is in the package postgresql-client"))
    }

    /// The one that must be there because [`require`] has seen to it.
    pub(crate) fn found(&self, name: &str) -> Result<PathBuf> {
        self.program(name).with_context(|| format!("{name} is not installed"))
    }

    fn missing(&self, needs: &[Need]) -> Vec<Need> {
        needs.iter().copied().filter(|need| !need.is_met(self)).collect()
    }
}

/// A PostgreSQL installation.
#[derive(Clone, Debug)]
pub(crate) struct PostgresProgram {
    pub(crate) major: u32,
    pub(crate) bin: PathBuf,
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Another user to run a program as.
#[derive(Clone, Debug)]
pub(crate) struct RunAs {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl RunAs {
    /// The user PostgreSQL runs as: the caller, except that it refuses root; then the package's own user.
    pub(crate) fn for_postgres() -> Result<Option<Self>> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = nix::unistd::User::from_name(name)? {
                return Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        bail!(
            "PostgreSQL does not run as root and there is neither a user `postgres` nor `nobody`; add one with `useradd --system postgres`"
        )
    }

    /// A command that runs `program` as this user. `setpriv` replaces itself by it, so the pid stays.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={}", self.uid)).arg(format!("--regid={}", self.gid));
        command.arg("--clear-groups").arg("--").arg(program);
        command
    }
}

/// Sees to it that all needs are met, by the package manager if it must and may.
pub(crate) async fn require(ui: Ui, needs: &[Need]) -> Result<Search> {
    let search = Search::system();
    let missing = search.missing(needs);
    if missing.is_empty() {
        return Ok(search);
    }
    let plan = plan(&missing, &Situation::look(&search).await)?;
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages().iter().copied()).collect();
    let step = ui.stage("install", format!("{} install {}", plan.join(" "), packages.join(" ")));
    ui.note("the distribution may start its own PostgreSQL and Redis on their usual ports; they are not used here");
    apt_get(&plan, &["update"]).await?;
    apt_get(&plan, &[&["install", "--yes", "--no-install-recommends"], packages.as_slice()].concat()).await?;
    let search = Search::system();
    let still = search.missing(needs);
    ensure!(
        still.is_empty(),
        "installed, but still not met: {still:?}; PostgreSQL must be {POSTGRES_AT_LEAST} or later \
         (https://apt.postgresql.org has it), or give a running server in ALDIA_POSTGRES_URL"
    );
    step.done(packages.join(" "));
    Ok(search)
}

/// What decides whether packages can be installed from here.
struct Situation {
    debian_like: bool,
    apt: bool,
    root: bool,
    passwordless_sudo: bool,
}

impl Situation {
    async fn look(search: &Search) -> Self {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let root = nix::unistd::geteuid().is_root();
        let passwordless_sudo = !root && search.program("sudo").is_some() && {
            let tried = Command::new("sudo")
                .args(["-n", "true"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            tried.await.is_ok_and(|status| status.success())
        };
        Self {
            debian_like: is_debian_like(&release),
            apt: search.program("apt-get").is_some(),
            root,
            passwordless_sudo,
        }
    }
}

/// From the text of `/etc/os-release`.
fn is_debian_like(release: &str) -> bool {
    release
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| matches!(*key, "ID" | "ID_LIKE"))
        .flat_map(|(_, value)| value.trim_matches('"').split_ascii_whitespace())
        .any(|word| matches!(word, "debian" | "ubuntu"))
}

/// The words before the arguments of `apt-get`, or why there can be none and what to do by hand.
fn plan(missing: &[Need], situation: &Situation) -> Result<Vec<&'static str>> {
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages().iter().copied()).collect();
    let packages = packages.join(" ");
    ensure!(
        situation.debian_like && situation.apt,
        "this needs the Debian packages `{packages}` or the same from elsewhere in PATH; packages can be installed \
         only on Debian and Ubuntu. Servers that run elsewhere can be given in ALDIA_POSTGRES_URL, ALDIA_REDIS_URL and \
         ALDIA_NATS_URL"
    );
    // RUNLEVEL=1: without systemd a package's script then does not start its server.
    let command = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"];
    if situation.root {
        return Ok(command.to_vec());
    }
    ensure!(
        situation.passwordless_sudo,
        "not installed: {packages}. Installing needs root; run\n\n    \
         sudo apt-get install --yes --no-install-recommends {packages}\n\nand try again"
    );
    Ok([&["sudo", "-n"], command.as_slice()].concat())
}

/// Runs `apt-get`. It carries no mark: neither it nor a server it starts is ever ours to stop.
async fn apt_get(plan: &[&str], arguments: &[&str]) -> Result<()> {
    let (program, rest) = plan.split_first().context("nothing to run")?;
    let status = Command::new(program)
        .args(rest)
        .args(["-q", "-o", "Dpkg::Use-Pty=0"])
        .args(arguments)
        .env_remove(MARK_VARIABLE)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .await
        .context("cannot run apt-get")?;
    let line = format!("{} {}", plan.join(" "), arguments.join(" "));
    ensure!(status.success(), "`{line}` failed ({status}); run it yourself to see why");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordinary_user() -> Situation {
        Situation { debian_like: true, apt: true, root: false, passwordless_sudo: false }
    }

    #[test]
    fn who_may_not_install_is_told_the_exact_command() {
        let refusal = plan(&[Need::Postgres, Need::Nats], &ordinary_user()).unwrap_err().to_string();
        assert!(
            refusal.contains("sudo apt-get install --yes --no-install-recommends postgresql nats-server"),
            "{refusal}"
        );
    }

    #[test]
    fn root_needs_no_sudo_and_others_use_it_without_a_password() {
        let root = Situation { root: true, ..ordinary_user() };
        assert_eq!(plan(&[Need::Redis], &root).unwrap().first(), Some(&"env"));
        let sudoer = Situation { passwordless_sudo: true, ..ordinary_user() };
        assert_eq!(plan(&[Need::Redis], &sudoer).unwrap().first(), Some(&"sudo"));
    }

    #[test]
    fn another_distribution_is_told_what_is_needed() {
        let elsewhere = Situation { debian_like: false, root: true, ..ordinary_user() };
        assert!(plan(&[Need::Redis], &elsewhere).unwrap_err().to_string().contains("redis-server"));
        assert!(is_debian_like("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian_like("ID=fedora\n"));
    }

    #[test]
    fn an_empty_machine_misses_everything() {
        let nowhere = Search { path: vec![], postgres_root: PathBuf::from("/nonexistent") };
        let needs =
            [Need::Postgres, Need::PostgresClient, Need::Redis, Need::Nats, Need::Ffmpeg, Need::Compiler];
        assert_eq!(nowhere.missing(&needs), needs);
    }
}
