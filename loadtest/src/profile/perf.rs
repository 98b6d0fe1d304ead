//! `perf`: where it comes from, what it records of a process, and how its recording is read. Only software events and trace points are
//! used: virtual machines seldom have others.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use nix::unistd::geteuid;
use tokio::process::Command;

use super::drive::{Drive, Pace, Watch};
use super::script::{self, Event};

/// The Debian package that has it.
const PACKAGE: &str = "linux-perf";
/// The largest piece of a stack that the kernel copies. The futures of a debug build lie there, and are larger.
pub(super) const WHOLE_STACK_BYTES: u32 = 65_528;
/// Pages of the buffer between kernel and perf, of each thread.
const BUFFER_PAGES: u32 = 4_096;

/// How the callers of a function are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Stacks {
    /// By the frame pointers that a program was built with: cheap.
    FramePointers,
    /// By the program's unwind tables and a copy of the stack: any program, at a hundred times the bytes.
    Dwarf,
}

/// What is recorded.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    /// As `perf record -e` takes it.
    pub(super) event: String,
    pub(super) often: Often,
    /// Also when a thread is given a processor again.
    pub(super) switches: bool,
    pub(super) stacks: Stacks,
    /// What is copied of a stack that is unwound by tables.
    pub(super) stack_bytes: u32,
    pub(super) stretch: Duration,
}

/// How often an event is taken note of.
#[derive(Clone, Copy, Debug)]
pub(super) enum Often {
    /// So many times a second.
    Hertz(u32),
    /// Each so-many-th.
    OneIn(u32),
}

/// What was recorded, and how many requests came meanwhile.
pub(super) struct Recording {
    file: PathBuf,
    pace: Option<Pace>,
}

/// What was read of a recording, beside its events.
#[derive(Debug)]
pub(super) struct Read {
    /// From the first event to the last.
    pub(super) stretch: Duration,
    /// Requests answered in that time, where they were counted.
    pub(super) requests: Option<f64>,
    /// What perf says of events that it lost.
    pub(super) lost: Option<String>,
}

/// Makes sure that perf is there and may look.
///
/// # Errors
/// Where this is not run as root, to whom alone the kernel shows its trace points, or perf cannot be installed.
pub(super) async fn prepare() -> anyhow::Result<()> {
    anyhow::ensure!(
        geteuid().is_root(),
        "only root sees what the kernel and its trace points tell; run this as root"
    );
    if !is_there().await {
        eprintln!("perf is missing; installing {PACKAGE}");
        let arguments = ["-q", "install", "--yes", "--no-install-recommends", PACKAGE];
        run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive")).await?;
        anyhow::ensure!(is_there().await, "{PACKAGE} has no perf for this kernel");
    }
    Ok(())
}

async fn is_there() -> bool {
    let mut command = Command::new("perf");
    command.arg("version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// Records a process while requests come.
///
/// # Errors
/// Where perf fails, for want of rights for instance, or a client is not answered as it should be.
pub(super) async fn record(
    pid: u32,
    recipe: &Recipe,
    drive: &mut Option<Drive>,
    file: PathBuf,
) -> anyhow::Result<Recording> {
    let mut command = Command::new("perf");
    command
        .args(["record", "--quiet", "--no-buildid", "--clockid=CLOCK_MONOTONIC", "--output"])
        .arg(&file)
        .args(["--event", &recipe.event]);
    match recipe.often {
        Often::Hertz(often) => command.arg(format!("--freq={often}")),
        // Where the period is noted, the kernel notes every event of a probe, whatever the period.
        Often::OneIn(calls) => command.args(["--no-period".to_owned(), format!("--count={calls}")]),
    };
    if recipe.switches {
        command.arg("--switch-events");
    }
    let stacks = match recipe.stacks {
        Stacks::FramePointers => "fp".to_owned(),
        Stacks::Dwarf => format!("dwarf,{}", recipe.stack_bytes),
    };
    command.args([
        "--call-graph",
        &stacks,
        &format!("--mmap-pages={BUFFER_PAGES}"),
        "--pid",
        &pid.to_string(),
    ]);
    // perf records for as long as this lives, which must not outlive it.
    command.args([
        "--",
        "setpriv",
        "--pdeathsig",
        "KILL",
        "--",
        "sleep",
        &recipe.stretch.as_secs_f64().to_string(),
    ]);
    let watch = Watch::begin(drive.as_ref());
    let recorded = run(&mut command).await;
    let pace = watch.map(Watch::end);
    recorded.with_context(|| format!("perf record of process {pid}"))?;
    if let Some(drive) = drive {
        drive.check()?;
    }
    Ok(Recording { file, pace })
}

impl Recording {
    /// Shows each event in the order of time.
    ///
    /// # Errors
    /// Where perf cannot read what it wrote.
    pub(super) async fn read(&self, mut each: impl FnMut(Event)) -> anyhow::Result<Read> {
        let text = self.file.with_extension("txt");
        let mut command = Command::new("perf");
        command.args(["script", "--no-inline", "--no-demangle", "--show-switch-events", "--fields"]);
        command.args([script::FIELDS, "--input"]).arg(&self.file).stdout(File::create(&text)?);
        let complaint = run(&mut command).await.context("perf script")?;
        let (mut first, mut last) = (u64::MAX, 0);
        script::read(BufReader::new(File::open(&text)?).lines(), &mut |event| {
            (first, last) = (first.min(event.at_nanos), last.max(event.at_nanos));
            each(event);
        })?;
        let requests =
            self.pace.as_ref().map(|pace| pace.between(first, last)).filter(|requests| *requests >= 1.0);
        let lost = complaint.lines().find(|line| line.contains("lost")).map(|line| line.trim().to_owned());
        Ok(Read { stretch: Duration::from_nanos(last.saturating_sub(first)), requests, lost })
    }
}

impl Read {
    /// What a figure is divided by, and what that is called: requests, or else seconds.
    pub(super) fn parts(&self) -> (f64, &'static str) {
        match self.requests {
            Some(requests) => (requests, "/request"),
            None => (self.stretch.as_secs_f64().max(f64::EPSILON), "/s"),
        }
    }

    /// The rest of a sentence on what was recorded.
    pub(super) fn meanwhile(&self) -> String {
        let stretch = self.stretch.as_secs_f64();
        let requests = self.requests.map_or_else(
            || "requests were not counted".to_owned(),
            |requests| format!("{:.0} requests a second meanwhile", requests / stretch),
        );
        let lost = self.lost.as_ref().map_or_else(String::new, |lost| format!("\n**Incomplete**: {lost}"));
        format!("{stretch:.1} s; {requests}.{lost}\n")
    }
}

/// Runs a command to its end; what it said, which is in the error where it failed.
pub(super) async fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?
        .wait_with_output()
        .await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.success(), "{}: {}", output.status, said.trim());
    Ok(said)
}

/// The program that a process runs.
pub(super) fn program_of(pid: u32) -> anyhow::Result<PathBuf> {
    let link = format!("/proc/{pid}/exe");
    let path = std::fs::read_link(&link)
        .with_context(|| format!("cannot read {link}; is there a process {pid}?"))?;
    anyhow::ensure!(
        Path::new(&path).exists(),
        "{} was replaced since process {pid} was started; start it again",
        path.display()
    );
    Ok(path)
}
