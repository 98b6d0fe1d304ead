//! `stack up`.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::seed::{admin_url, base_url, fill, load, load_after_start};
use super::tour::tour;
use crate::build::Binaries;
use crate::cli::Only;
use crate::health::Probe;
use crate::interrupt::Interrupts;
use crate::lock::StateLock;
use crate::logs::{open_log, tail};
use crate::ports::require_free;
use crate::render::render;
use crate::run::{Completed, Launch, Run, Stop};
use crate::secrets::Secrets;
use crate::servers::postgres::provide_database;
use crate::servers::{self, External, ServerUrls, Setup};
use crate::services::{COLLECTOR, COLLECTOR_PORT, Ready, Service, Setting, services, start_order};
use crate::site::Site;
use crate::tools::require;
use crate::ui::elapsed;

/// A service has to be ready within this time after its start.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a system that runs may be unready before `up` takes it for broken.
const HICCUP: Duration = Duration::from_secs(5);

/// What is to be brought up.
pub(crate) struct Wanted {
    pub(crate) binaries: Binaries,
    /// None: all of it.
    pub(crate) only: Option<Only>,
    /// Whether traces are received and kept.
    pub(crate) traces: bool,
    pub(crate) demo_data: bool,
}

/// Brings everything up, or says that it is.
pub(crate) async fn up(site: &Site, wanted: &Wanted) -> Result<ExitCode> {
    let only = wanted.only;
    let began = Instant::now();
    site.make_state()?;
    let _lock = StateLock::take(&site.state)?;
    let mut interrupts = Interrupts::listen()?;
    if let Some(earlier) = Run::load(site.run_dir(), site.logs())? {
        match what_is_wrong(&earlier, only).await? {
            None => {
                let port_base = earlier.completed()?.and_then(|completed| completed.port_base);
                let site = &Site { port_base, ..site.clone() };
                site.ui.say(format!(
                    "already running: {} (admin {}); nothing was changed. `make down` first to start it anew",
                    base_url(site),
                    admin_url(site)
                ));
                return Ok(ExitCode::SUCCESS);
            }
            Some(fault) => {
                site.ui.say(format!("an earlier start is not whole ({fault}); stopping what is left of it"));
                earlier.stop(site.ui).await?;
            }
        }
    }
    super::test::sweep(site).await?;
    let mut run = Run::begin(site.run_dir(), site.logs())?;
    match interrupts.guard(bring_up(site, &mut run, wanted)).await {
        Ok((bin, accounts)) => {
            run.complete(&Completed { bin, port_base: site.port_base, traces: wanted.traces })?;
            site.ui.say(format!("ready after {}", elapsed(began.elapsed())));
            if only.is_none() {
                println!("{}", tour(site, &accounts));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            site.ui.say("stopping what was started");
            run.stop(site.ui).await?;
            Err(error)
        }
    }
}

/// Why an earlier run is not the system that was asked for; `None` when it is.
async fn what_is_wrong(run: &Run, only: Option<Only>) -> Result<Option<String>> {
    let Some(completed) = run.completed()? else {
        return Ok(Some("it did not come to its end".to_owned()));
    };
    let records = run.records()?;
    let runs = |service: &&Service| records.iter().any(|record| record.name == service.name);
    let services_run = services(completed.traces).iter().all(runs);
    if only.is_none() && !services_run {
        return Ok(Some("it has no services".to_owned()));
    }
    for record in &records {
        if !record.is_alive() {
            return Ok(Some(format!("{} is dead", record.name)));
        }
    }
    for record in &records {
        let deadline = Instant::now() + HICCUP;
        while let Err(error) = record.probe.check().await {
            if Instant::now() > deadline {
                return Ok(Some(format!("{} is not ready: {error:#}", record.name)));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(None)
}

async fn bring_up(site: &Site, run: &mut Run, wanted: &Wanted) -> Result<(PathBuf, Vec<Value>)> {
    let external = External::from_environment();
    let search = require(site.ui, &external.needs()).await?;
    let services = if wanted.only.is_some() { Vec::new() } else { services(wanted.traces) };
    let services = services.as_slice();
    // Before the build: minutes later is a bad time to learn that a port is taken. And again right before the start.
    require_ports(site, services)?;
    let bin = match wanted.only {
        Some(Only::Servers) => None,
        None => Some(wanted.binaries.provide(site, run).await?),
    };
    let mut secrets = Secrets::open(&site.state)?;
    let setup = private_servers(site, &mut secrets)?;
    let urls = servers::start(run, site.ui, &search, &setup, &external).await?;
    let Some(bin) = bin else { return Ok(Default::default()) };
    let databases = provide_databases(&mut secrets, services, &urls, external.postgres.is_none()).await?;
    for service in services {
        configure(site, &mut secrets, service, &urls, &databases, wanted.traces)?;
    }
    for service in services {
        migrate(site, run, &bin, service).await?;
    }
    let accounts = if wanted.demo_data { load(site, run, &bin).await? } else { Vec::new() };
    require_ports(site, services)?;
    for service in start_order().into_iter().filter(|service| wanted.traces || service.name != COLLECTOR) {
        start(site, run, &bin, service).await?;
    }
    let accounts =
        if wanted.demo_data { load_after_start(site, run, &bin, accounts).await? } else { accounts };
    Ok((bin, accounts))
}

/// The servers of a state directory, with their passwords.
pub(super) fn private_servers(site: &Site, secrets: &mut Secrets) -> Result<Setup> {
    Ok(Setup {
        state: site.state.clone(),
        ports: [site.server_port(18_432, 0), site.server_port(18_379, 40), site.server_port(18_222, 80)],
        passwords: Some([
            secrets.password("postgres_password")?,
            secrets.password("redis_password")?,
            secrets.password("nats_password")?,
        ]),
    })
}

fn require_ports(site: &Site, services: &[&Service]) -> Result<()> {
    for service in services {
        for (name, port) in service.ports {
            let wanted_by =
                if *name == "http" { service.name.to_owned() } else { format!("{} {name}", service.name) };
            require_free(site.port(*port), &wanted_by)?;
        }
    }
    Ok(())
}

/// Provides the databases of all services; their URLs by name.
pub(super) async fn provide_databases(
    secrets: &mut Secrets,
    services: &[&Service],
    urls: &ServerUrls,
    private: bool,
) -> Result<BTreeMap<&'static str, String>> {
    let mut provided = BTreeMap::new();
    for database in services.iter().filter_map(|service| service.database.as_ref()) {
        let password = secrets.password(&format!("{}_database_password", database.name))?;
        let url = provide_database(&urls.postgres, database.name, &password, private).await?;
        provided.insert(database.name, url);
    }
    Ok(provided)
}

/// Writes the service's configuration, if it has one.
pub(super) fn configure(
    site: &Site,
    secrets: &mut Secrets,
    service: &Service,
    urls: &ServerUrls,
    databases: &BTreeMap<&'static str, String>,
    traces: bool,
) -> Result<()> {
    let Some(template) = service.template else { return Ok(()) };
    let mut settings = Vec::new();
    if traces {
        // Moved with the other ports when it is written.
        settings.push(("telemetry.otlp_endpoint", format!("http://127.0.0.1:{COLLECTOR_PORT}/v1/traces")));
    }
    for (key, setting) in service.settings {
        let value = match setting {
            Setting::DatabaseUrl(name) => {
                databases.get(name).with_context(|| format!("no service has the database {name}"))?.clone()
            }
            Setting::RedisUrl => urls.redis.clone(),
            Setting::NatsUrl => urls.nats.clone(),
            Setting::Key(name) => secrets.key(name)?,
            Setting::Directory(name) => site.make_directory(name)?.display().to_string(),
        };
        settings.push((*key, value));
    }
    render(site, service, template, &settings)?;
    Ok(())
}

pub(super) async fn migrate(site: &Site, run: &Run, bin: &Path, service: &Service) -> Result<()> {
    let Some(database) = &service.database else { return Ok(()) };
    let step = site.ui.step(format!("migrate {}", service.name));
    let log = run.log_file(&format!("{}-migrate", service.name));
    let (out, offset) = open_log(&log)?;
    let status = run
        .helper(bin.join(service.binary))
        .args(fill(site, service, database.migrate))
        .current_dir(&site.root)
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .status()
        .await
        .with_context(|| format!("cannot run {}", service.binary))?;
    ensure!(
        status.success(),
        "the migration of {} failed ({status})\nthe end of {}:\n{}",
        service.name,
        log.display(),
        tail(&log, offset, 20)
    );
    step.done("");
    Ok(())
}

async fn start(site: &Site, run: &mut Run, bin: &Path, service: &Service) -> Result<()> {
    let step = site.ui.step(service.name);
    let (port, probe) = match service.ready {
        Ready::Http(port, path) => {
            (Some(site.port(port)), Probe::Http(format!("http://127.0.0.1:{}/{path}", site.port(port))))
        }
        Ready::Running => (None, Probe::Process),
    };
    let main_port = service.ports.first().map(|(_, port)| site.port(*port)).or(port);
    let program = bin.join(service.binary);
    let mut started = run.spawn(Launch {
        name: service.name,
        program: &program,
        arguments: fill(site, service, service.serve),
        run_as: None,
        directory: &site.root,
        port: main_port,
        probe,
        stop: Stop::Drain,
    })?;
    started.ready(READY_WITHIN).await?;
    step.done(main_port.map(|port| format!("127.0.0.1:{port}")).unwrap_or_default());
    Ok(())
}
