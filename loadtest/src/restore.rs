//! Backup, destroy, restore: a system with data in all four services is copied while it runs, changed afterwards, destroyed and restored;
//! everything must be as it was at the backup, and nobody may be told that what was lost is current.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::report::{Report, Table};

mod api;
mod launcher;
mod lost;
mod state;

use api::Api;
use launcher::{Launcher, shown};
use state::State;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the programs are, the launcher among them.
    #[arg(long, value_name = "FOLDER", default_value = "target/release")]
    programs: PathBuf,
    /// Where the run has its system and its backup.
    #[arg(long, value_name = "FOLDER", default_value = "target/restore")]
    folder: PathBuf,
    /// The port of the gateway; those of the others follow.
    #[arg(long, default_value_t = 21_080)]
    port_base: u16,
    /// Packages of the desk.
    #[arg(long, default_value_t = 2_000)]
    packages: u32,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    fs::create_dir_all(&args.folder).with_context(|| format!("cannot make {}", args.folder.display()))?;
    let folder = args.folder.canonicalize()?;
    let programs =
        args.programs.canonicalize().with_context(|| format!("there is no {}", args.programs.display()))?;
    let launcher = Launcher { programs, state: folder.join("state"), port_base: args.port_base };
    // Of an earlier run that was killed.
    launcher.stack(&["down", "--data"]).await?;
    let scratch = tempfile::Builder::new().prefix("backup-").tempdir_in(&folder)?;
    let ended = drill(&args, &launcher, scratch.path()).await;
    launcher.stack(&["down", "--data"]).await?;
    ended
}

async fn drill(args: &Args, launcher: &Launcher, scratch: &Path) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut times = Table::new("Backup and restore", &["step", "took"]);
    launcher.up().await?;
    launcher.seed(args.packages).await?;
    let api = Api::sign_in(args.port_base, launcher.account("administrator")?).await?;
    let mut subjects = lost::prepare(&api, scratch).await?;
    let before = state::look(launcher, &api, &scratch.join("custody-before")).await?;

    let backup = scratch.join("backup");
    let began = Instant::now();
    launcher.stack(&["backup", &shown(&backup)]).await?;
    times.row(&["backup, beside the running system".to_owned(), seconds(began.elapsed())]);
    for subject in &mut subjects {
        subject.lose(&api).await?;
    }
    refusals(launcher, &backup, scratch, &mut report).await?;

    launcher.stack(&["down", "--data"]).await?;
    report.expect("nothing is left of the destroyed system", !launcher.state.join("pg").exists());
    damaged(launcher, &backup, scratch, &mut report).await?;
    let began = Instant::now();
    restore(launcher, &backup, &[]).await?;
    times.row(&["restore, with all checks".to_owned(), seconds(began.elapsed())]);
    launcher.up().await?;

    let api = Api::sign_in(args.port_base, launcher.account("administrator")?).await?;
    let after = state::look(launcher, &api, &scratch.join("custody-after")).await?;
    compare(&before, &after, &mut report);
    // Chains go through the ends that they had.
    let heads = shown(&scratch.join("custody-before").join("heads.jsonl"));
    let verified = verify_custody(launcher, &scratch.join("custody-after"), &heads).await;
    report.expect(format!("the chains go through the ends they had ({verified:?})"), verified.is_ok());
    for subject in &subjects {
        subject.judge(&api, &mut report).await?;
    }
    times.print();
    Ok(report)
}

async fn restore(launcher: &Launcher, from: &Path, more: &[&str]) -> anyhow::Result<()> {
    let (from, programs) = (shown(from), shown(&launcher.programs));
    launcher.stack(&[&["restore", &from, "--bin-dir", &programs][..], more].concat()).await
}

/// A restore over something, and a backup into something, are refused.
async fn refusals(
    launcher: &Launcher,
    backup: &Path,
    scratch: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (from, programs) = (shown(backup), shown(&launcher.programs));
    let over = launcher.try_stack(&["restore", &from, "--bin-dir", &programs]).await?;
    report.expect("a restore over a running system is refused", !over.success && over.said.contains("down"));
    launcher.stack(&["down"]).await?;
    let over = launcher.try_stack(&["restore", &from, "--bin-dir", &programs]).await?;
    report
        .expect("a restore over what is there is refused", !over.success && over.said.contains("--replace"));
    let idle = launcher.try_stack(&["backup", &shown(&scratch.join("idle"))]).await?;
    report.expect("nothing is backed up of what does not run", !idle.success);
    Ok(())
}

/// A backup with one flipped bit is refused before anything is changed.
async fn damaged(
    launcher: &Launcher,
    backup: &Path,
    scratch: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (whole, spoilt) = (backup.join("databases/package_ledger.dump"), scratch.join("whole.dump"));
    fs::copy(&whole, &spoilt)?;
    let mut bytes = fs::read(&whole)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("an empty dump")? ^= 1;
    fs::write(&whole, bytes)?;
    let refused =
        launcher.try_stack(&["restore", &shown(backup), "--bin-dir", &shown(&launcher.programs)]).await?;
    let named = refused.said.contains("package_ledger.dump is not what it was");
    report.expect("a flipped bit of a backup is found, and named", !refused.success && named);
    report.expect("a damaged backup changes nothing", !launcher.state.join("keys").exists());
    fs::copy(&spoilt, &whole)?;
    Ok(())
}

async fn verify_custody(launcher: &Launcher, export: &Path, heads: &str) -> anyhow::Result<()> {
    let program = launcher.programs.join("package-ledger");
    let status = tokio::process::Command::new(program)
        .args(["custody", "verify", &shown(export), "--heads", heads])
        .stdout(std::process::Stdio::null())
        .status()
        .await?;
    anyhow::ensure!(status.success(), "{status}");
    Ok(())
}

/// Every part must be what it was, and none may have come.
fn compare(before: &State, after: &State, report: &mut Report) {
    let mut table = Table::new("What is there", &["part", "before", "after"]);
    let parts: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for part in parts {
        let of =
            |state: &State| state.get(part).map_or("–", String::as_str).chars().take(20).collect::<String>();
        table.row(&[part.clone(), of(before), of(after)]);
        report.expect(format!("{part} is as it was"), before.get(part) == after.get(part));
    }
    table.print();
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
