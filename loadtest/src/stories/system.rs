//! A private system of one service and one gateway, and beside them a service that keeps nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::Programs;
use crate::freshness::config::{Feed, Gateway};
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores::{self, Durability};
use crate::port;
use crate::upload::issuer::Issuer;

const DATABASE: &str = "stories_feed";
/// For a service that keeps nothing and is behind no gateway: every read is one of the database.
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
        let (name, keys) = (issuer.name(), issuer.keys_url());
        let url = stores::database_url(database, DATABASE);
        let (service_addr, forgetful_addr) = (port::free()?, port::free()?);
        let feed = |bind, more| {
            Feed { bind, issuer: &name, keys: &keys, postgres: &url, redis: memory, nats: bus, more }.render()
        };
        let program = found(&programs.stories_feed)?;
        let (file, forgetful_file) = (path.join("service.toml"), path.join("forgetful.toml"));
        fs::write(&file, feed(service_addr, ""))?;
        // It leaves the jobs to the other one.
        fs::write(
            &forgetful_file,
            feed(forgetful_addr, &format!("{KEEPS_NOTHING}\n[jobs]\nenabled = false\n")),
        )?;
        let mut migrate = command(&program, None);
        stores::run(migrate.args(["migrate", "--config"]).arg(&file))
            .await
            .context("stories-feed migrate")?;
        let statements = path.join("data.sql");
        fs::write(&statements, sql)?;
        stores::run_file(database, DATABASE, &statements).await?;
        let service = serve(path, "service", &program, &file, service_addr).await?;
        let forgetful = serve(path, "forgetful", &program, &forgetful_file, forgetful_addr).await?;

        let (door, admin) = (port::free()?, port::free()?);
        let text = Gateway {
            bind: door,
            admin,
            issuer: &name,
            members: (&name, &keys),
            catalogs: &[],
            feeds: &[service_addr],
            ledgers: &[],
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

    pub(crate) fn gateway_pid(&self) -> Option<u32> {
        self.gateway.pid()
    }

    pub(crate) fn service_pid(&self) -> Option<u32> {
        self.service.pid()
    }

    pub(crate) fn forgetful_pid(&self) -> Option<u32> {
        self.forgetful.pid()
    }

    pub(crate) fn store_pids(&self) -> Vec<u32> {
        [&self.postgres, &self.redis].into_iter().filter_map(Server::pid).collect()
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
