//! The three servers everything stands on: private ones, or those whose URLs are given.
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::health::Probe;
use crate::ports::first_free;
use crate::run::{Launch, Run, Stop};
use crate::site::{make_private_dir, write_private};
use crate::tools::{Need, Search};
use crate::ui::Ui;
use crate::url::ServerUrl;

pub(crate) mod postgres;

/// A server has to answer within this time after its start.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// URLs of servers that run already, from the environment; each may be absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct External {
    pub(crate) postgres: Option<String>,
    pub(crate) redis: Option<String>,
    pub(crate) nats: Option<String>,
}

impl External {
    pub(crate) fn from_environment() -> Self {
        let given = |name| std::env::var(name).ok().filter(|url| !url.is_empty());
        Self {
            postgres: given("ALDIA_POSTGRES_URL"),
            redis: given("ALDIA_REDIS_URL"),
            nats: given("ALDIA_NATS_URL"),
        }
    }

    /// What must be installed, given which servers are somebody else's.
    pub(crate) fn needs(&self) -> Vec<Need> {
        let mut needs = vec![Need::PostgresClient, Need::Compiler, Need::Curl, Need::Ffmpeg];
        needs.extend(self.postgres.is_none().then_some(Need::Postgres));
        needs.extend(self.redis.is_none().then_some(Need::Redis));
        needs.extend(self.nats.is_none().then_some(Need::Nats));
        needs
    }
}

/// The URLs of the servers of a run. That of PostgreSQL is an administrator's.
#[derive(Clone, Debug)]
pub(crate) struct ServerUrls {
    pub(crate) postgres: String,
    pub(crate) redis: String,
    pub(crate) nats: String,
}

/// How private servers are set up.
pub(crate) struct Setup {
    /// Directory that holds their data.
    pub(crate) state: PathBuf,
    /// Where the search for a free port begins, for each of the three.
    pub(crate) ports: [u16; 3],
    /// Passwords for each of the three; `None`: throwaway servers that trust whoever can reach 127.0.0.1 and that
    /// forget everything in a crash.
    pub(crate) passwords: Option<[String; 3]>,
}

/// Starts the private servers, or notes those that are given, and waits until each answers.
pub(crate) async fn start(
    run: &mut Run,
    ui: Ui,
    search: &Search,
    setup: &Setup,
    external: &External,
) -> Result<ServerUrls> {
    let [postgres_port, redis_port, nats_port] = setup.ports;
    let [postgres_password, redis_password, nats_password] = match &setup.passwords {
        Some(passwords) => passwords.each_ref().map(Some),
        None => [None; 3],
    };
    let postgres = match &external.postgres {
        Some(url) => note_external(run, ui, "postgres", 5432, url, Probe::Postgres).await?,
        None => {
            let cluster =
                postgres::Cluster { state: &setup.state, from: postgres_port, password: postgres_password };
            postgres::start(run, ui, search, &cluster).await?
        }
    };
    let redis = match &external.redis {
        Some(url) => note_external(run, ui, "redis", 6379, url, Probe::Redis).await?,
        None => start_redis(run, ui, search, &setup.state, redis_port, redis_password).await?,
    };
    let nats = match &external.nats {
        Some(url) => note_external(run, ui, "nats", 4222, url, Probe::Nats).await?,
        None => start_nats(run, ui, search, &setup.state, nats_port, nats_password).await?,
    };
    Ok(ServerUrls { postgres, redis, nats })
}

async fn note_external(
    run: &mut Run,
    ui: Ui,
    name: &str,
    default_port: u16,
    url: &str,
    probe: fn(String) -> Probe,
) -> Result<String> {
    let variable = format!("ALDIA_{}_URL", name.to_uppercase());
    let step = ui.step(name);
    let parsed =
        ServerUrl::parse(url, default_port).with_context(|| format!("{variable} is not a server URL"))?;
    let probe = probe(url.to_owned());
    probe.check().await.with_context(|| {
        format!(
            "the server at {} ({variable}) does not answer; start it, or unset the variable",
            parsed.place()
        )
    })?;
    run.note_external(name, parsed.port, probe)?;
    step.done(format!("given by {variable}, at {}", parsed.place()));
    Ok(url.to_owned())
}

/// A free port from `from` on. The span is small: two systems of one user fit, a runaway loop does not.
pub(crate) fn pick_port(from: u16, server: &str) -> Result<u16> {
    first_free(from, 40).with_context(|| format!("no free port for {server} from {from} on; see `ss -ltn`"))
}

async fn start_redis(
    run: &mut Run,
    ui: Ui,
    search: &Search,
    state: &Path,
    from: u16,
    password: Option<&String>,
) -> Result<String> {
    let step = ui.step("redis");
    let port = pick_port(from, "redis")?;
    let directory = state.join("redis");
    make_private_dir(&directory)?;
    let login = password.map(|password| format!("requirepass {password}\n")).unwrap_or_default();
    // Nothing is saved: what lies here can be had again, and a restart that brings old values back would be worse than
    // an empty one. Evicted is only what has a lifetime, the least used first: copies of answers. Leases have none here, and with
    // `noeviction` copies would fill the memory until no writer could be marked.
    let settings = format!(
        "bind 127.0.0.1\nport {port}\nprotected-mode yes\n{login}daemonize no\nsave \"\"\nappendonly no\n\
         maxmemory 256mb\nmaxmemory-policy volatile-lru\ndir \"{}\"\n",
        directory.display()
    );
    let file = directory.join("redis.conf");
    write_private(&file, &settings)?;
    let url = match password {
        Some(password) => format!("redis://:{password}@127.0.0.1:{port}"),
        None => format!("redis://127.0.0.1:{port}"),
    };
    let program = search.found("redis-server")?;
    let mut started = run.spawn(Launch {
        name: "redis",
        program: &program,
        arguments: vec![file.display().to_string()],
        run_as: None,
        directory: &directory,
        port: Some(port),
        probe: Probe::Redis(url.clone()),
        stop: Stop::Drain,
    })?;
    started.ready(READY_WITHIN).await?;
    step.done(format!("127.0.0.1:{port}"));
    Ok(url)
}

async fn start_nats(
    run: &mut Run,
    ui: Ui,
    search: &Search,
    state: &Path,
    from: u16,
    password: Option<&String>,
) -> Result<String> {
    let step = ui.step("nats");
    let port = pick_port(from, "nats")?;
    let directory = state.join("nats");
    make_private_dir(&directory)?;
    let login = password
        .map(|password| format!("authorization {{ user: aldia, password: \"{password}\" }}\n"))
        .unwrap_or_default();
    let settings = format!(
        "listen: \"127.0.0.1:{port}\"\nserver_name: aldia\n{login}\
         jetstream {{ store_dir: \"{}\", max_memory_store: 64MB, max_file_store: 4GB }}\n",
        directory.join("store").display()
    );
    let file = directory.join("nats.conf");
    write_private(&file, &settings)?;
    let url = match password {
        Some(password) => format!("nats://aldia:{password}@127.0.0.1:{port}"),
        None => format!("nats://127.0.0.1:{port}"),
    };
    let program = search.found("nats-server")?;
    let mut started = run.spawn(Launch {
        name: "nats",
        program: &program,
        arguments: vec!["--config".to_owned(), file.display().to_string()],
        run_as: None,
        directory: &directory,
        port: Some(port),
        probe: Probe::Nats(url.clone()),
        stop: Stop::Drain,
    })?;
    started.ready(READY_WITHIN).await?;
    step.done(format!("JetStream, 127.0.0.1:{port}"));
    Ok(url)
}
