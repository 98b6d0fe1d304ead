//! The whole system under test: three stores, replicas of the services, gateways, and a line of its own between each two of them
//! that speak with each other.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::config::{Catalog, Feed, Gateway, Ledger};
use super::link::{Line, Link};
use super::packages::assets;
use super::parts::{Domain, Part, Wire};
use super::server::{Ready, Server, command};
use super::stores::{self, Durability};
use crate::port;
use crate::upload::issuer::Issuer;

/// The programs and how they are told to behave.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) domains: Vec<Domain>,
    /// Only of domains that are checked.
    pub(crate) catalog: PathBuf,
    pub(crate) stories_feed: PathBuf,
    pub(crate) package_ledger: PathBuf,
    pub(crate) gateway: PathBuf,
    /// None of those that are not checked.
    pub(crate) catalogs: usize,
    pub(crate) feeds: usize,
    pub(crate) ledgers: usize,
    pub(crate) gateways: usize,
    pub(crate) cache: bool,
    /// The way in which they break the protocol, for programs that can.
    pub(crate) sabotage: Option<String>,
    pub(crate) catalog_more: String,
    pub(crate) feed_more: String,
    pub(crate) ledger_more: String,
    pub(crate) gateway_more: String,
}

/// Where a gateway listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
}

pub(crate) struct System {
    // Before the folder, so that nobody writes there any more when it is removed.
    gateways: Vec<Server>,
    catalogs: Vec<Server>,
    feeds: Vec<Server>,
    ledgers: Vec<Server>,
    nats: Server,
    redis: Server,
    postgres: Server,
    links: Vec<(Wire, usize, Link)>,
    pub(crate) doors: Vec<Door>,
    /// Of the catalog.
    pub(crate) replicas: Vec<SocketAddr>,
    pub(crate) feed_replicas: Vec<SocketAddr>,
    pub(crate) ledger_replicas: Vec<SocketAddr>,
    /// Of the tokens that members of gyms and people of the desk have.
    pub(crate) members: Issuer,
    database: SocketAddr,
    folder: TempDir,
}

/// Where the stores are, whatever lies between.
struct Stores {
    database: SocketAddr,
    memory: SocketAddr,
    bus: SocketAddr,
}

/// What makes a user, by the catalog's own command.
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) role: &'static str,
}

/// The password of all accounts of a run.
pub(crate) const PASSWORD: &str = "fresh-every-time";

/// Who can sign in.
pub(crate) const ACCOUNTS: [Account; 3] = [
    Account { name: "checker", role: "administrator" },
    Account { name: "checker-2", role: "administrator" },
    Account { name: "onlooker", role: "apprentice" },
];

impl System {
    /// Starts everything, and returns when all of it is ready.
    pub(crate) async fn start(setup: &Setup) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("check-freshness-").tempdir()?;
        let (first, others) = setup.domains.split_first().context("nothing is checked")?;
        let (postgres, database) =
            stores::postgres(folder.path(), first.database(), Durability::OfProcess).await?;
        for domain in others {
            stores::create_database(database, domain.database()).await?;
        }
        let (redis, memory) = stores::redis(folder.path()).await?;
        let (nats, bus) = stores::nats(folder.path()).await?;
        let doors: Vec<Door> = (0..setup.gateways)
            .map(|_| Ok(Door { public: port::free()?, admin: port::free()? }))
            .collect::<anyhow::Result<_>>()?;
        let mut system = Self {
            gateways: Vec::new(),
            catalogs: Vec::new(),
            feeds: Vec::new(),
            ledgers: Vec::new(),
            nats,
            redis,
            postgres,
            links: Vec::new(),
            doors,
            replicas: Vec::new(),
            feed_replicas: Vec::new(),
            ledger_replicas: Vec::new(),
            members: Issuer::start().await?,
            database,
            folder,
        };
        let at = Stores { database, memory, bus };
        for number in 0..setup.catalogs {
            system.add_catalog(setup, number, port::free()?, &at).await?;
        }
        for number in 0..setup.feeds {
            system.add_feed(setup, number, port::free()?, &at).await?;
        }
        if setup.ledgers > 0 {
            let uploads = assets::start().await?;
            for number in 0..setup.ledgers {
                system.add_ledger(setup, number, port::free()?, &at, uploads).await?;
            }
        }
        for number in 0..setup.gateways {
            system.add_gateway(setup, number, &at).await?;
        }
        Ok(system)
    }

    async fn add_catalog(
        &mut self,
        setup: &Setup,
        number: usize,
        bind: SocketAddr,
        at: &Stores,
    ) -> anyhow::Result<()> {
        let text = Catalog {
            bind,
            issuer: &self.catalog_issuer()?,
            postgres: &stores::database_url(
                self.link(Wire::CatalogPostgres, number, at.database).await?,
                Domain::Catalog.database(),
            ),
            redis: self.link(Wire::CatalogRedis, number, at.memory).await?,
            nats: self.link(Wire::CatalogNats, number, at.bus).await?,
            more: &setup.catalog_more,
        }
        .render();
        let file = self.folder.path().join(format!("catalog-{number}.toml"));
        fs::write(&file, text)?;
        if number == 0 {
            prepare(&setup.catalog, &file).await?;
        }
        self.replicas.push(bind);
        let server = self.serve(setup, &setup.catalog, "catalog", number, file, bind).await?;
        self.catalogs.push(server);
        Ok(())
    }

    async fn add_feed(
        &mut self,
        setup: &Setup,
        number: usize,
        bind: SocketAddr,
        at: &Stores,
    ) -> anyhow::Result<()> {
        let text = Feed {
            bind,
            issuer: &self.members.name(),
            keys: &self.members.keys_url(),
            postgres: &stores::database_url(
                self.link(Wire::StoriesPostgres, number, at.database).await?,
                Domain::Stories.database(),
            ),
            redis: self.link(Wire::StoriesRedis, number, at.memory).await?,
            nats: self.link(Wire::StoriesNats, number, at.bus).await?,
            more: &setup.feed_more,
        }
        .render();
        let file = self.folder.path().join(format!("stories-feed-{number}.toml"));
        fs::write(&file, text)?;
        if number == 0 {
            migrate(&setup.stories_feed, &file).await?;
        }
        self.feed_replicas.push(bind);
        let server = self.serve(setup, &setup.stories_feed, "stories-feed", number, file, bind).await?;
        self.feeds.push(server);
        Ok(())
    }

    async fn add_ledger(
        &mut self,
        setup: &Setup,
        number: usize,
        bind: SocketAddr,
        at: &Stores,
        uploads: SocketAddr,
    ) -> anyhow::Result<()> {
        let text = Ledger {
            bind,
            issuer: &self.members.name(),
            keys: &self.members.keys_url(),
            postgres: &stores::database_url(
                self.link(Wire::PackagesPostgres, number, at.database).await?,
                Domain::Packages.database(),
            ),
            redis: self.link(Wire::PackagesRedis, number, at.memory).await?,
            nats: self.link(Wire::PackagesNats, number, at.bus).await?,
            uploads,
            spool: &self.folder.path().join("spool"),
            more: &setup.ledger_more,
        }
        .render();
        let file = self.folder.path().join(format!("package-ledger-{number}.toml"));
        fs::write(&file, text)?;
        if number == 0 {
            migrate(&setup.package_ledger, &file).await?;
        }
        self.ledger_replicas.push(bind);
        let server = self.serve(setup, &setup.package_ledger, "package-ledger", number, file, bind).await?;
        self.ledgers.push(server);
        Ok(())
    }

    async fn add_gateway(&mut self, setup: &Setup, number: usize, at: &Stores) -> anyhow::Result<()> {
        let door = *self.doors.get(number).context("no door")?;
        let (mut catalogs, mut feeds, mut ledgers) = (Vec::new(), Vec::new(), Vec::new());
        for addr in self.replicas.clone() {
            catalogs.push(self.link(Wire::GatewayCatalog, number, addr).await?);
        }
        for addr in self.feed_replicas.clone() {
            feeds.push(self.link(Wire::GatewayStories, number, addr).await?);
        }
        for addr in self.ledger_replicas.clone() {
            ledgers.push(self.link(Wire::GatewayPackages, number, addr).await?);
        }
        // Each asks another replica for the keys.
        catalogs.rotate_left(number % setup.catalogs.max(1));
        let text = Gateway {
            bind: door.public,
            admin: door.admin,
            issuer: &self.catalog_issuer()?,
            members: (&self.members.name(), &self.members.keys_url()),
            catalogs: &catalogs,
            feeds: &feeds,
            ledgers: &ledgers,
            redis: self.link(Wire::GatewayRedis, number, at.memory).await?,
            nats: self.link(Wire::GatewayNats, number, at.bus).await?,
            cache: setup.cache,
            more: &setup.gateway_more,
        }
        .render();
        let file = self.folder.path().join(format!("gateway-{number}.toml"));
        fs::write(&file, text)?;
        let server = self.serve(setup, &setup.gateway, "gateway", number, file, door.admin).await?;
        self.gateways.push(server);
        Ok(())
    }

    /// The catalog signs in the name of the first gateway.
    fn catalog_issuer(&self) -> anyhow::Result<String> {
        Ok(format!("http://{}", self.doors.first().context("no gateway")?.public))
    }

    async fn link(&mut self, wire: Wire, number: usize, to: SocketAddr) -> anyhow::Result<SocketAddr> {
        let link = Link::to(to).await?;
        let addr = link.addr();
        self.links.push((wire, number, link));
        Ok(addr)
    }

    async fn serve(
        &self,
        setup: &Setup,
        program: &Path,
        kind: &str,
        number: usize,
        file: PathBuf,
        ready: SocketAddr,
    ) -> anyhow::Result<Server> {
        let (program, sabotage) = (program.to_owned(), setup.sabotage.clone());
        let log = self.folder.path().join(format!("{kind}-{number}.log"));
        Server::start(format!("{kind} {number}"), log, Ready::Http(ready), move || {
            let mut command = command(&program, None);
            command.args(["serve", "--config"]).arg(&file);
            if let Some(sabotage) = &sabotage {
                command.env("ALDIA_SABOTAGE", sabotage);
            }
            command
        })
        .await
    }

    /// Runs statements in the database of a domain, beside its service.
    pub(crate) async fn sql(&self, domain: Domain, sql: &str) -> anyhow::Result<()> {
        let file = self.folder.path().join("statements.sql");
        fs::write(&file, sql)?;
        stores::run_file(self.database, domain.database(), &file).await
    }

    pub(crate) fn count(&self, part: Part) -> usize {
        match part {
            Part::Catalog => self.catalogs.len(),
            Part::StoriesFeed => self.feeds.len(),
            Part::PackageLedger => self.ledgers.len(),
            Part::Gateway => self.gateways.len(),
            Part::Postgres | Part::Redis | Part::Nats => 1,
        }
    }

    pub(crate) fn server(&mut self, part: Part, number: usize) -> anyhow::Result<&mut Server> {
        let found = match part {
            Part::Postgres => Some(&mut self.postgres),
            Part::Redis => Some(&mut self.redis),
            Part::Nats => Some(&mut self.nats),
            Part::Catalog => self.catalogs.get_mut(number),
            Part::StoriesFeed => self.feeds.get_mut(number),
            Part::PackageLedger => self.ledgers.get_mut(number),
            Part::Gateway => self.gateways.get_mut(number),
        };
        found.with_context(|| format!("there is no {} {number}", part.label()))
    }

    /// Sets the lines of one kind: of one replica or gateway, or of all.
    pub(crate) fn set_line(&self, wire: Wire, number: Option<usize>, line: Line) {
        for (one, owner, link) in &self.links {
            if *one == wire && number.is_none_or(|number| number == *owner) {
                link.set(line);
            }
        }
    }

    /// Services with their names and where their metrics are, and how often each was started.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&str, SocketAddr, u32)> {
        let gateways = self.gateways.iter().zip(self.doors.iter().map(|door| door.admin));
        let catalogs = self.catalogs.iter().zip(self.replicas.iter().copied());
        let feeds = self.feeds.iter().zip(self.feed_replicas.iter().copied());
        let ledgers = self.ledgers.iter().zip(self.ledger_replicas.iter().copied());
        gateways
            .chain(catalogs)
            .chain(feeds)
            .chain(ledgers)
            .map(|(server, addr)| (server.name.as_str(), addr, server.starts))
    }

    /// A part that ended by itself; nobody told it to.
    pub(crate) fn ended(&mut self) -> Option<String> {
        for part in Part::ALL {
            for number in 0..self.count(part) {
                if let Ok(server) = self.server(part, number)
                    && server.has_ended()
                {
                    return Some(server.name.clone());
                }
            }
        }
        None
    }

    /// Copies the logs to a folder that stays.
    pub(crate) fn keep_logs(&mut self, to: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(to)?;
        for part in Part::ALL {
            for number in 0..self.count(part) {
                let server = self.server(part, number)?;
                fs::copy(server.log(), to.join(format!("{}.log", server.name.replace(' ', "-"))))?;
            }
        }
        for entry in fs::read_dir(self.folder.path())?.flatten() {
            if entry.path().extension().is_some_and(|kind| kind == "toml") {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Ends the stores in order; the others have nothing to lose.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let services = self.catalogs.iter_mut().chain(&mut self.feeds).chain(&mut self.ledgers);
        for server in self.gateways.iter_mut().chain(services) {
            server.kill().await?;
        }
        self.nats.kill().await?;
        self.redis.kill().await?;
        self.postgres.stop(Signal::SIGQUIT, Duration::from_secs(10)).await
    }
}

/// The schema.
async fn migrate(program: &Path, file: &Path) -> anyhow::Result<()> {
    let mut migrate = command(program, None);
    let migrated = stores::run(migrate.args(["migrate", "--config"]).arg(file)).await;
    migrated.map(drop).with_context(|| format!("{} migrate", program.display()))
}

/// The schema and the accounts of the catalog.
async fn prepare(program: &Path, file: &Path) -> anyhow::Result<()> {
    migrate(program, file).await?;
    for Account { name, role } in ACCOUNTS {
        let mut create = command(program, None);
        create.args(["create-user", "--config"]).arg(file).args(["--identification", name, "--role", role]);
        create.args(["--fullname", name, "--email", &format!("{name}@example.org")]);
        stores::run(create.env("ALDIA_PASSWORD", PASSWORD)).await.context("catalog create-user")?;
    }
    Ok(())
}
