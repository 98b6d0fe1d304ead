//! The system that a scenario needs, ready, and what is asked of it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use tempfile::TempDir;

use super::catalog;
use super::drive::Shot;
use super::scenario::{Scenario, Service};
use crate::freshness::dice::Dice;
use crate::freshness::pool::Pool;
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores::Durability;
use crate::origin::Origin;
use crate::port;
use crate::upload::{self, media};
use crate::{packages, stories};

/// Packages on the desk's list: as many as lists are compared at.
const PACKAGES: u32 = 200_000;
/// The gym of 100 stories among those that feeds are compared at.
const GYM: usize = 1;
/// What stands behind the gateway answers with so many bytes: a page of a list.
const KEPT: &str = "/kept/2048";
const PASSED: &str = "/pass/2048";
/// Longest wait for the answer that a tag is learned from.
const PATIENCE: Duration = Duration::from_secs(30);
/// Data are the same each time.
const SEED: u64 = 1;

/// A system that is ready.
pub(super) struct Stage {
    /// The process to look at.
    pub(super) pid: u32,
    pub(super) shot: Shot,
    pub(super) system: System,
}

/// What has to be stopped.
pub(super) enum System {
    Gateway { gateway: Box<Server>, _origin: Box<Origin>, folder: TempDir },
    Stories(Box<stories::system::System>),
    Packages(Box<packages::system::System>),
    Catalog(Box<catalog::System>),
    Upload(Box<upload::system::System>),
}

impl Stage {
    /// Starts what the scenario needs, with the programs in this folder, and returns when all of it is ready.
    pub(super) async fn start(
        service: Service,
        scenario: Scenario,
        programs: &Path,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        match service {
            Service::Gateway => gateway(scenario, programs, folder).await,
            Service::StoriesFeed => feed(scenario, programs, folder).await,
            Service::PackageLedger => list(scenario, programs, folder).await,
            Service::Catalog => herd(scenario, programs, folder).await,
            Service::UploadIngest => put(programs, folder).await,
        }
    }
}

impl System {
    /// Ends all of it.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        match self {
            Self::Gateway { mut gateway, folder, .. } => {
                gateway.kill().await?;
                Ok(folder.close()?)
            }
            Self::Stories(system) => system.stop().await,
            Self::Packages(system) => system.stop().await,
            Self::Catalog(system) => system.stop().await,
            Self::Upload(system) => system.stop().await,
        }
    }
}

/// A gateway before an origin that is none of our services. Nothing is under a lease, and nobody has to sign in.
async fn gateway(scenario: Scenario, programs: &Path, folder: &Path) -> anyhow::Result<Stage> {
    let folder = tempfile::Builder::new().prefix("run-").tempdir_in(folder)?;
    let origin = Origin::start(folder.path(), "origin", Duration::ZERO).await?;
    let (addr, admin) = (port::free()?, port::free()?);
    let file = folder.path().join("gateway.toml");
    fs::write(
        &file,
        format!(
            "[http]\nbind = \"{addr}\"\n\n[admin]\nbind = \"{admin}\"\n\n\
             [telemetry]\nlog = \"warn\"\nsample_ratio = 0.0\n\n[docs]\nenabled = false\n\n[cache]\n\n\
             [upstream.origin]\nurl = \"http://{}\"\n\n\
             [[route]]\nname = \"all\"\npath = \"/*\"\nupstream = \"origin\"\nauth = \"none\"\n",
            origin.addr()
        ),
    )?;
    let program = programs.join("gateway");
    let program =
        program.canonicalize().with_context(|| format!("there is no program {}", program.display()))?;
    let log = folder.path().join("gateway.log");
    let gateway = Server::start("gateway", log, Ready::Http(admin), move || {
        let mut command = command(&program, None);
        command.args(["serve", "--config"]).arg(&file);
        command
    })
    .await?;
    let shot = match scenario {
        Scenario::Pass => ok(addr, None, |_| PASSED.to_owned()),
        Scenario::NotModified => {
            let tag = tag(addr, KEPT).await?;
            Shot::new(addr, StatusCode::NOT_MODIFIED, move |_| {
                Ok(get(addr, KEPT, None).header(header::IF_NONE_MATCH, &tag).body(Full::default())?)
            })
        }
        _ => ok(addr, None, |_| KEPT.to_owned()),
    };
    let pid = gateway.pid().context("the gateway does not run")?;
    let system = System::Gateway { gateway: Box::new(gateway), _origin: Box::new(origin), folder };
    Ok(Stage { pid, shot, system })
}

/// The validator of an answer.
async fn tag(addr: SocketAddr, path: &str) -> anyhow::Result<HeaderValue> {
    let reply = Pool::new(addr).exchange(get(addr, path, None).body(Full::default())?, PATIENCE).await;
    let reply = reply.map_err(|failure| anyhow::anyhow!("{path}: {}", failure.label()))?;
    reply
        .headers
        .get(header::ETAG)
        .cloned()
        .with_context(|| format!("{path}: {} without a tag", reply.status))
}

async fn feed(scenario: Scenario, programs: &Path, folder: &Path) -> anyhow::Result<Stage> {
    let shape = stories::data::SHAPES.get(GYM..=GYM).context("no gym")?;
    let data = stories::data::make(SEED, shape, 0, 1);
    let system =
        stories::system::System::start(&stories::Programs::below(programs, folder), &data.sql).await?;
    let bearer = system.issuer.bearer(&data.member)?;
    let path = format!("/v1/gyms/{}/stories/feed?limit=500", data.gyms.first().context("no gym")?);
    let (addr, pid) = match scenario {
        Scenario::FeedUncached => (system.forgetful_addr, system.forgetful_pid()),
        _ => (system.service_addr, system.service_pid()),
    };
    let shot = ok(addr, Some(bearer), move |_| path.clone());
    Ok(Stage {
        pid: pid.context("the service does not run")?,
        shot,
        system: System::Stories(Box::new(system)),
    })
}

async fn list(scenario: Scenario, programs: &Path, folder: &Path) -> anyhow::Result<Stage> {
    let data = packages::data::make(PACKAGES, Dice::new(SEED, "packages data", 0).uuid());
    let now: DateTime<Utc> = SystemTime::now().into();
    let system =
        packages::system::System::start(&packages::Programs::below(programs, folder), &data.sql).await?;
    let (bearer, pids) = (system.issuer.bearer(&data.operator)?, system.pids()?);
    let (addr, pid, paths) = match scenario {
        Scenario::ListUncached => (system.forgetful_addr, pids.forgetful, packages::paths::Paths::early(now)),
        _ => (
            system.service_addr,
            pids.service,
            packages::paths::Paths::One(packages::paths::FIRST.to_owned()),
        ),
    };
    let shot = ok(addr, Some(bearer), move |dice| paths.next(dice));
    Ok(Stage { pid, shot, system: System::Packages(Box::new(system)) })
}

async fn herd(scenario: Scenario, programs: &Path, folder: &Path) -> anyhow::Result<Stage> {
    let keeps = scenario != Scenario::ListUncached;
    let system = catalog::System::start(&programs.join("catalog"), folder, keeps).await?;
    let shot = ok(system.addr, Some(system.bearer().await?), |_| "/v1/animals?limit=20".to_owned());
    Ok(Stage { pid: system.pid()?, shot, system: System::Catalog(Box::new(system)) })
}

async fn put(programs: &Path, folder: &Path) -> anyhow::Result<Stage> {
    let film = media::short_video(&folder.join("media")).await?;
    let plan = upload::system::Plan {
        durability: Durability::OfMachine,
        gateways: &[],
        workers: 0,
        more: Vec::new(),
    };
    let system =
        upload::system::System::start(folder, &upload::system::Programs::below(programs), plan).await?;
    let addr = system.service_addr;
    let bearer = system.issuer.bearer(&Dice::new(SEED, "uploader", 0).uuid())?;
    let shot = Shot::new(addr, StatusCode::CREATED, move |dice| {
        // Each is another film, or it would be known by its digest.
        let mut mark = [0; 16];
        for half in mark.chunks_mut(8) {
            half.copy_from_slice(&dice.next().to_le_bytes());
        }
        let request = Request::builder().method(Method::PUT).uri("/v1/videos");
        let request = request.header(header::HOST, addr.to_string()).header(header::AUTHORIZATION, &bearer);
        Ok(request.body(Full::new(Bytes::from(media::marked(&film.bytes, &mark))))?)
    });
    let pid = system.service.pid().context("the service does not run")?;
    Ok(Stage { pid, shot, system: System::Upload(Box::new(system)) })
}

fn get(addr: SocketAddr, path: &str, bearer: Option<&HeaderValue>) -> http::request::Builder {
    let request = Request::get(path).header(header::HOST, addr.to_string());
    match bearer {
        Some(bearer) => request.header(header::AUTHORIZATION, bearer),
        None => request,
    }
}

/// Answered by 200.
fn ok(
    addr: SocketAddr,
    bearer: Option<HeaderValue>,
    path: impl Fn(&mut Dice) -> String + Send + Sync + 'static,
) -> Shot {
    Shot::new(addr, StatusCode::OK, move |dice| {
        Ok(get(addr, &path(dice), bearer.as_ref()).body(Full::<Bytes>::default())?)
    })
}

/// The folder that servers of a run live in.
pub(super) fn home(output: &Path) -> anyhow::Result<PathBuf> {
    let home = output.join("servers");
    fs::create_dir_all(&home).with_context(|| format!("cannot make {}", home.display()))?;
    Ok(home.canonicalize()?)
}
