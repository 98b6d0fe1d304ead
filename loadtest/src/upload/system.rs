//! What uploads pass: PostgreSQL, Redis, NATS, the service, its workers and gateways before it, all of them private.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use serde::Deserialize;
use tempfile::TempDir;

use super::config::{self, Buffering, Settings, Stores};
use super::issuer::Issuer;
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores::{self, Durability};
use crate::port;

const DATABASE: &str = "upload_ingest";

/// The programs under test.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Programs {
    /// The service.
    #[arg(long, value_name = "FILE", default_value = "target/release/upload-ingest")]
    upload_ingest: PathBuf,
    /// The worker.
    #[arg(long, value_name = "FILE", default_value = "target/release/upload-worker")]
    upload_worker: PathBuf,
    /// The gateway.
    #[arg(long, value_name = "FILE", default_value = "target/release/gateway")]
    gateway: PathBuf,
}

impl Programs {
    /// All of them in one folder, as cargo leaves them.
    pub(crate) fn below(folder: &Path) -> Self {
        let [upload_ingest, upload_worker, gateway] =
            ["upload-ingest", "upload-worker", "gateway"].map(|name| folder.join(name));
        Self { upload_ingest, upload_worker, gateway }
    }
}

/// What is started, and how it is set.
pub(crate) struct Plan<'a> {
    pub(crate) durability: Durability,
    /// One gateway for each.
    pub(crate) gateways: &'a [Buffering],
    pub(crate) workers: usize,
    /// Settings of the service and its workers beyond those of `deploy/`.
    pub(crate) more: Settings,
}

/// A gateway and where it listens.
pub(crate) struct Gateway {
    pub(crate) server: Server,
    pub(crate) addr: SocketAddr,
}

/// The service's database, to be looked at from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Database(SocketAddr);

impl Database {
    /// The rows of a query.
    pub(crate) async fn rows<T: for<'de> Deserialize<'de>>(self, sql: &str) -> anyhow::Result<Vec<T>> {
        let mut psql = command(Path::new("psql"), None);
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"]);
        psql.arg("-d").arg(stores::database_url(self.0, DATABASE));
        psql.args(["-c", &format!("select coalesce(json_agg(found), '[]') from ({sql}) as found")]);
        let said = stores::run(&mut psql).await.with_context(|| format!("psql: {sql}"))?;
        serde_json::from_str(&said).with_context(|| format!("unexpected rows of {sql}"))
    }
}

pub(crate) struct System {
    // Before the folder, so that nobody writes there any more when it is removed.
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) workers: Vec<Server>,
    pub(crate) service: Server,
    pub(crate) nats: Server,
    redis: Server,
    postgres: Server,
    pub(crate) service_addr: SocketAddr,
    pub(crate) issuer: Issuer,
    pub(crate) database: Database,
    /// To speak to the service's own commands.
    program: PathBuf,
    file: PathBuf,
    settings: Settings,
    folder: TempDir,
}

impl System {
    /// Starts everything in a folder of its own below `parent`, and returns when all of it is ready.
    pub(crate) async fn start(parent: &Path, programs: &Programs, plan: Plan<'_>) -> anyhow::Result<Self> {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(parent.canonicalize()?)?;
        let (path, issuer) = (folder.path(), Issuer::start().await?);
        let (postgres, database) = stores::postgres(path, DATABASE, plan.durability).await?;
        let (redis, memory) = stores::redis(path).await?;
        let (nats, bus) = stores::nats(path).await?;
        let at = Stores { postgres_url: stores::database_url(database, DATABASE), redis: memory, nats: bus };

        let objects = path.join("objects");
        let service_addr = port::free()?;
        let mut settings = config::service_settings(service_addr, &at, &objects);
        settings.extend(plan.more.iter().cloned());
        let program = found(&programs.upload_ingest)?;
        let file = path.join("upload-ingest.toml");
        fs::write(&file, config::service_file(&issuer))?;
        own_command(&program, &file, &settings, &["migrate"]).await.context("upload-ingest migrate")?;
        let ready = Ready::Http(service_addr);
        let service = serve(path, "upload-ingest", &program, "serve", &file, &settings, ready).await?;

        let (mut workers, worker) = (Vec::new(), found(&programs.upload_worker)?);
        let worker_file = path.join("upload-worker.toml");
        fs::write(&worker_file, config::worker_file(&issuer))?;
        for number in 0..plan.workers {
            let (bind, name) = (port::free()?, format!("upload-worker-{number}"));
            let mut settings = config::service_settings(bind, &at, &objects);
            settings.extend(plan.more.iter().cloned());
            let ready = Ready::Http(bind);
            workers.push(serve(path, &name, &worker, "run", &worker_file, &settings, ready).await?);
        }
        let mut gateways = Vec::new();
        for (number, buffering) in plan.gateways.iter().enumerate() {
            let (addr, admin, name) = (port::free()?, port::free()?, format!("gateway-{number}"));
            let file = path.join(format!("{name}.toml"));
            fs::write(&file, config::gateway_file(&issuer, *buffering))?;
            let settings = config::gateway_settings(addr, admin, service_addr, &at);
            let (program, ready) = (found(&programs.gateway)?, Ready::Http(admin));
            let server = serve(path, &name, &program, "serve", &file, &settings, ready).await?;
            gateways.push(Gateway { server, addr });
        }
        Ok(Self {
            gateways,
            workers,
            service,
            nats,
            redis,
            postgres,
            service_addr,
            issuer,
            database: Database(database),
            program,
            file,
            settings,
            folder,
        })
    }

    /// Compares the store of objects with the database, and removes what nothing refers to, unless it is only to look.
    pub(crate) async fn reconcile(&self, dry_run: bool) -> anyhow::Result<serde_json::Value> {
        let mut words = vec!["reconcile", "--format", "json"];
        if dry_run {
            words.push("--dry-run");
        }
        let said = own_command(&self.program, &self.file, &self.settings, &words).await?;
        serde_json::from_str(&said).with_context(|| format!("reconcile printed {said}"))
    }

    /// The folder of the run, which goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Copies the logs to a folder that stays.
    pub(crate) fn keep_logs(&self, to: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(self.folder())?.flatten() {
            if entry.path().extension().is_some_and(|kind| kind == "log" || kind == "toml") {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Ends the stores in order; the others have nothing to lose.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let gateways = self.gateways.iter_mut().map(|gateway| &mut gateway.server);
        for server in gateways.chain(&mut self.workers).chain([&mut self.service]) {
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

async fn own_command(
    program: &Path,
    file: &Path,
    settings: &Settings,
    words: &[&str],
) -> anyhow::Result<String> {
    let mut command = command(program, None);
    command.args(words).arg("--config").arg(file).envs(settings.iter().cloned());
    stores::run(&mut command).await
}

async fn serve(
    folder: &Path,
    name: &str,
    program: &Path,
    verb: &'static str,
    file: &Path,
    settings: &Settings,
    ready: Ready,
) -> anyhow::Result<Server> {
    let (program, file, settings) = (program.to_owned(), file.to_owned(), settings.clone());
    Server::start(name.to_owned(), folder.join(format!("{name}.log")), ready, move || {
        let mut command = command(&program, None);
        command.arg(verb).arg("--config").arg(&file).envs(settings.iter().cloned());
        command
    })
    .await
}
