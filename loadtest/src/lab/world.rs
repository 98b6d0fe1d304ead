//! The system that is measured: PostgreSQL, Redis, NATS, the services that are asked for, and a gateway before them, all of them private.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::{HeaderMap, HeaderValue, header};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::arrivals::{Ask, Kind};
use super::drive::until_answered;
use super::results::Role;
use super::side::{Make, Side, Target, send};
use crate::freshness::config::{Catalog, Feed, Gateway, Ledger};
use crate::freshness::packages::assets;
use crate::freshness::pool::Pool;
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores::{self, Durability};
use crate::port;
use crate::upload::issuer::Issuer;

/// Nothing happens by itself while something is measured.
const NO_JOBS: &str = "[jobs]\nenabled = false\n";
/// Where a gateway may keep what its origin lets it keep.
const CACHE: &str = "\n[cache]\nmax_bytes = 268435456\n";
/// The administrator of the catalog.
const ADMINISTRATOR: &str = "lab";
const PASSWORD: &str = "a-password-for-one-run-only";
/// How long the database gets to end in order.
const LONGEST_STOP: Duration = Duration::from_secs(10);

/// A service that is measured, with what it is loaded with.
pub(super) enum Part {
    /// The demo herd, or nothing yet.
    Catalog { has_herd: bool },
    /// These statements.
    Stories(String),
    /// These statements.
    Packages(String),
    /// This origin, which is none of ours: the gateway is what is measured.
    Origin(SocketAddr),
}

pub(super) struct World {
    // Before the folder, so that nobody writes there any more when it is removed.
    gateway: Server,
    service: Option<Server>,
    stores: Option<Stores>,
    /// Where the gateway listens.
    pub(super) door: SocketAddr,
    /// Signs for members of gyms and people of the desk.
    pub(super) issuer: Issuer,
    _folder: TempDir,
}

struct Stores {
    nats: Server,
    redis: Server,
    postgres: Server,
    database: SocketAddr,
    memory: SocketAddr,
    bus: SocketAddr,
}

/// What a start shares.
struct Site<'a> {
    path: &'a Path,
    programs: &'a Path,
    issuer: &'a Issuer,
    door: SocketAddr,
}

impl World {
    /// Starts what a part needs in a new folder below `parent`, and returns when all of it is ready.
    ///
    /// # Errors
    /// When a program is missing or does not start; what it said is in the error.
    pub(super) async fn start(parent: &Path, programs: &Path, part: Part) -> anyhow::Result<Self> {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(parent.canonicalize()?)?;
        let issuer = Issuer::start().await?;
        let (door, admin) = (port::free()?, port::free()?);
        let mut site = Site { path: folder.path(), programs, issuer: &issuer, door };
        let (stores, service, text) = match part {
            Part::Origin(origin) => (None, None, proxy(door, admin, origin)),
            part => {
                let stores = Stores::start(&mut site, part.database()).await?;
                let (service, addr) = site.service(&stores, &part).await?;
                let text = site.gateway(&stores, &part, addr, admin);
                (Some(stores), Some(service), text)
            }
        };
        let gateway = site.serve("gateway", &text, admin).await?;
        Ok(Self { gateway, service, stores, door, issuer, _folder: folder })
    }

    /// The side of the gateway with what stands behind it.
    pub(super) fn side(&self, limit: &str, make: Make, writes: Option<Target>) -> Side {
        let app = [self.gateway.pid(), self.service.as_ref().and_then(Server::pid)];
        let stores = self.stores.iter().flat_map(|stores| [&stores.postgres, &stores.redis, &stores.nats]);
        Side {
            name: "gateway".to_owned(),
            role: Role::Ours,
            limit: limit.to_owned(),
            target: Target { addr: self.door, make, good: |status| status == 200 },
            writes,
            app: app.into_iter().flatten().collect(),
            stores: stores.filter_map(Server::pid).collect(),
            kinds: &Kind::ALL,
            most_per_sec: None,
        }
    }

    /// Fields of a request by somebody.
    pub(super) fn fields(&self, subject: &str) -> anyhow::Result<HeaderMap> {
        Ok(HeaderMap::from_iter([(header::AUTHORIZATION, self.issuer.bearer(subject)?)]))
    }

    /// Fields of a request by the catalog's administrator.
    pub(super) async fn administrator(&self) -> anyhow::Result<HeaderMap> {
        let door = self.door;
        let make = Arc::new(move |_| {
            let body = json!({"username": ADMINISTRATOR, "password": PASSWORD});
            send(door, "POST", "/v1/auth/token", &HeaderMap::new(), &body)
        });
        let target = Target { addr: door, make, good: |status| status.is_success() };
        let body =
            until_answered(&Pool::new(door), &target, Ask::Known(0)).await.context("nobody signs in")?;
        let answer: Value = serde_json::from_slice(&body).context("signing in")?;
        let token =
            answer.get("access_token").and_then(Value::as_str).context("a sign-in without a token")?;
        Ok(HeaderMap::from_iter([(
            header::AUTHORIZATION,
            HeaderValue::from_str(&format!("Bearer {token}"))?,
        )]))
    }

    /// Ends the stores in order; the others have nothing to lose.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.gateway.kill().await?;
        if let Some(mut service) = self.service.take() {
            service.kill().await?;
        }
        match self.stores.take() {
            Some(mut stores) => {
                stores.nats.kill().await?;
                stores.redis.kill().await?;
                stores.postgres.stop(Signal::SIGQUIT, LONGEST_STOP).await
            }
            None => Ok(()),
        }
    }
}

impl Part {
    fn database(&self) -> &'static str {
        match self {
            Self::Catalog { .. } => "catalog",
            Self::Stories(_) => "stories_feed",
            Self::Packages(_) => "package_ledger",
            Self::Origin(_) => "none",
        }
    }

    fn program(&self) -> &'static str {
        match self {
            Self::Catalog { .. } => "catalog",
            Self::Stories(_) => "stories-feed",
            Self::Packages(_) => "package-ledger",
            Self::Origin(_) => "gateway",
        }
    }
}

impl Stores {
    async fn start(site: &mut Site<'_>, name: &str) -> anyhow::Result<Self> {
        let path = site.path;
        let (postgres, database) = stores::postgres(path, name, Durability::OfProcess).await?;
        let (redis, memory) = stores::redis(path).await?;
        let (nats, bus) = stores::nats(path).await?;
        Ok(Self { nats, redis, postgres, database, memory, bus })
    }
}

impl Site<'_> {
    /// The service of a part, loaded.
    async fn service(&mut self, stores: &Stores, part: &Part) -> anyhow::Result<(Server, SocketAddr)> {
        let bind = port::free()?;
        let (name, keys) = (self.issuer.name(), self.issuer.keys_url());
        let (issuer, keys, redis, nats) = (name.as_str(), keys.as_str(), stores.memory, stores.bus);
        let url = stores::database_url(stores.database, part.database());
        let postgres = url.as_str();
        let text = match part {
            Part::Catalog { .. } => {
                Catalog { bind, issuer: &self.own_issuer(), postgres, redis, nats, more: "" }.render()
            }
            Part::Stories(_) => Feed { bind, issuer, keys, postgres, redis, nats, more: NO_JOBS }.render(),
            Part::Packages(_) => {
                let (uploads, spool) = (assets::start().await?, self.path.join("spool"));
                Ledger { bind, issuer, keys, postgres, redis, nats, uploads, spool: &spool, more: NO_JOBS }
                    .render()
            }
            Part::Origin(_) => anyhow::bail!("an origin is no service of ours"),
        };
        let file = self.path.join(format!("{}.toml", part.program()));
        fs::write(&file, &text)?;
        let program = self.program(part.program())?;
        let mut migrate = command(&program, None);
        stores::run(migrate.args(["migrate", "--config"]).arg(&file)).await.context("migrate")?;
        match part {
            Part::Stories(sql) | Part::Packages(sql) => {
                let statements = self.path.join("data.sql");
                fs::write(&statements, sql)?;
                stores::run_file(stores.database, part.database(), &statements).await?;
            }
            Part::Catalog { has_herd } => herd(&program, &file, *has_herd).await?,
            Part::Origin(_) => {}
        }
        Ok((self.serve(part.program(), &text, bind).await?, bind))
    }

    /// The gateway's configuration before a service.
    fn gateway(&self, stores: &Stores, part: &Part, service: SocketAddr, admin: SocketAddr) -> String {
        let (name, keys) = (self.issuer.name(), self.issuer.keys_url());
        let (one, none) = ([service], []);
        let of = |is_it: bool| -> &[SocketAddr] { if is_it { &one } else { &none } };
        Gateway {
            bind: self.door,
            admin,
            issuer: &self.own_issuer(),
            members: (&name, &keys),
            catalogs: of(matches!(part, Part::Catalog { .. })),
            feeds: of(matches!(part, Part::Stories(_))),
            ledgers: of(matches!(part, Part::Packages(_))),
            redis: stores.memory,
            nats: stores.bus,
            cache: true,
            more: "",
        }
        .render()
    }

    /// The catalog signs in the name of the gateway.
    fn own_issuer(&self) -> String {
        format!("http://{}", self.door)
    }

    fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let program = self.programs.join(name);
        program.canonicalize().with_context(|| format!("there is no program {}", program.display()))
    }

    async fn serve(&self, name: &str, text: &str, ready: SocketAddr) -> anyhow::Result<Server> {
        let (program, file) = (self.program(name)?, self.path.join(format!("{name}.toml")));
        fs::write(&file, text)?;
        Server::start(name, self.path.join(format!("{name}.log")), Ready::Http(ready), move || {
            let mut command = command(&program, None);
            command.args(["serve", "--config"]).arg(&file);
            command
        })
        .await
    }
}

/// Somebody who may do anything, and the demo herd.
async fn herd(program: &Path, file: &Path, has_herd: bool) -> anyhow::Result<()> {
    let mut create = command(program, None);
    create.args(["create-user", "--config"]).arg(file);
    create.args(["--identification", ADMINISTRATOR, "--role", "administrator", "--fullname", ADMINISTRATOR]);
    create.args(["--email", "lab@example.org"]).env("ALDIA_PASSWORD", PASSWORD);
    stores::run(&mut create).await.context("catalog create-user")?;
    if !has_herd {
        return Ok(());
    }
    let mut seed = command(program, None);
    seed.args(["seed", "--config"]).arg(file).env("ALDIA_DEMO_PASSWORD", PASSWORD);
    stores::run(&mut seed).await.context("catalog seed").map(drop)
}

/// A gateway that keeps what any origin lets it keep, and asks nobody who he is.
fn proxy(bind: SocketAddr, admin: SocketAddr, origin: SocketAddr) -> String {
    format!(
        "[http]\nbind = \"{bind}\"\n\n[admin]\nbind = \"{admin}\"\n\n[telemetry]\nlog = \"warn\"\nsample_ratio = 0.0\n\n\
         [docs]\nenabled = false\n{CACHE}\n[upstream.origin]\ninstances = [\"http://{origin}\"]\n\n\
         [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\nauth = \"none\"\n"
    )
}
