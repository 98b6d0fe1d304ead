//! `stack seed`, and the loading of demo data within `up`.
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::build::{Profile, bin_dir};
use crate::interrupt::Interrupts;
use crate::lock::StateLock;
use crate::run::Run;
use crate::services::{ADMIN_PORT, GATEWAY_PORT, SERVICES, Service};
use crate::site::{Site, write_private};

/// Loads the demo data into the running system again.
pub(crate) async fn seed(site: &Site) -> Result<ExitCode> {
    site.make_state()?;
    let _lock = StateLock::take(&site.state)?;
    let run = match Run::load(site.run_dir(), site.logs())? {
        Some(run) if run.is_complete() => run,
        _ => bail!("nothing runs; `make up` starts everything and loads the demo data too"),
    };
    let profile = if run.profile()? == "dev" { Profile::Dev } else { Profile::Release };
    let mut interrupts = Interrupts::listen()?;
    let bin = bin_dir(site, profile).await?;
    interrupts.guard(load(site, &run, &bin)).await?;
    Ok(ExitCode::SUCCESS)
}

/// Loads the demo data of every service that has some and writes `demo.json`.
pub(crate) async fn load(site: &Site, run: &Run, bin: &Path) -> Result<Vec<Value>> {
    let mut accounts = Vec::new();
    for service in SERVICES {
        let Some(arguments) = service.database.as_ref().and_then(|database| database.seed) else { continue };
        accounts.extend(load_one(site, run, bin, service, arguments).await?);
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
async fn load_one(
    site: &Site,
    run: &Run,
    bin: &Path,
    service: &Service,
    arguments: &[&str],
) -> Result<Vec<Value>> {
    let step = site.ui.stage(format!("demo data of {}", service.name));
    let mut child = run
        .helper(bin.join(service.binary))
        .args(fill(site, service, arguments))
        .current_dir(&site.root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", service.binary))?;
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
    step.done(format!("{} accounts", accounts.len()));
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
            other => other.to_owned(),
        })
        .collect()
}
