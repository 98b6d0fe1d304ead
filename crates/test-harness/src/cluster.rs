//! A primary and a streaming replica of it, for tests of what happens between the two.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

use crate::admin::SERVICE_ROLE;
use crate::database::connect;
use crate::port::free_port;
use crate::postgres_program::PostgresProgram;
use crate::process::Process;
use crate::wait::wait_for;

/// The superuser of both servers.
const SUPERUSER: &str = "aldia";

/// The database the service's role owns.
const DATABASE: &str = "service_test";

/// A server that has not answered after this long will not.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Throwaway servers trust whoever can reach 127.0.0.1 and survive no crash of the machine. The log is kept long enough for a
/// replica that was away.
const SETTINGS: &str = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 100\n\
    shared_buffers = 32MB\nfsync = off\nautovacuum = off\njit = off\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n\
    wal_level = replica\nmax_wal_senders = 4\nwal_keep_size = 512MB\nhot_standby = on\n\
    wal_retrieve_retry_interval = 100ms\n";
const ACCESS: &str = "host all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n";

/// A private primary with one streaming replica. Both are stopped, and their data removed, when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    /// Replays what the primary writes.
    pub replica: PostgresServer,
    /// Takes the writes.
    pub primary: PostgresServer,
    // Last, so that it goes when nobody uses it any more.
    _home: Home,
}

impl Cluster {
    /// Starts both. `prepare` gets the URL of the primary's database, with a service's rights; what it writes there is in the
    /// replica from the start. Later commits are replayed once they are `apply_delay` old (`recovery_min_apply_delay`).
    ///
    /// # Panics
    /// When Postgres is not installed, or a server does not start.
    pub async fn start(apply_delay: Duration, prepare: impl AsyncFnOnce(String)) -> Self {
        let program = PostgresProgram::find();
        let home = Home(program.directory().await);
        let primary = start_primary(&program, &home.0).await;
        prepare(primary.url()).await;
        let replica = start_replica(&program, &home.0, &primary, apply_delay).await;
        Self { replica, primary, _home: home }
    }
}

async fn start_primary(program: &PostgresProgram, home: &Path) -> PostgresServer {
    let data = home.join("primary");
    let options =
        ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"];
    program.run("initdb", &[&["-D", &text(&data)], options.as_slice()].concat(), home).await;
    append(&data.join("postgresql.conf"), SETTINGS);
    append(&data.join("pg_hba.conf"), ACCESS);
    let server = PostgresServer::start_new(program, data).await;
    let mut admin = connect(&server.url_of(SUPERUSER, "postgres")).await;
    for sql in [
        format!("CREATE ROLE {SERVICE_ROLE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"),
        format!("CREATE DATABASE {DATABASE} OWNER {SERVICE_ROLE}"),
    ] {
        let done = admin.batch_execute(&sql).await;
        done.unwrap_or_else(|error| panic!("set-up statement failed: {sql}: {error}"));
    }
    server
}

async fn start_replica(
    program: &PostgresProgram,
    home: &Path,
    primary: &PostgresServer,
    apply_delay: Duration,
) -> PostgresServer {
    let data = home.join("replica");
    let port = primary.port.to_string();
    let source = ["-h", "127.0.0.1", "-p", &port, "-U", SUPERUSER];
    // `-R` says where the primary is and that this is a standby.
    let options = ["-R", "-X", "stream", "-c", "fast", "--no-sync", "-D", &text(&data)];
    program.run("pg_basebackup", &[source.as_slice(), options.as_slice()].concat(), home).await;
    append(
        &data.join("postgresql.conf"),
        &format!("recovery_min_apply_delay = {}ms\n", apply_delay.as_millis()),
    );
    PostgresServer::start_new(program, data).await
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The files are there already, so they keep their owner.
fn append(file: &Path, lines: &str) {
    let written =
        OpenOptions::new().append(true).open(file).and_then(|mut file| file.write_all(lines.as_bytes()));
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
}

/// One of the two servers.
#[derive(Debug)]
pub struct PostgresServer {
    program: PostgresProgram,
    data: PathBuf,
    port: u16,
    process: Process,
}

impl PostgresServer {
    /// Somebody else may take the port before the server does; then there is another one.
    async fn start_new(program: &PostgresProgram, data: PathBuf) -> Self {
        let mut logs = String::new();
        for _ in 0..3 {
            let port = free_port();
            let process = program.serve(&data, port);
            let mut server = Self { program: program.clone(), data: data.clone(), port, process };
            if server.is_ready().await {
                return server;
            }
            logs = server.process.logs();
        }
        panic!("Postgres did not start:\n{logs}");
    }

    /// Logs in as the service's role, which owns the database and nothing beyond it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(SERVICE_ROLE, DATABASE)
    }

    /// Logs in to the same database as the superuser.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.url_of(SUPERUSER, DATABASE)
    }

    fn url_of(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops it as a crash would, without a word to anybody.
    pub fn kill(&mut self) {
        self.process.quit();
    }

    /// Starts it again after [`kill`](Self::kill), at the same address, and waits until it answers.
    ///
    /// # Panics
    /// When it does not.
    pub async fn restart(&mut self) {
        self.process = self.program.serve(&self.data, self.port);
        if !self.is_ready().await {
            panic!("Postgres did not start again:\n{}", self.process.logs());
        }
    }

    /// Makes a replica a primary of its own, on the next timeline, while the old primary goes on.
    ///
    /// # Panics
    /// When it is no replica.
    pub async fn promote(&self) {
        let mut admin = connect(&self.admin_url()).await;
        let promoted = admin.batch_execute("SELECT pg_promote(true, 60)").await;
        promoted.unwrap_or_else(|error| panic!("not promoted: {error}"));
    }

    async fn is_ready(&mut self) -> bool {
        let url = self.url_of(SUPERUSER, "postgres");
        let ready = wait_for(READY_WITHIN, async || {
            if !self.process.is_running() {
                return Some(false);
            }
            AsyncPgConnection::establish(&url).await.is_ok().then_some(true)
        });
        ready.await == Some(true)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        // Killed outright, it would leave its children and its shared memory behind.
        self.process.quit();
    }
}

/// The directory of both servers' data.
#[derive(Debug)]
struct Home(PathBuf);

impl Drop for Home {
    fn drop(&mut self) {
        // What cannot be removed is the temporary directory's to clean.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
