//! What peers stand on: a folder, an origin, PostgreSQL and Redis, each started when somebody first needs it and gone with the stage.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::Full;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::guard::Guard;
use super::install::{Installer, POSTGRES, REDIS, Unavailable};
use super::peer::Peer;
use super::schema::Schema;
use super::started::Started;
use super::statements::{Rate, Statement};
use super::{redis, start, statements};
use crate::freshness::pool::Pool;
use crate::freshness::server::Server;
use crate::freshness::stores::{self, Durability};
use crate::origin::Origin;

/// The database of the yardstick.
const DATABASE: &str = "yardstick";
/// How long a server gets to end in order.
const LONGEST_STOP: Duration = Duration::from_secs(10);
/// What the origin may take to say how often it was asked.
const LONGEST_ANSWER: Duration = Duration::from_secs(5);

/// What came of a start.
pub(crate) enum Outcome {
    Started(Started),
    /// It cannot be had on this machine, for a reason that says what would help.
    LeftOut(String),
}

/// What those who stand behind peers have noticed since their start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// Requests at the origin for what may be kept and what may not.
    pub(crate) asked: u64,
    /// What was looked for in Redis and found.
    pub(crate) found: u64,
    /// And not found.
    pub(crate) missed: u64,
}

impl Looked {
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            asked: self.asked.saturating_sub(earlier.asked),
            found: self.found.saturating_sub(earlier.found),
            missed: self.missed.saturating_sub(earlier.missed),
        }
    }
}

/// Everything that peers share.
pub(crate) struct Stage {
    // Before the folder, so that nobody writes there any more when it is removed.
    origin: Option<Origin>,
    stores: Option<Stores>,
    pub(super) guard: Guard,
    pub(super) installer: Installer,
    /// Outlives the run, for what is installed.
    pub(super) tools: PathBuf,
    folder: TempDir,
}

/// Where the yardstick keeps what it knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) database: SocketAddr,
    pub(super) memory: SocketAddr,
}

struct Stores {
    postgres: Server,
    redis: Server,
    at: Addresses,
    loaded: BTreeSet<Schema>,
}

impl Stage {
    /// An empty one in a new folder below `folder`, which also keeps what is installed for later runs.
    pub(crate) async fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let tools = folder.canonicalize()?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&tools)?;
        let guard = Guard::start()?;
        Ok(Self { origin: None, stores: None, guard, installer: Installer::look().await, tools, folder })
    }

    /// Starts a peer, after installing what it needs and may be installed, and returns when it answers. A peer runs once at a time.
    ///
    /// # Errors
    ///
    /// What is there and does not start; what cannot be had is [`Outcome::LeftOut`].
    pub(crate) async fn start(&mut self, peer: Peer) -> anyhow::Result<Outcome> {
        match Box::pin(start::start(self, peer)).await {
            Ok(started) => Ok(Outcome::Started(started)),
            Err(error) => match error.downcast::<Unavailable>() {
                Ok(Unavailable(reason)) => Ok(Outcome::LeftOut(reason)),
                Err(error) => Err(error.context(format!("{} does not start", peer.name()))),
            },
        }
    }

    /// Where the origin of the gateways listens, for ours to be set before it as well. `/kept/BYTES` may be kept for an hour and has a
    /// tag, `/pass/BYTES` may not be kept, `/asked` counts the requests for both.
    pub(crate) async fn origin(&mut self) -> anyhow::Result<SocketAddr> {
        if let Some(origin) = &self.origin {
            return Ok(origin.addr());
        }
        let origin = Origin::start(self.folder.path(), "origin", Duration::ZERO).await?;
        Ok(self.origin.insert(origin).addr())
    }

    /// The process of the origin, while there is one.
    pub(crate) fn origin_pid(&self) -> Option<u32> {
        self.origin.as_ref().map(Origin::pid)
    }

    /// PostgreSQL and Redis of the yardstick, while there are any.
    pub(crate) fn store_pids(&self) -> Vec<u32> {
        let servers = self.stores.iter().flat_map(|stores| [&stores.postgres, &stores.redis]);
        servers.filter_map(Server::pid).collect()
    }

    /// What origin and Redis have noticed so far; nothing where they do not run.
    pub(crate) async fn looked(&self) -> anyhow::Result<Looked> {
        let mut looked = Looked::default();
        if let Some(origin) = &self.origin {
            let request = Request::get("/asked").header(HOST, "origin").body(Full::<Bytes>::default())?;
            let reply = Pool::new(origin.addr()).exchange(request, LONGEST_ANSWER).await;
            let reply = reply.map_err(|failure| anyhow::anyhow!("the origin: {}", failure.label()))?;
            looked.asked = std::str::from_utf8(&reply.body)?.parse().context("the origin does not count")?;
        }
        if let Some(stores) = &self.stores {
            (looked.found, looked.missed) = redis::looked_up(stores.at.memory).await?;
        }
        Ok(looked)
    }

    /// What PostgreSQL by itself makes of one of the yardstick's statements; its process is among [`Self::store_pids`].
    pub(crate) async fn statement(
        &mut self,
        statement: Statement,
        clients: u16,
        time: Duration,
    ) -> anyhow::Result<Rate> {
        let at = self.stores(statement.schema()).await?;
        statements::measure(statement, self.folder.path(), at.database, DATABASE, clients, time).await
    }

    /// Makes the yardstick forget every answer that it keeps in Redis.
    pub(crate) async fn forget(&self) -> anyhow::Result<()> {
        match &self.stores {
            Some(stores) => redis::command(stores.at.memory, "FLUSHALL").await.map(drop),
            None => Ok(()),
        }
    }

    /// The stores, with the tables of this part loaded.
    pub(super) async fn stores(&mut self, schema: Schema) -> anyhow::Result<Addresses> {
        let stores = match self.stores.take() {
            Some(stores) => stores,
            None => {
                for tool in [POSTGRES, REDIS] {
                    self.installer.tool(tool).await?;
                }
                Stores::start(self.folder.path()).await?
            }
        };
        let stores = self.stores.insert(stores);
        if stores.loaded.insert(schema) {
            let file = self.folder.path().join(schema.file());
            fs::write(&file, schema.sql())?;
            stores::run_file(stores.at.database, DATABASE, &file).await?;
            // Else it would happen by itself, while something is measured.
            stores::settle(stores.at.database, DATABASE).await?;
        }
        Ok(stores.at)
    }

    /// A new folder of this name; what an earlier start has left there is gone.
    pub(super) fn home(&self, name: &str) -> anyhow::Result<PathBuf> {
        let home = self.folder.path().join(name);
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        fs::create_dir_all(&home)?;
        Ok(home)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The database of the yardstick.
    pub(super) fn database_url(at: Addresses) -> String {
        stores::database_url(at.database, DATABASE)
    }

    /// Ends what is left. Peers that were not stopped are killed.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(mut stores) = self.stores.take() {
            stores.redis.kill().await?;
            stores.postgres.stop(Signal::SIGQUIT, LONGEST_STOP).await?;
        }
        Ok(())
    }
}

impl Stores {
    async fn start(folder: &Path) -> anyhow::Result<Self> {
        let (postgres, database) = stores::postgres(folder, DATABASE, Durability::OfProcess).await?;
        let (redis, memory) = stores::redis(folder).await?;
        // What is asked for only once must not fill it up.
        redis::command(memory, "CONFIG SET maxmemory-policy allkeys-lru").await?;
        Ok(Self { postgres, redis, at: Addresses { database, memory }, loaded: BTreeSet::new() })
    }
}
