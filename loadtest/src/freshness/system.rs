//! The whole system under test: three stores, catalog replicas, gateways, and a line of its own between each two of them
//! that speak with each other.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::config::{Catalog, Gateway};
use super::link::{Line, Link};
use super::server::{Ports, Ready, Server, command};
use super::stores::{self, Durability};

/// The catalog's database.
const DATABASE: &str = "catalog";

/// The programs and how they are told to behave.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) catalog: PathBuf,
    pub(crate) gateway: PathBuf,
    pub(crate) catalogs: usize,
    pub(crate) gateways: usize,
    pub(crate) cache: bool,
    /// The way in which they break the protocol, for programs that can.
    pub(crate) sabotage: Option<String>,
    pub(crate) catalog_more: String,
    pub(crate) gateway_more: String,
}

/// Who speaks with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    CatalogPostgres,
    CatalogRedis,
    CatalogNats,
    GatewayRedis,
    GatewayNats,
    GatewayCatalog,
}

impl Wire {
    pub(crate) const ALL: [Self; 6] = [
        Self::CatalogPostgres,
        Self::CatalogRedis,
        Self::CatalogNats,
        Self::GatewayRedis,
        Self::GatewayNats,
        Self::GatewayCatalog,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::CatalogPostgres => "catalog-postgres",
            Self::CatalogRedis => "catalog-redis",
            Self::CatalogNats => "catalog-nats",
            Self::GatewayRedis => "gateway-redis",
            Self::GatewayNats => "gateway-nats",
            Self::GatewayCatalog => "gateway-catalog",
        }
    }
}

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Postgres,
    Redis,
    Nats,
    Catalog,
    Gateway,
}

impl Part {
    pub(crate) const ALL: [Self; 5] = [Self::Postgres, Self::Redis, Self::Nats, Self::Catalog, Self::Gateway];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Catalog => "catalog",
            Self::Gateway => "gateway",
        }
    }
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
    nats: Server,
    redis: Server,
    postgres: Server,
    links: Vec<(Wire, usize, Link)>,
    pub(crate) doors: Vec<Door>,
    pub(crate) replicas: Vec<SocketAddr>,
    folder: TempDir,
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
        let mut ports = Ports::new();
        let (postgres, database) =
            stores::postgres(folder.path(), &mut ports, DATABASE, Durability::OfProcess).await?;
        let (redis, memory) = stores::redis(folder.path(), &mut ports).await?;
        let (nats, bus) = stores::nats(folder.path(), &mut ports).await?;
        let doors: Vec<Door> = (0..setup.gateways)
            .map(|_| Ok(Door { public: ports.next()?, admin: ports.next()? }))
            .collect::<anyhow::Result<_>>()?;
        let issuer = format!("http://{}", doors.first().context("no gateway")?.public);

        let mut links = Vec::new();
        let mut link = async |wire, number, to| {
            let link = Link::to(to).await?;
            let addr = link.addr();
            links.push((wire, number, link));
            anyhow::Ok(addr)
        };
        let (mut catalogs, mut replicas) = (Vec::new(), Vec::new());
        for number in 0..setup.catalogs {
            let bind = ports.next()?;
            let text = Catalog {
                bind,
                issuer: &issuer,
                postgres: &stores::database_url(
                    link(Wire::CatalogPostgres, number, database).await?,
                    DATABASE,
                ),
                redis: link(Wire::CatalogRedis, number, memory).await?,
                nats: link(Wire::CatalogNats, number, bus).await?,
                more: &setup.catalog_more,
            }
            .render();
            let file = folder.path().join(format!("catalog-{number}.toml"));
            fs::write(&file, text)?;
            if number == 0 {
                prepare(&setup.catalog, &file).await?;
            }
            replicas.push(bind);
            catalogs.push(serve(folder.path(), setup, "catalog", number, file, bind).await?);
        }
        let mut gateways = Vec::new();
        for (number, door) in doors.iter().enumerate() {
            let mut lines = Vec::new();
            for addr in &replicas {
                lines.push(link(Wire::GatewayCatalog, number, *addr).await?);
            }
            // Each asks another replica for the keys.
            lines.rotate_left(number % setup.catalogs);
            let text = Gateway {
                bind: door.public,
                admin: door.admin,
                issuer: &issuer,
                catalogs: &lines,
                redis: link(Wire::GatewayRedis, number, memory).await?,
                nats: link(Wire::GatewayNats, number, bus).await?,
                cache: setup.cache,
                more: &setup.gateway_more,
            }
            .render();
            let file = folder.path().join(format!("gateway-{number}.toml"));
            fs::write(&file, text)?;
            gateways.push(serve(folder.path(), setup, "gateway", number, file, door.admin).await?);
        }
        Ok(Self { gateways, catalogs, nats, redis, postgres, links, doors, replicas, folder })
    }

    pub(crate) fn count(&self, part: Part) -> usize {
        match part {
            Part::Catalog => self.catalogs.len(),
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
        gateways.chain(catalogs).map(|(server, addr)| (server.name.as_str(), addr, server.starts))
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
        for server in self.gateways.iter_mut().chain(&mut self.catalogs) {
            server.kill().await?;
        }
        self.nats.kill().await?;
        self.redis.kill().await?;
        self.postgres.stop(Signal::SIGQUIT, Duration::from_secs(10)).await
    }
}

/// The schema and the accounts.
async fn prepare(program: &Path, file: &Path) -> anyhow::Result<()> {
    let mut migrate = command(program, None);
    stores::run(migrate.args(["migrate", "--config"]).arg(file)).await.context("catalog migrate")?;
    for Account { name, role } in ACCOUNTS {
        let mut create = command(program, None);
        create.args(["create-user", "--config"]).arg(file).args(["--identification", name, "--role", role]);
        create.args(["--fullname", name, "--email", &format!("{name}@example.org")]);
        stores::run(create.env("ALDIA_PASSWORD", PASSWORD)).await.context("catalog create-user")?;
    }
    Ok(())
}

async fn serve(
    folder: &Path,
    setup: &Setup,
    kind: &str,
    number: usize,
    file: PathBuf,
    ready: SocketAddr,
) -> anyhow::Result<Server> {
    let program = if kind == "catalog" { setup.catalog.clone() } else { setup.gateway.clone() };
    let sabotage = setup.sabotage.clone();
    let log = folder.join(format!("{kind}-{number}.log"));
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
