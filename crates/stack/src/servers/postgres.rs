//! A private PostgreSQL, and the databases and roles in it.
use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{READY_WITHIN, pick_port};
use crate::health::Probe;
use crate::logs::{open_log, tail};
use crate::run::{Launch, Run, Stop};
use crate::site::write_private;
use crate::tools::{PostgresProgram, RunAs, Search};
use crate::ui::Ui;
use crate::url::ServerUrl;

/// The superuser of private servers.
const SUPERUSER: &str = "aldia";

/// Holds the clusters of state directories that their own user cannot reach.
const ELSEWHERE: &str = "/var/lib/aldia";

/// Which cluster to start.
pub(crate) struct Cluster<'a> {
    pub(crate) state: &'a Path,
    /// Where the search for a free port begins.
    pub(crate) from: u16,
    /// `None`: a throwaway server, fast and forgetful, that trusts whoever can reach 127.0.0.1.
    pub(crate) password: Option<&'a String>,
}

/// Makes the cluster if there is none, starts it and waits until it answers; returns the superuser's URL.
pub(crate) async fn start(run: &mut Run, ui: Ui, search: &Search, cluster: &Cluster<'_>) -> Result<String> {
    let step = ui.step("postgres");
    let user = RunAs::for_postgres()?;
    let home = settle(cluster.state, user.as_ref()).await?;
    let data = home.join("data");
    let program = program_for(search, &data)?;
    if !data.exists() {
        initialise(run, cluster, &program, user.as_ref(), &home).await?;
    }
    let port = pick_port(cluster.from, "postgres")?;
    write_settings(cluster, &data, port, user.as_ref())?;
    let url = match cluster.password {
        Some(password) => format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres"),
        None => format!("postgres://{SUPERUSER}@127.0.0.1:{port}/postgres"),
    };
    let mut started = run.spawn(Launch {
        name: "postgres",
        program: &program.bin.join("postgres"),
        arguments: vec!["-D".to_owned(), data.display().to_string()],
        run_as: user.as_ref(),
        directory: &home,
        port: Some(port),
        probe: Probe::Postgres(url.clone()),
        stop: Stop::Postgres,
    })?;
    started.ready(READY_WITHIN).await?;
    step.done(format!("{} on 127.0.0.1:{port}", program.major));
    Ok(url)
}

/// Where the cluster of a state directory lies when its own user cannot reach that directory, as under `/root`.
fn elsewhere(state: &Path) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    Path::new(ELSEWHERE).join(format!("{:016x}", hasher.finish()))
}

/// The directory of the cluster, made and owned by the user it runs as.
async fn settle(state: &Path, user: Option<&RunAs>) -> Result<PathBuf> {
    let home = state.join("pg");
    own(&home, user)?;
    let Some(user) = user else { return Ok(home) };
    let reached = user.command("test").arg("-w").arg(&home).stdin(Stdio::null()).status().await;
    if reached.context("cannot run setpriv; it is in the package util-linux")?.success() {
        return Ok(home);
    }
    let home = elsewhere(state);
    own(&home, Some(user))?;
    let reached = user.command("test").arg("-w").arg(&home).stdin(Stdio::null()).status().await?;
    ensure!(
        reached.success(),
        "the user PostgreSQL runs as (uid {}) can write neither {} nor {}; clone the repository to a directory it can \
         reach",
        user.uid,
        state.join("pg").display(),
        home.display()
    );
    Ok(home)
}

fn own(home: &Path, user: Option<&RunAs>) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot make {}", home.display()))?;
    fs::set_permissions(home, fs::Permissions::from_mode(0o700))?;
    if let Some(user) = user {
        chown(home, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

/// Removes the cluster of a state directory, wherever it lies.
pub(crate) fn remove_data(state: &Path) -> Result<()> {
    for home in [state.join("pg"), elsewhere(state)] {
        if home.exists() {
            fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
        }
    }
    // Succeeds only when it is empty, and then nobody needs it.
    let _ = fs::remove_dir(ELSEWHERE);
    Ok(())
}

/// The installed server that fits the data, for a cluster of one major version is unreadable to another.
fn program_for(search: &Search, data: &Path) -> Result<PostgresProgram> {
    let major = match fs::read_to_string(data.join("PG_VERSION")) {
        Ok(text) => Some(text.trim().parse().context("PG_VERSION of the data is damaged")?),
        Err(_) => None,
    };
    search.postgres(major).with_context(|| match major {
        Some(major) => format!(
            "{} was made by PostgreSQL {major}, which is not installed any more; install it, or throw the data away \
             with `stack down --data`",
            data.display()
        ),
        None => "PostgreSQL is not installed".to_owned(),
    })
}

/// `initdb` into a directory beside, then a rename: a killed one leaves nothing that looks whole.
async fn initialise(
    run: &Run,
    cluster: &Cluster<'_>,
    program: &PostgresProgram,
    user: Option<&RunAs>,
    home: &Path,
) -> Result<()> {
    let fresh = home.join("data.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    let log = run.log_file("initdb");
    let (out, offset) = open_log(&log)?;
    let mut command = run.helper_as(user, program.bin.join("initdb"));
    command.arg("-D").arg(&fresh).args(["-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8"]);
    let password_file = home.join("password");
    match cluster.password {
        Some(password) => {
            write_private(&password_file, password)?;
            if let Some(user) = user {
                chown(&password_file, Some(user.uid), Some(user.gid))?;
            }
            command.args(["-A", "scram-sha-256", "--pwfile"]).arg(&password_file);
        }
        None => {
            command.args(["-A", "trust", "--no-sync"]);
        }
    }
    command.current_dir(home).stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    let status = command.status().await.context("cannot run initdb")?;
    if password_file.exists() {
        fs::remove_file(&password_file)?;
    }
    ensure!(
        status.success(),
        "initdb failed ({status})\nthe end of {}:\n{}",
        log.display(),
        tail(&log, offset, 20)
    );
    fs::rename(&fresh, home.join("data"))?;
    Ok(())
}

/// Writes the whole of `postgresql.conf` and `pg_hba.conf`, each time: what is not said here is PostgreSQL's default.
fn write_settings(cluster: &Cluster<'_>, data: &Path, port: u16, user: Option<&RunAs>) -> Result<()> {
    let kind = if cluster.password.is_some() {
        format!(
            "max_connections = 200\nshared_buffers = {}MB\nlog_min_duration_statement = 500\n",
            shared_buffers_mb()
        )
    } else {
        // A throwaway: what a crash would cost is nothing, so nothing is waited for. Many tests, each with pools.
        "max_connections = 400\nshared_buffers = 128MB\nfsync = off\nfull_page_writes = off\n\
         synchronous_commit = off\nautovacuum = off\n"
            .to_owned()
    };
    let settings = format!(
        "# written by `stack` at each start\n\
         listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n{kind}\
         random_page_cost = 1.1\njit = off\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n\
         logging_collector = off\nlog_line_prefix = '%m [%p] %d %u '\n"
    );
    let method = if cluster.password.is_some() { "scram-sha-256" } else { "trust" };
    let access = format!("# written by `stack` at each start\nhost all all 127.0.0.1/32 {method}\n");
    for (name, text) in [("postgresql.conf", settings), ("pg_hba.conf", access)] {
        let file = data.join(name);
        write_private(&file, &text)?;
        if let Some(user) = user {
            chown(&file, Some(user.uid), Some(user.gid))?;
        }
    }
    Ok(())
}

/// An eighth of the memory, between 64 and 512 MB: the services share the machine.
fn shared_buffers_mb() -> u64 {
    let total_kb: Option<u64> = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        text.lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?
            .split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
    });
    total_kb.map_or(128, |kb| (kb / 1024 / 8).clamp(64, 512))
}

/// One way to run SQL: `psql`, with the password in its environment and the statements on its stdin, so that neither
/// shows in a list of processes.
pub(crate) struct Psql {
    program: PathBuf,
    url: ServerUrl,
}

impl Psql {
    pub(crate) fn new(url: &str) -> Result<Self> {
        let program = Search::system().psql().context("psql is not installed")?;
        Ok(Self { program, url: ServerUrl::parse(url, 5432).context("not a PostgreSQL URL")? })
    }

    /// Runs statements, stops at the first that fails, and returns what they print.
    pub(crate) async fn run(&self, sql: &str) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url.without_password()]);
        command.arg("-w").env("PGCONNECT_TIMEOUT", "5").env("PGOPTIONS", "-c client_min_messages=warning");
        if let Some(password) = &self.url.password {
            command.env("PGPASSWORD", password);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("cannot run psql")?;
        if let Some(mut stdin) = child.stdin.take() {
            // A psql that found no server has gone already; what it said on stderr is the better error.
            let _ = stdin.write_all(sql.as_bytes()).await;
        }
        let output = child.wait_with_output().await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim())
    }
}

/// Runs `pg_dump` or `pg_restore` on the database at `url`, with the password in its environment; what it says when it fails is the error.
pub(crate) async fn run_dump_tool(run: &Run, name: &str, url: &str, args: &[&OsStr]) -> Result<()> {
    let url = ServerUrl::parse(url, 5432).context("not a PostgreSQL URL")?;
    let mut command = run.helper(Search::system().postgres_tool(name)?);
    command.args(["--no-password", "--dbname", &url.without_password()]).args(args);
    if let Some(password) = &url.password {
        command.env("PGPASSWORD", password);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().await.with_context(|| format!("cannot run {name}"))?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim())
}

/// Sees to it that a database exists with a role of its own, and returns the role's URL.
///
/// The role owns that database and may connect to no other of ours.
pub(crate) async fn provide_database(
    admin_url: &str,
    name: &str,
    password: &str,
    private: bool,
) -> Result<String> {
    let admin = Psql::new(admin_url)?;
    let mut script = format!(
        "select format('create role %I login password %L', '{name}', '{password}')\n\
         where not exists (select from pg_roles where rolname = '{name}') \\gexec\n\
         grant \"{name}\" to current_user;\n\
         select 'create database \"{name}\" owner \"{name}\"'\n\
         where not exists (select from pg_database where datname = '{name}') \\gexec\n\
         revoke all on database \"{name}\" from public;\n"
    );
    if private {
        // Only in a server of our own: its secrets may have been made anew, and its other databases are ours to close.
        script.push_str(&format!(
            "alter role \"{name}\" password '{password}';\n\
             revoke all on database postgres, template1 from public;\n"
        ));
    }
    admin.run(&script).await.with_context(|| format!("cannot make the database {name}"))?;
    let url = ServerUrl {
        user: Some(name.to_owned()),
        password: Some(password.to_owned()),
        path: name.to_owned(),
        ..admin.url.clone()
    };
    let url = url.to_text();
    Psql::new(&url)?.run("select 1").await.with_context(|| {
        format!(
            "the role {name} exists in that server with another password; give it ours with \
             `ALTER ROLE {name} PASSWORD …` (it is in keys/secrets.json as {name}_database_password), or drop role and database"
        )
    })?;
    Ok(url)
}
