//! `stack restore`.
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::seed::fill;
use super::up::{configure, migrate, private_servers, provide_databases};
use crate::archive::Archive;
use crate::archive::copy::copy_new;
use crate::archive::manifest::Manifest;
use crate::build::Binaries;
use crate::interrupt::Interrupts;
use crate::lock::StateLock;
use crate::run::Run;
use crate::secrets::Secrets;
use crate::servers::postgres::{Psql, remove_data, run_dump_tool};
use crate::servers::{self, External};
use crate::services::{AfterRestore, Database, Service, services, start_order};
use crate::site::{Site, make_private_dir, write_private};
use crate::tools::require;
use crate::ui::elapsed;

/// What a system keeps in its state directory. Redis and NATS are among it: what they know is of the time that is lost.
const KEPT: [&str; 8] = ["keys", "config", "objects", "redis", "nats", "spool", "demo.json", EXPORT];
/// Where the chains of custody of a restored desk are written, to be checked, and held against newer heads by whoever has some.
const EXPORT: &str = "restored-custody";
/// Lines of a check that are shown.
const MAX_TOLD: usize = 12;

/// What is restored from where.
pub(crate) struct From {
    pub(crate) directory: PathBuf,
    /// The secrets, where they are not in it.
    pub(crate) keys: Option<PathBuf>,
    /// Whether what is here now may be removed.
    pub(crate) replace: bool,
}

/// Puts a backup in place and checks it; nothing runs afterwards.
pub(crate) async fn restore(site: &Site, from: &From, binaries: &Binaries) -> Result<ExitCode> {
    let began = Instant::now();
    let archive = Archive::at(&from.directory);
    let manifest = Manifest::read(&archive)?;
    let External { postgres, redis, nats } = External::from_environment();
    ensure!(
        postgres.is_none() && redis.is_none() && nats.is_none(),
        "servers of somebody else are not restored by this; unset ALDIA_POSTGRES_URL, ALDIA_REDIS_URL and ALDIA_NATS_URL, or see \
         docs/OPERATIONS.md, \"Backup and restore\""
    );
    site.make_state()?;
    let _lock = StateLock::take(&site.state)?;
    let mut interrupts = Interrupts::listen()?;
    ensure!(
        Run::load(site.run_dir(), site.logs())?.is_none(),
        "a system runs here, or did not end in order; `make down` first"
    );
    let step = site.ui.step("manifest");
    interrupts.guard(manifest.check(&archive)).await?;
    step.done(format!("{} files are what they were", manifest.files.len()));
    let secrets = fs::read_to_string(from.keys.clone().unwrap_or_else(|| archive.keys()))
        .context("the secrets cannot be read; say with --keys where they are")?;
    make_room(site, from.replace)?;
    write_private(&make_keys(site)?, &secrets)?;

    let mut run = Run::begin(site.run_dir(), site.logs())?;
    let restored = interrupts.guard(put_in_place(site, &mut run, &archive, &manifest, binaries)).await;
    run.stop(site.ui.quiet()).await?;
    restored.with_context(|| {
        format!("{} is half restored: mend the cause and restore again with --replace", site.state.display())
    })?;
    site.ui.say(format!("restored after {}; `make up` starts it", elapsed(began.elapsed())));
    Ok(ExitCode::SUCCESS)
}

/// Refuses a state directory with something in it, or empties it.
fn make_room(site: &Site, replace: bool) -> Result<()> {
    // Logs and the lock stay; `pg` may be elsewhere, which its own module knows.
    let there: Vec<&str> =
        KEPT.into_iter().chain(["pg"]).filter(|name| has_something(&site.state.join(name))).collect();
    ensure!(
        replace || there.is_empty(),
        "{} is not empty ({}); nothing was changed. --replace removes what is there",
        site.state.display(),
        there.join(", ")
    );
    remove_data(&site.state)?;
    for name in KEPT {
        let path = site.state.join(name);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A file, or a directory with anything in it.
fn has_something(path: &Path) -> bool {
    fs::read_dir(path).map_or_else(|_| path.exists(), |mut entries| entries.next().is_some())
}

fn make_keys(site: &Site) -> Result<PathBuf> {
    let keys = site.state.join("keys");
    make_private_dir(&keys)?;
    Ok(keys.join("secrets.json"))
}

async fn put_in_place(
    site: &Site,
    run: &mut Run,
    archive: &Archive,
    manifest: &Manifest,
    binaries: &Binaries,
) -> Result<()> {
    let search = require(site.ui, &External::default().needs()).await?;
    let bin = binaries.provide(site, run).await?;
    let step = site.ui.step("objects");
    let copied = copy_new(&archive.objects(), &site.make_directory("objects")?.join("object")).await?;
    step.done(format!("{} of {} MB", copied.files, copied.bytes / 1_000_000));
    if let Ok(accounts) = fs::read_to_string(archive.demo()) {
        write_private(&site.demo_file(), &accounts)?;
    }

    let mut secrets = Secrets::open(&site.state)?;
    let setup = private_servers(site, &mut secrets)?;
    let urls = servers::start(run, site.ui, &search, &setup, &External::default()).await?;
    let services = services(false);
    let databases = provide_databases(&mut secrets, &services, &urls, true).await?;
    for dumped in &manifest.databases {
        let url = databases.get(dumped.name.as_str());
        let url = url.with_context(|| format!("no service has the database {}", dumped.name))?;
        load(site, run, archive, &dumped.name, url).await?;
    }
    let missing: Vec<_> = databases
        .keys()
        .filter(|name| manifest.databases.iter().all(|dumped| dumped.name != **name))
        .collect();
    ensure!(missing.is_empty(), "the backup lacks the databases {missing:?}");
    for service in &services {
        configure(site, &mut secrets, service, &urls, &databases, false)?;
    }
    // The programs may be newer than the backup.
    for service in &services {
        migrate(site, run, &bin, service).await?;
    }
    for service in start_order() {
        let Some(database) = &service.database else { continue };
        begin_anew(site, run, &bin, service, database, &databases).await?;
        verify(site, run, &bin, service, database).await?;
    }
    Ok(())
}

/// All of a dump or nothing.
async fn load(site: &Site, run: &Run, archive: &Archive, name: &str, url: &str) -> Result<()> {
    let step = site.ui.step(format!("load {name}"));
    let dump = archive.dump(name);
    let args = ["--no-owner", "--exit-on-error", "--single-transaction"].map(OsStr::new);
    let args = [args.as_slice(), &[dump.as_os_str()]].concat();
    run_dump_tool(run, "pg_restore", url, &args).await.with_context(|| format!("restore of {name}"))?;
    // A dump brings no statistics, and without them the first lists are read from end to end.
    Psql::new(url)?.run("analyze").await?;
    step.done("");
    Ok(())
}

/// Sees to it that nothing of the time that is lost is taken for current.
async fn begin_anew(
    site: &Site,
    run: &Run,
    bin: &Path,
    service: &Service,
    database: &Database,
    databases: &BTreeMap<&'static str, String>,
) -> Result<()> {
    if database.after_restore.is_empty() {
        return Ok(());
    }
    let step = site.ui.step(format!("new epoch of {}", service.name));
    for after in database.after_restore {
        match after {
            AfterRestore::Command(words) => drop(command(site, run, bin, service, words).await?),
            AfterRestore::Sql(sql) => {
                let url = databases.get(database.name).context("a database without a URL")?;
                Psql::new(url)?.run(sql).await.with_context(|| format!("{sql} in {}", database.name))?;
            }
        }
    }
    step.done("");
    Ok(())
}

/// Runs the checks of a service.
async fn verify(site: &Site, run: &Run, bin: &Path, service: &Service, database: &Database) -> Result<()> {
    for words in database.verify {
        let shown = words.iter().take_while(|word| !word.starts_with("--") && !word.starts_with('{'));
        let step = site.ui.step(format!("{} {}", service.name, shown.copied().collect::<Vec<_>>().join(" ")));
        let said = command(site, run, bin, service, words).await?;
        step.done("");
        // Figures such as missing objects are for whoever restores to judge; what is broken has failed above.
        said.lines()
            .rev()
            .take(MAX_TOLD)
            .collect::<Vec<_>>()
            .iter()
            .rev()
            .for_each(|line| site.ui.note(line));
    }
    Ok(())
}

/// Runs a command of a service to its end; what it printed.
async fn command(site: &Site, run: &Run, bin: &Path, service: &Service, words: &[&str]) -> Result<String> {
    let export = site.state.join(EXPORT);
    let words: Vec<String> = fill(site, service, words)
        .into_iter()
        .map(|word| if word == "{export}" { export.display().to_string() } else { word })
        .collect();
    let output = run
        .helper(bin.join(service.binary))
        .args(&words)
        .current_dir(&site.root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .await
        .with_context(|| format!("cannot run {}", service.binary))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "`{} {}` failed ({}): {}{}",
        service.binary,
        words.join(" "),
        output.status,
        said,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said.trim_end().to_owned())
}
