//! `stack seed`, and the loading of demo data within `up`.
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::interrupt::Interrupts;
use crate::lock::StateLock;
use crate::run::{Completed, Run};
use crate::secrets::Secrets;
use crate::services::{ADMIN_PORT, COLLECTOR_PORT, GATEWAY_PORT, SERVICES, Service};
use crate::site::{Site, write_private};

/// Loads the demo data into the running system again.
pub(crate) async fn seed(site: &Site) -> Result<ExitCode> {
    site.make_state()?;
    let _lock = StateLock::take(&site.state)?;
    let nothing = "nothing runs; `make up` starts everything and loads the demo data too";
    let run = Run::load(site.run_dir(), site.logs())?.context(nothing)?;
    let Completed { bin, port_base, .. } = run.completed()?.context(nothing)?;
    let site = &Site { port_base, ..site.clone() };
    let mut interrupts = Interrupts::listen()?;
    interrupts
        .guard(async {
            let accounts = load(site, &run, &bin).await?;
            load_after_start(site, &run, &bin, accounts).await
        })
        .await?;
    Ok(ExitCode::SUCCESS)
}

/// Loads the demo data of every service that has some of its own and writes `demo.json`.
pub(crate) async fn load(site: &Site, run: &Run, bin: &Path) -> Result<Vec<Value>> {
    let own = |service: &Service| service.database.as_ref().and_then(|database| database.seed);
    load_all(site, run, bin, Vec::new(), own).await
}

/// Loads the demo data that are made of what several services do, which all must be ready, and writes `demo.json` anew.
pub(crate) async fn load_after_start(
    site: &Site,
    run: &Run,
    bin: &Path,
    accounts: Vec<Value>,
) -> Result<Vec<Value>> {
    load_all(site, run, bin, accounts, |service| service.seed_after_start).await
}

async fn load_all(
    site: &Site,
    run: &Run,
    bin: &Path,
    mut accounts: Vec<Value>,
    arguments: impl Fn(&Service) -> Option<&'static [&'static str]>,
) -> Result<Vec<Value>> {
    // The same each time, so that what people noted down keeps working.
    let password = Secrets::open(&site.state)?.password("demo_password")?;
    for service in SERVICES {
        let Some(arguments) = arguments(service) else { continue };
        let mut command = run.helper(bin.join(service.binary));
        command.args(fill(site, service, arguments)).env("ALDIA_DEMO_PASSWORD", &password);
        accounts.extend(load_one(site, service, command).await?);
    }
    let demo = json!({ "base_url": base_url(site), "admin_url": admin_url(site), "accounts": accounts });
    write_private(&site.demo_file(), &serde_json::to_string_pretty(&demo)?)?;
    Ok(accounts)
}

pub(crate) fn base_url(site: &Site) -> String {
    format!("http://127.0.0.1:{}", site.port(GATEWAY_PORT))
}

pub(crate) fn admin_url(site: &Site) -> String {
    format!("http://127.0.0.1:{}", site.port(ADMIN_PORT))
}

/// Runs one seeding command. It reports on stderr; the last line of its stdout holds the accounts.
async fn load_one(site: &Site, service: &Service, mut command: Command) -> Result<Vec<Value>> {
    let step = site.ui.stage("demo data", service.name);
    command.current_dir(&site.root).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run {}", service.binary))?;
    let mut lines = BufReader::new(child.stdout.take().context("no output to read")?).lines();
    let mut last = String::new();
    while let Some(line) = lines.next_line().await? {
        if !last.is_empty() && !last.starts_with('{') {
            site.ui.note(&last);
        }
        last = line;
    }
    let status = child.wait().await?;
    ensure!(status.success(), "loading the demo data of {} failed ({status})", service.name);
    let answer: Value = serde_json::from_str(&last)
        .with_context(|| format!("the last line of `{} seed` is not JSON", service.binary))?;
    let accounts = answer.get("accounts").and_then(Value::as_array).cloned();
    let accounts = accounts.with_context(|| format!("`{} seed` names no accounts", service.binary))?;
    step.done(if accounts.is_empty() { String::new() } else { format!("{} accounts", accounts.len()) });
    Ok(accounts)
}

/// Puts the paths of this run into arguments.
pub(crate) fn fill(site: &Site, service: &Service, arguments: &[&str]) -> Vec<String> {
    let config: PathBuf = site.config(service.name);
    arguments
        .iter()
        .map(|argument| match *argument {
            "{config}" => config.display().to_string(),
            "{data}" => site.root.join("data").display().to_string(),
            "{accounts}" => site.demo_file().display().to_string(),
            "{base_url}" => base_url(site),
            "{collector}" => format!("127.0.0.1:{}", site.port(COLLECTOR_PORT)),
            "{traces}" => site.state.join("traces").display().to_string(),
            other => other.to_owned(),
        })
        .collect()
}
