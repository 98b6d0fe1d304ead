//! A private system of one service and one gateway, and beside them a service that keeps nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::Programs;
use crate::freshness::config::{Gateway, Ledger};
use crate::freshness::packages::assets;
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores::{self, Durability};
use crate::port;
use crate::upload::issuer::Issuer;

const DATABASE: &str = "package_ledger";
/// Nothing happens by itself while something is measured.
const NO_JOBS: &str = "[jobs]\nenabled = false\n";
/// For a service behind no gateway: every read is one of the database.
const KEEPS_NOTHING: &str = "[freshness]\nenabled = false\n";

pub(crate) struct System {
    // Before the folder, so that nobody writes there any more when it is removed.
    gateway: Server,
    service: Server,
    forgetful: Server,
    nats: Server,
    redis: Server,
    postgres: Server,
    /// Where the gateway listens.
    pub(crate) door: SocketAddr,
    pub(crate) service_addr: SocketAddr,
    /// The service that keeps nothing.
    pub(crate) forgetful_addr: SocketAddr,
    pub(crate) database: SocketAddr,
    pub(crate) memory: SocketAddr,
    pub(crate) issuer: Issuer,
    _folder: TempDir,
}

/// Process ids of a way's own and of the stores.
pub(crate) struct Pids {
    pub(crate) gateway: u32,
    pub(crate) service: u32,
    pub(crate) forgetful: u32,
    pub(crate) postgres: u32,
    pub(crate) redis: u32,
}

impl System {
    /// Starts the stores, loads `sql`, starts the rest, and returns when all of it is ready.
    pub(crate) async fn start(programs: &Programs, sql: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(&programs.folder)
            .with_context(|| format!("cannot make {}", programs.folder.display()))?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(programs.folder.canonicalize()?)?;
        let (path, issuer) = (folder.path(), Issuer::start().await?);
        let (postgres, database) = stores::postgres(path, DATABASE, Durability::OfProcess).await?;
        let (redis, memory) = stores::redis(path).await?;
        let (nats, bus) = stores::nats(path).await?;
        let (name, keys, uploads) = (issuer.name(), issuer.keys_url(), assets::start().await?);
        let (url, spool) = (stores::database_url(database, DATABASE), path.join("spool"));
        let ledger = |bind, more| {
            let (issuer, keys, postgres, spool) =
                (name.as_str(), keys.as_str(), url.as_str(), spool.as_path());
            Ledger { bind, issuer, keys, postgres, redis: memory, nats: bus, uploads, spool, more }.render()
        };
        let program = found(&programs.package_ledger)?;
        let (file, forgetful_file) = (path.join("service.toml"), path.join("forgetful.toml"));
        let (service_addr, forgetful_addr) = (port::free()?, port::free()?);
        fs::write(&file, ledger(service_addr, NO_JOBS))?;
        fs::write(&forgetful_file, ledger(forgetful_addr, &format!("{KEEPS_NOTHING}\n{NO_JOBS}")))?;
        load(&program, &file, database, path, sql).await?;
        let service = serve(path, "service", &program, &file, service_addr).await?;
        let forgetful = serve(path, "forgetful", &program, &forgetful_file, forgetful_addr).await?;

        let (door, admin) = (port::free()?, port::free()?);
        let text = Gateway {
            bind: door,
            admin,
            issuer: &name,
            members: (&name, &keys),
            catalogs: &[],
            feeds: &[],
            ledgers: &[service_addr],
            redis: memory,
            nats: bus,
            cache: true,
            more: "",
        }
        .render();
        let file = path.join("gateway.toml");
        fs::write(&file, text)?;
        let gateway = serve(path, "gateway", &found(&programs.gateway)?, &file, admin).await?;
        Ok(Self {
            gateway,
            service,
            forgetful,
            nats,
            redis,
            postgres,
            door,
            service_addr,
            forgetful_addr,
            database,
            memory,
            issuer,
            _folder: folder,
        })
    }

    pub(crate) fn pids(&self) -> anyhow::Result<Pids> {
        let pid = |server: &Server| server.pid().context("a server does not run");
        Ok(Pids {
            gateway: pid(&self.gateway)?,
            service: pid(&self.service)?,
            forgetful: pid(&self.forgetful)?,
            postgres: pid(&self.postgres)?,
            redis: pid(&self.redis)?,
        })
    }

    /// Ends the stores in order; the others have nothing to lose.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for server in [&mut self.gateway, &mut self.service, &mut self.forgetful] {
            server.kill().await?;
        }
        self.nats.kill().await?;
        self.redis.kill().await?;
        self.postgres.stop(Signal::SIGQUIT, Duration::from_secs(10)).await
    }
}

/// The schema, and the data.
async fn load(
    program: &Path,
    file: &Path,
    database: SocketAddr,
    path: &Path,
    sql: &str,
) -> anyhow::Result<()> {
    let mut migrate = command(program, None);
    stores::run(migrate.args(["migrate", "--config"]).arg(file)).await.context("package-ledger migrate")?;
    let statements = path.join("data.sql");
    fs::write(&statements, sql)?;
    stores::run_file(database, DATABASE, &statements).await
}

fn found(program: &Path) -> anyhow::Result<PathBuf> {
    program.canonicalize().with_context(|| format!("there is no program {}", program.display()))
}

async fn serve(
    folder: &Path,
    name: &str,
    program: &Path,
    file: &Path,
    ready: SocketAddr,
) -> anyhow::Result<Server> {
    let (program, file) = (program.to_owned(), file.to_owned());
    Server::start(name.to_owned(), folder.join(format!("{name}.log")), Ready::Http(ready), move || {
        let mut command = command(&program, None);
        command.args(["serve", "--config"]).arg(&file);
        command
    })
    .await
}
