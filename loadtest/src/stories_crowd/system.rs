//! What the crowd passes: PostgreSQL, Redis, NATS, the service and its gateways, all of them private.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::config;
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores::{self, Durability};
use crate::port;
use crate::upload::config::{Settings, Stores};
use crate::upload::issuer::Issuer;

const DATABASE: &str = "stories_feed";
/// Files that a process needs beside its sockets.
const OTHER_FILES: u64 = 200;

/// The programs under test.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Programs {
    /// The service.
    #[arg(long, value_name = "FILE", default_value = "target/release/stories-feed")]
    stories_feed: PathBuf,
    /// The gateway.
    #[arg(long, value_name = "FILE", default_value = "target/release/gateway")]
    gateway: PathBuf,
}

pub(super) struct System {
    // Before the folder, so that nobody writes there any more when it is removed.
    pub(super) gateways: Vec<(Server, SocketAddr)>,
    pub(super) service: Server,
    pub(super) service_addr: SocketAddr,
    nats: Server,
    redis: Server,
    postgres: Server,
    database: SocketAddr,
    pub(super) issuer: Issuer,
    folder: TempDir,
}

impl System {
    /// Starts everything for so many sockets, and returns when all of it is ready.
    pub(super) async fn start(
        parent: &Path,
        programs: &Programs,
        gateways: usize,
        sockets: usize,
    ) -> anyhow::Result<Self> {
        let sockets_each = sockets.div_ceil(gateways.max(1));
        let ends = if gateways == 0 { sockets } else { sockets.max(2 * sockets_each) };
        allow_files(u64::try_from(ends)? + OTHER_FILES)?;
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let folder = tempfile::Builder::new().prefix("crowd-").tempdir_in(parent.canonicalize()?)?;
        let (path, issuer) = (folder.path(), Issuer::start().await?);
        let (postgres, database) = stores::postgres(path, DATABASE, Durability::OfMachine).await?;
        let (redis, memory) = stores::redis(path).await?;
        let (nats, bus) = stores::nats(path).await?;
        let at = Stores { postgres_url: stores::database_url(database, DATABASE), redis: memory, nats: bus };

        let service_addr = port::free()?;
        let settings = config::service_settings(service_addr, &at, sockets);
        let program = found(&programs.stories_feed)?;
        let file = path.join("stories-feed.toml");
        fs::write(&file, config::service_file(&issuer))?;
        let mut migrate = command(&program, None);
        migrate.args(["migrate", "--config"]).arg(&file).envs(settings.iter().cloned());
        stores::run(&mut migrate).await.context("stories-feed migrate")?;
        let service =
            serve(path, "stories-feed", &program, &file, settings, Ready::Http(service_addr)).await?;
        let mut doors = Vec::new();
        for number in 0..gateways {
            let (addr, admin, name) = (port::free()?, port::free()?, format!("gateway-{number}"));
            let file = path.join(format!("{name}.toml"));
            fs::write(&file, config::gateway_file(&issuer, addr, admin, service_addr, sockets))?;
            let (program, ready) = (found(&programs.gateway)?, Ready::Http(admin));
            doors.push((serve(path, &name, &program, &file, Settings::new(), ready).await?, addr));
        }
        let gateways = doors;
        Ok(Self { gateways, service, service_addr, nats, redis, postgres, database, issuer, folder })
    }

    /// Where clients come in, in turn.
    pub(super) fn doors(&self) -> Vec<SocketAddr> {
        match self.gateways.as_slice() {
            [] => vec![self.service_addr],
            gateways => gateways.iter().map(|(_, addr)| *addr).collect(),
        }
    }

    /// Runs statements in the service's database.
    pub(super) async fn sql(&self, sql: &str) -> anyhow::Result<()> {
        let file = self.folder.path().join("statements.sql");
        fs::write(&file, sql)?;
        let mut psql = command(Path::new("psql"), None);
        psql.args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-d"]);
        psql.arg(stores::database_url(self.database, DATABASE)).arg("-f").arg(&file);
        stores::run(&mut psql).await.context("psql").map(drop)
    }

    /// Copies the logs to a folder that stays.
    pub(super) fn keep_logs(&self, to: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(self.folder.path())?.flatten() {
            if entry.path().extension().is_some_and(|kind| kind == "log" || kind == "toml") {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Ends the stores in order; the others have nothing to lose.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        for (gateway, _) in &mut self.gateways {
            gateway.kill().await?;
        }
        self.service.kill().await?;
        self.nats.kill().await?;
        self.redis.kill().await?;
        self.postgres.stop(Signal::SIGQUIT, Duration::from_secs(10)).await
    }
}

/// Lets this process, and those that it starts, have so many files.
fn allow_files(needed: u64) -> anyhow::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    anyhow::ensure!(
        hard >= needed,
        "{needed} files are needed and {hard} allowed (`ulimit -Hn`): take fewer sockets or more gateways"
    );
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("the limit of files cannot be raised")?;
    }
    Ok(())
}

fn found(program: &Path) -> anyhow::Result<PathBuf> {
    program.canonicalize().with_context(|| format!("there is no program {}", program.display()))
}

async fn serve(
    folder: &Path,
    name: &str,
    program: &Path,
    file: &Path,
    settings: Settings,
    ready: Ready,
) -> anyhow::Result<Server> {
    let (program, file) = (program.to_owned(), file.to_owned());
    Server::start(name.to_owned(), folder.join(format!("{name}.log")), ready, move || {
        let mut command = command(&program, None);
        command.args(["serve", "--config"]).arg(&file).envs(settings.iter().cloned());
        command
    })
    .await
}
