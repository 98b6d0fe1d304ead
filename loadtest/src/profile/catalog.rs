//! A private system of one catalog with the demo herd.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::freshness::config::Catalog;
use crate::freshness::pool::Pool;
use crate::freshness::server::{Ready, Server, command};
use crate::freshness::stores::{self, Durability};
use crate::port;

const DATABASE: &str = "catalog";
/// Lists of names that the herd is made from.
const LISTS: &str = "data";
/// The one who asks.
const READER: &str = "profiler";
const PASSWORD: &str = "looks-at-everything";
/// Longest wait for the sign-in.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) struct System {
    // Before the folder, so that nobody writes there any more when it is removed.
    service: Server,
    nats: Server,
    redis: Server,
    postgres: Server,
    pub(super) addr: SocketAddr,
    _folder: TempDir,
}

impl System {
    /// Starts stores and catalog, which keeps answers or does not, and returns when it is ready.
    pub(super) async fn start(program: &Path, folder: &Path, keeps: bool) -> anyhow::Result<Self> {
        let program =
            program.canonicalize().with_context(|| format!("there is no program {}", program.display()))?;
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(folder)?;
        let path = folder.path();
        let (postgres, database) = stores::postgres(path, DATABASE, Durability::OfProcess).await?;
        let (redis, memory) = stores::redis(path).await?;
        let (nats, bus) = stores::nats(path).await?;
        let addr = port::free()?;
        let text = Catalog {
            bind: addr,
            issuer: &format!("http://{addr}"),
            postgres: &stores::database_url(database, DATABASE),
            redis: memory,
            nats: bus,
            more: if keeps { "" } else { "[freshness]\nenabled = false\n" },
        }
        .render();
        let file = path.join("catalog.toml");
        fs::write(&file, text)?;
        let mut migrate = command(&program, None);
        stores::run(migrate.args(["migrate", "--config"]).arg(&file)).await.context("catalog migrate")?;
        let mut create = command(&program, None);
        create.args(["create-user", "--config"]).arg(&file).args(["--identification", READER, "--role"]);
        create.args(["administrator", "--fullname", READER, "--email", "profiler@example.org"]);
        stores::run(create.env("ALDIA_PASSWORD", PASSWORD)).await.context("catalog create-user")?;
        let mut seed = command(&program, None);
        seed.args(["seed", "--config"]).arg(&file).args(["--data", LISTS]);
        stores::run(seed.env("ALDIA_DEMO_PASSWORD", PASSWORD)).await.context("catalog seed")?;
        let log = path.join("catalog.log");
        let service = Server::start("catalog", log, Ready::Http(addr), move || {
            let mut command = command(&program, None);
            command.args(["serve", "--config"]).arg(&file);
            command
        })
        .await?;
        Ok(Self { service, nats, redis, postgres, addr, _folder: folder })
    }

    pub(super) fn pid(&self) -> anyhow::Result<u32> {
        self.service.pid().context("the catalog does not run")
    }

    /// Signs the reader in.
    pub(super) async fn bearer(&self) -> anyhow::Result<HeaderValue> {
        let body = json!({"username": READER, "password": PASSWORD}).to_string();
        let request = Request::post("/v1/auth/token")
            .header(header::HOST, self.addr.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let reply = Pool::new(self.addr).exchange(request, PATIENCE).await;
        let reply = reply.map_err(|failure| anyhow::anyhow!("signing in: {}", failure.label()))?;
        let answer: Value = serde_json::from_slice(&reply.body)?;
        let token = answer.get("access_token").and_then(Value::as_str);
        let token = token.with_context(|| format!("signing in: {} {answer}", reply.status))?;
        Ok(HeaderValue::from_str(&format!("Bearer {token}"))?)
    }

    /// Ends the stores in order; the others have nothing to lose.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.service.kill().await?;
        self.nats.kill().await?;
        self.redis.kill().await?;
        self.postgres.stop(Signal::SIGQUIT, Duration::from_secs(10)).await
    }
}
