//! `stack test`: one command with throwaway servers of its own.
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::build::{Profile, bin_dir};
use crate::interrupt::Interrupts;
use crate::process::ProcessIdentity;
use crate::run::Run;
use crate::secrets::random;
use crate::servers::postgres::remove_data;
use crate::servers::{self, External, ServerUrls, Setup};
use crate::site::Site;
use crate::tools::require;

/// Directories of test runs are named by this and the launcher's pid.
const PREFIX: &str = "test-";
/// How long an interrupted command may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `command`; its exit code is ours.
pub(crate) async fn test(site: &Site, command: &[String]) -> Result<ExitCode> {
    site.make_state()?;
    sweep(site).await?;
    let mut interrupts = Interrupts::listen()?;
    let search = interrupts.guard(require(site.ui, &External::default().needs())).await?;
    let home = site.state.join(format!("{PREFIX}{}", std::process::id()));
    // First, so that it is not made with the narrow mode of what lies in it: PostgreSQL has to pass through.
    fs::create_dir(&home).with_context(|| format!("cannot make {}", home.display()))?;
    let mut run = Run::begin(home.join("run"), home.join("logs"))?;
    // Any of a wide range, so that runs beside each other do not race for the same ports; below the range from which
    // the kernel takes ports for outgoing connections.
    let lot = u16::from_be_bytes(random::<2>()?) % 100;
    let from = 20_000 + 100 * lot;
    let setup = Setup { state: home.clone(), ports: [from, from + 40, from + 70], passwords: None };
    let started = async {
        let urls = servers::start(&mut run, site.ui, &search, &setup, &External::default()).await?;
        Ok((urls, bin_dir(site, Profile::Dev).await?))
    };
    let ended = match interrupts.guard(started).await {
        Ok((urls, bin)) => run_command(site, &run, &mut interrupts, command, &urls, &bin).await,
        Err(error) => Err(error),
    };
    let cleaned = clean(site, &run, &home).await;
    let code = ended?;
    cleaned?;
    Ok(code)
}

async fn run_command(
    site: &Site,
    run: &Run,
    interrupts: &mut Interrupts,
    command: &[String],
    urls: &ServerUrls,
    bin: &Path,
) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut child = run
        .helper(program)
        .args(arguments)
        .env("ALDIA_TEST_PG_URL", &urls.postgres)
        .env("ALDIA_TEST_REDIS_URL", &urls.redis)
        .env("ALDIA_TEST_NATS_URL", &urls.nats)
        .env("ALDIA_TEST_BIN_DIR", bin)
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let step = site.ui.stage("command", command.join(" "));
    tokio::select! {
        status = child.wait() => {
            let status = status?;
            let code = exit_code(status);
            if status.success() { step.done("") } else { drop(step) }
            Ok(ExitCode::from(code))
        }
        interrupted = interrupts.next() => {
            // A Ctrl-C has reached the command too; other signals have reached only us.
            if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM); // gone already is as good
            }
            // Whether it ends by itself or not, what is left of it is ended with the run.
            let _ = tokio::time::timeout(PATIENCE, child.wait()).await;
            Err(interrupted.into())
        }
    }
}

/// A command that died of a signal has the code shells give it.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

async fn clean(site: &Site, run: &Run, home: &Path) -> Result<()> {
    run.stop(site.ui.quiet()).await?;
    remove_data(home)?;
    fs::remove_dir_all(home).with_context(|| format!("cannot remove {}", home.display()))
}

/// Stops and removes what test runs left whose launcher was killed.
pub(crate) async fn sweep(site: &Site) -> Result<()> {
    for home in leftovers(site)? {
        let step = site.ui.step(format!("sweep {}", site.shown(&home)));
        if let Some(run) = Run::load(home.join("run"), home.join("logs"))? {
            run.stop(site.ui.quiet()).await?;
        }
        remove_data(&home)?;
        fs::remove_dir_all(&home).with_context(|| format!("cannot remove {}", home.display()))?;
        step.done("left by a test run that was killed");
    }
    Ok(())
}

fn leftovers(site: &Site) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(&site.state)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse::<i32>().ok()) else {
            continue;
        };
        let home = entry.path();
        let in_use = match Run::load(home.join("run"), home.join("logs"))? {
            Some(run) => run.launcher_is_alive(),
            // It has not begun: nothing was started, and it may be just about to begin.
            None => ProcessIdentity::of(pid).is_some(),
        };
        if !in_use {
            found.push(home);
        }
    }
    Ok(found)
}
