//! PostgreSQL, Redis and NATS of the run: private, in a folder that goes with it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use nix::unistd::{User, geteuid};

use super::server::{Ready, Server, command};
use crate::port;

/// What of the database survives what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// What was committed survives the death of the server, though not that of the machine: nothing is synced to the disk.
    OfProcess,
    /// As in production, at the price that it has there.
    OfMachine,
}

/// The superuser of the database, whom everybody on 127.0.0.1 may be.
const SUPERUSER: &str = "check";

/// The database server with one empty database, and its address.
pub(crate) async fn postgres(
    folder: &Path,
    database: &str,
    durability: Durability,
) -> anyhow::Result<(Server, SocketAddr)> {
    let bin = newest_postgres()?;
    let user = unprivileged()?;
    let home = folder.join("postgres");
    fs::create_dir(&home)?;
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
    if let Some((uid, gid)) = user {
        // Its user has to pass through the folder above, too.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711))?;
        chown(&home, Some(uid), Some(gid))?;
    }
    let data = home.join("data");
    let mut initdb = command(&bin.join("initdb"), user);
    initdb.arg("-D").arg(&data).args([
        "-U",
        SUPERUSER,
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-A",
        "trust",
        "--no-sync",
    ]);
    run(initdb.current_dir(&home)).await.context("initdb")?;

    let addr = port::free()?;
    let synced = if durability == Durability::OfMachine { "on" } else { "off" };
    let settings = format!(
        "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nmax_connections = 200\n\
         shared_buffers = 128MB\nfsync = {synced}\nsynchronous_commit = on\nfull_page_writes = {synced}\njit = off\n\
         timezone = 'UTC'\nlogging_collector = off\n",
        addr.port()
    );
    fs::write(data.join("postgresql.conf"), settings)?;
    let ready = Ready::Command(
        bin.join("pg_isready"),
        vec!["-h".to_owned(), "127.0.0.1".to_owned(), "-p".to_owned(), addr.port().to_string()],
    );
    let program = bin.join("postgres");
    let server = Server::start("postgres", folder.join("postgres.log"), ready, move || {
        let mut command = command(&program, user);
        command.arg("-D").arg(&data).current_dir(&home);
        command
    })
    .await?;
    create_database(addr, database).await?;
    Ok((server, addr))
}

/// One more empty database.
pub(crate) async fn create_database(addr: SocketAddr, database: &str) -> anyhow::Result<()> {
    let mut psql = psql(addr, "postgres")?;
    run(psql.arg("-c").arg(format!("create database {database}"))).await.context("psql").map(drop)
}

/// Runs the statements of a file in one transaction.
pub(crate) async fn run_file(addr: SocketAddr, database: &str, file: &Path) -> anyhow::Result<()> {
    let mut psql = psql(addr, database)?;
    run(psql.args(["-1", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file)).await.context("psql").map(drop)
}

/// Brings a database that was just loaded into the state in which it would be after a while: statistics, and pages known to be visible to
/// everybody.
pub(crate) async fn settle(addr: SocketAddr, database: &str) -> anyhow::Result<()> {
    let mut psql = psql(addr, database)?;
    run(psql.args(["-c", "vacuum (analyze)"])).await.context("psql").map(drop)
}

fn psql(addr: SocketAddr, database: &str) -> anyhow::Result<tokio::process::Command> {
    let mut psql = command(&newest_postgres()?.join("psql"), None);
    psql.args(["-X", "-q", "-h", "127.0.0.1", "-U", SUPERUSER, "-d", database]);
    psql.arg("-p").arg(addr.port().to_string());
    Ok(psql)
}

/// The URL of a database at any address that leads to its server.
pub(crate) fn database_url(addr: SocketAddr, database: &str) -> String {
    format!("postgres://{SUPERUSER}@{addr}/{database}")
}

/// A Redis that keeps nothing: whenever it is started, it is empty.
pub(crate) async fn redis(folder: &Path) -> anyhow::Result<(Server, SocketAddr)> {
    let addr = port::free()?;
    let program = program("redis-server")?;
    let directory = folder.to_owned();
    let ready = Ready::Speaks(addr, "PING\r\n", "+PONG");
    let server = Server::start("redis", folder.join("redis.log"), ready, move || {
        let mut command = command(&program, None);
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &addr.port().to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.args(["--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--dir"]).arg(&directory);
        command
    })
    .await?;
    Ok((server, addr))
}

/// A NATS server with JetStream.
pub(crate) async fn nats(folder: &Path) -> anyhow::Result<(Server, SocketAddr)> {
    let addr = port::free()?;
    let program = program("nats-server")?;
    let file = folder.join("nats.conf");
    let store = folder.join("jetstream");
    fs::write(
        &file,
        format!(
            "listen: \"{addr}\"\nserver_name: check\n\
             jetstream {{ store_dir: \"{}\", max_memory_store: 64MB, max_file_store: 2GB }}\n",
            store.display()
        ),
    )?;
    let ready = Ready::Speaks(addr, "", "INFO ");
    let server = Server::start("nats", folder.join("nats.log"), ready, move || {
        let mut command = command(&program, None);
        command.arg("--config").arg(&file);
        command
    })
    .await?;
    Ok((server, addr))
}

/// Runs a command to its end; what it said is in the error.
pub(crate) async fn run(command: &mut tokio::process::Command) -> anyhow::Result<String> {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).output().await?;
    anyhow::ensure!(
        output.status.success(),
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The user that PostgreSQL runs as where this program is root, which it refuses to be.
fn unprivileged() -> anyhow::Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some((user.uid.as_raw(), user.gid.as_raw())));
        }
    }
    anyhow::bail!("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`")
}

/// The programs of the newest PostgreSQL, in Debian's layout.
pub(crate) fn newest_postgres() -> anyhow::Result<PathBuf> {
    let found = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = found
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max();
    newest.map(|(_, bin)| bin).context("PostgreSQL is not installed; `make up` installs it")
}

/// A program of the machine.
pub(crate) fn program(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let found = std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    found.with_context(|| format!("{name} is not installed; `make up` installs it"))
}
