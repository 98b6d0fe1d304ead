//! The whole system of the drill: three stores, all services as they are shipped, and a line of its own from each process to each store,
//! so that a fault can be of one service alone.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::config::{Kind, Places, Stores, settings_of};
use super::disk::SmallDisk;
use crate::freshness::link::{Line, Link};
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores::{self, Durability};
use crate::port;
use crate::upload::config::Settings;

/// The folder of the run on whose file system objects are stored.
pub(crate) const STORE: &str = "store";
/// Of all accounts of a run.
pub(crate) const PASSWORD: &str = "wake-me-when-it-burns";
/// The first is an administrator, who may do everything everywhere.
pub(crate) const ACCOUNTS: [(&str, &str); 3] =
    [("drill-1", "administrator"), ("drill-2", "apprentice"), ("drill-3", "apprentice")];

/// A store that processes have a line to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Store {
    Postgres,
    Redis,
    Nats,
}

/// Where the stores are, whatever lies between.
#[derive(Clone, Copy)]
struct At {
    database: SocketAddr,
    memory: SocketAddr,
    bus: SocketAddr,
}

pub(crate) struct System {
    // Before the folder, so that nobody writes there any more when it is removed.
    processes: BTreeMap<String, Server>,
    nats: Server,
    redis: Server,
    postgres: Server,
    links: Vec<(String, Store, Link)>,
    pub(crate) places: Places,
    /// None where it could not be mounted.
    pub(crate) disk: Option<SmallDisk>,
    at: At,
    folder: TempDir,
}

impl System {
    /// Starts everything below `parent`, by programs of `programs`, and returns when all of it is ready.
    pub(crate) async fn start(parent: &Path, programs: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(parent.canonicalize()?)?;
        let path = folder.path();
        let (postgres, database) = stores::postgres(path, "catalog", Durability::OfProcess).await?;
        for other in ["upload_ingest", "stories_feed", "package_ledger"] {
            stores::create_database(database, other).await?;
        }
        let (redis, memory) = stores::redis(path).await?;
        let (nats, bus) = stores::nats(path).await?;
        let places = Places {
            door: port::free()?,
            admin: port::free()?,
            catalogs: [port::free()?, port::free()?],
            uploads: port::free()?,
            worker: port::free()?,
            stories: port::free()?,
            packages: port::free()?,
        };
        let store = path.join(STORE);
        fs::create_dir(&store)?;
        let disk = SmallDisk::mount(&store).await;
        let mut system = Self {
            processes: BTreeMap::new(),
            nats,
            redis,
            postgres,
            links: Vec::new(),
            places,
            disk,
            at: At { database, memory, bus },
            folder,
        };
        let [first, second] = system.places.catalogs;
        system.add(programs, Kind::Catalog, "catalog-0", first).await?;
        system.add(programs, Kind::Catalog, "catalog-1", second).await?;
        system.add(programs, Kind::UploadIngest, "upload-ingest", system.places.uploads).await?;
        system.add(programs, Kind::UploadWorker, "upload-worker", system.places.worker).await?;
        system.add(programs, Kind::StoriesFeed, "stories-feed", system.places.stories).await?;
        system.add(programs, Kind::PackageLedger, "package-ledger", system.places.packages).await?;
        system.add(programs, Kind::Gateway, "gateway", system.places.admin).await?;
        Ok(system)
    }

    async fn add(&mut self, programs: &Path, kind: Kind, name: &str, bind: SocketAddr) -> anyhow::Result<()> {
        let program = programs.join(kind.program());
        let program =
            program.canonicalize().with_context(|| format!("there is no program {}", program.display()))?;
        let At { database, memory, bus } = self.at;
        let postgres_url = match kind.database() {
            Some(one) => Some(stores::database_url(self.link(name, Store::Postgres, database).await?, one)),
            None => None,
        };
        let stores = Stores {
            postgres_url,
            redis: self.link(name, Store::Redis, memory).await?,
            nats: self.link(name, Store::Nats, bus).await?,
        };
        let file = self.folder.path().join(format!("{name}.toml"));
        fs::write(&file, self.places.file(kind))?;
        let settings = settings_of(kind, bind, &stores, self.folder.path());
        if name == "catalog-0" || !matches!(kind, Kind::Catalog | Kind::Gateway | Kind::UploadWorker) {
            own_command(&program, &file, &settings, &["migrate"]).await?;
        }
        if name == "catalog-0" {
            accounts(&program, &file, &settings).await?;
        }
        let log = self.folder.path().join(format!("{name}.log"));
        let server = Server::start(name.to_owned(), log, Ready::Http(bind), move || {
            let mut command = command(&program, None);
            command.arg(kind.verb()).arg("--config").arg(&file).envs(settings.iter().cloned());
            command
        })
        .await?;
        self.processes.insert(name.to_owned(), server);
        Ok(())
    }

    async fn link(&mut self, name: &str, store: Store, to: SocketAddr) -> anyhow::Result<SocketAddr> {
        let link = Link::to(to).await?;
        let addr = link.addr();
        self.links.push((name.to_owned(), store, link));
        Ok(addr)
    }

    /// Sets the line of one process to a store, or those of all.
    pub(crate) fn set_line(&self, process: Option<&str>, store: Store, line: Line) {
        let concerned = |name: &str| process.is_none_or(|process| process == name);
        for (name, one, link) in &self.links {
            if *one == store && concerned(name) {
                link.set(line);
            }
        }
    }

    /// Sends a signal to a process.
    pub(crate) fn signal(&self, process: &str, signal: Signal) -> anyhow::Result<()> {
        self.processes.get(process).with_context(|| format!("there is no {process}"))?.signal(signal)
    }

    fn process(&mut self, name: &str) -> anyhow::Result<&mut Server> {
        self.processes.get_mut(name).with_context(|| format!("there is no {name}"))
    }

    pub(crate) async fn kill(&mut self, process: &str) -> anyhow::Result<()> {
        self.process(process)?.kill().await
    }

    /// Starts a process that was killed.
    pub(crate) async fn revive(&mut self, process: &str) -> anyhow::Result<()> {
        let server = self.process(process)?;
        server.launch()?;
        server.until_ready().await
    }

    /// Runs statements in a database, beside its service.
    pub(crate) async fn sql(&self, database: &str, sql: &str) -> anyhow::Result<()> {
        let file = self.folder.path().join("statements.sql");
        fs::write(&file, sql)?;
        stores::run_file(self.at.database, database, &file).await
    }

    /// Where the metrics are.
    pub(crate) fn targets(&self) -> Vec<SocketAddr> {
        let Places { admin, catalogs: [first, second], uploads, worker, stories, packages, .. } = self.places;
        vec![admin, first, second, uploads, worker, stories, packages]
    }

    /// The folder of the run, which goes with it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where a process says what it has to say.
    pub(crate) fn log(&self, process: &str) -> PathBuf {
        self.folder.path().join(format!("{process}.log"))
    }

    /// Copies the logs to a folder that stays.
    pub(crate) fn keep_logs(&self, to: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(self.folder.path())?.flatten() {
            if entry.path().extension().is_some_and(|kind| kind == "log" || kind == "toml" || kind == "yml") {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Ends the stores in order; the others have nothing to lose.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        for server in self.processes.values_mut() {
            server.kill().await?;
        }
        self.nats.kill().await?;
        self.redis.kill().await?;
        self.postgres.stop(Signal::SIGQUIT, Duration::from_secs(10)).await
    }
}

async fn own_command(program: &Path, file: &Path, settings: &Settings, words: &[&str]) -> anyhow::Result<()> {
    let mut command = command(program, None);
    command.args(words).arg("--config").arg(file).envs(settings.iter().cloned());
    let said = stores::run(&mut command).await;
    said.map(drop).with_context(|| format!("{} {}", program.display(), words.join(" ")))
}

async fn accounts(program: &Path, file: &Path, settings: &Settings) -> anyhow::Result<()> {
    for (name, role) in ACCOUNTS {
        let email = format!("{name}@example.org");
        let mut settings = settings.clone();
        settings.push(("ALDIA_PASSWORD".to_owned(), PASSWORD.to_owned()));
        let words =
            ["create-user", "--identification", name, "--role", role, "--fullname", name, "--email", &email];
        own_command(program, file, &settings, &words).await?;
    }
    Ok(())
}
