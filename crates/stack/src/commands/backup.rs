//! `stack backup`.
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use toml::Table;

use crate::archive::Archive;
use crate::archive::copy::copy_new;
use crate::archive::manifest::{Dumped, Manifest};
use crate::interrupt::Interrupts;
use crate::lock::StateLock;
use crate::run::Run;
use crate::servers::postgres::{Psql, run_dump_tool};
use crate::services::{Database, Service, start_order};
use crate::site::{Site, make_private_dir, write_private};
use crate::ui::elapsed;

/// Copies a running system.
pub(crate) async fn backup(site: &Site, to: &Path, keys: Option<&Path>) -> Result<ExitCode> {
    let began = Instant::now();
    let nothing = "nothing runs; a backup is made of a running system: `make up` first";
    ensure!(site.state.exists(), nothing);
    let _lock = StateLock::take(&site.state)?;
    let mut interrupts = Interrupts::listen()?;
    let run = Run::load(site.run_dir(), site.logs())?.context(nothing)?;
    run.completed()?.context(nothing)?;
    let archive = Archive::at(&empty_directory(to)?);
    let (manifest, digest) = interrupts
        .guard(copy(site, &run, &archive, keys))
        .await
        .with_context(|| format!("{} is no backup: it has no manifest", archive.root().display()))?;
    let bytes: u64 = manifest.files.iter().map(|entry| entry.bytes).sum();
    site.ui.say(format!(
        "{} files, {} MB in {} after {}\nSHA-256 of the manifest, to be kept elsewhere: {digest}",
        manifest.files.len(),
        bytes / 1_000_000,
        archive.root().display(),
        elapsed(began.elapsed()),
    ));
    Ok(ExitCode::SUCCESS)
}

/// The place for a backup: made, or there and empty.
fn empty_directory(path: &Path) -> Result<std::path::PathBuf> {
    let is_empty = !path.exists()
        || fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?.next().is_none();
    ensure!(is_empty, "{} is not empty; a backup has a directory for itself", path.display());
    make_private_dir(path)?;
    path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
}

async fn copy(site: &Site, run: &Run, archive: &Archive, keys: Option<&Path>) -> Result<(Manifest, String)> {
    let objects = site.state.join("objects").join("object");
    make_private_dir(&archive.root().join("databases"))?;
    make_private_dir(&archive.objects())?;
    // Twice: what is deleted between the dump and the end was copied before it, and what the dump promises is there after it, for an
    // object is whole before its row is written. Nothing changes under the name of an object.
    copy_objects(site, &objects, archive).await?;
    let mut databases = Vec::new();
    // Those that refer to others first: each dump is of one instant, and what an earlier one refers to is in a later one.
    for (service, database) in start_order().into_iter().rev().filter_map(owner) {
        databases.push(dump(site, run, archive, service, database).await?);
    }
    copy_objects(site, &objects, archive).await?;
    let secrets = fs::read_to_string(site.state.join("keys").join("secrets.json"))
        .context("the secrets cannot be read")?;
    match keys {
        Some(elsewhere) => write_private(elsewhere, &secrets)?,
        None => write_private(&archive.keys(), &secrets)?,
    }
    if let Ok(accounts) = fs::read_to_string(site.demo_file()) {
        write_private(&archive.demo(), &accounts)?;
    }
    let step = site.ui.step("digests");
    let postgres = server_version(site).await?;
    let written = Manifest::write(archive, postgres, databases).await?;
    step.done(format!("{} files", written.0.files.len()));
    Ok(written)
}

async fn copy_objects(site: &Site, objects: &Path, archive: &Archive) -> Result<()> {
    let step = site.ui.step("objects");
    let copied = copy_new(objects, &archive.objects()).await?;
    step.done(format!("{} new, {} MB", copied.files, copied.bytes / 1_000_000));
    Ok(())
}

/// A service with the database that is its own.
fn owner(service: &'static Service) -> Option<(&'static Service, &'static Database)> {
    service.database.as_ref().map(|database| (service, database))
}

/// One database as of one instant, beside whoever reads and writes it.
async fn dump(
    site: &Site,
    run: &Run,
    archive: &Archive,
    service: &Service,
    database: &Database,
) -> Result<Dumped> {
    let step = site.ui.step(format!("dump {}", database.name));
    let url = database_url(site, service)?;
    let schema = Psql::new(&url)?.run("select max(version) from __diesel_schema_migrations").await?;
    let file = archive.dump(database.name);
    let args = ["--format=custom".as_ref(), "--no-owner".as_ref(), "--file".as_ref(), file.as_os_str()];
    run_dump_tool(run, "pg_dump", &url, &args).await.with_context(|| format!("dump of {}", database.name))?;
    step.done(format!("schema {schema}"));
    Ok(Dumped { name: database.name.to_owned(), schema })
}

/// As the service itself was told.
fn database_url(site: &Site, service: &Service) -> Result<String> {
    let file = site.config(service.name);
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let table: Table = text.parse().with_context(|| format!("{} is no valid TOML", file.display()))?;
    let url = table.get("postgres").and_then(|section| section.get("url")).and_then(|url| url.as_str());
    url.map(str::to_owned).with_context(|| format!("{} names no database", file.display()))
}

async fn server_version(site: &Site) -> Result<String> {
    let first = start_order().into_iter().find_map(owner).context("no service has a database")?;
    Psql::new(&database_url(site, first.0)?)?.run("show server_version").await
}
