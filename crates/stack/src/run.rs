//! A run: the processes of one `up` or one `test`, written down so that exactly they can be found again.
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use crate::health::Probe;
use crate::logs::{open_log, tail};
use crate::process::{MARK_VARIABLE, ProcessIdentity, end_marked};
use crate::secrets::unique_name;
use crate::site::{make_private_dir, write_private};
use crate::tools::RunAs;
use crate::ui::Ui;

/// The mark and the launcher of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    mark: String,
    launcher: Option<ProcessIdentity>,
}

/// With what a complete run was brought up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Completed {
    /// Where its binaries are.
    pub(crate) bin: PathBuf,
    pub(crate) port_base: Option<u16>,
    /// Whether traces are kept.
    #[serde(default)]
    pub(crate) traces: bool,
}

/// What is kept about one part of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    /// Start order; stopping goes backwards.
    order: u32,
    /// `None` for a server somebody else runs.
    pub(crate) process: Option<ProcessIdentity>,
    pub(crate) port: Option<u16>,
    pub(crate) probe: Probe,
    stop: Stop,
    pub(crate) log: Option<PathBuf>,
    pub(crate) started_unix_secs: u64,
}

impl Record {
    pub(crate) fn is_alive(&self) -> bool {
        self.process.as_ref().is_none_or(ProcessIdentity::is_alive)
    }
}

/// How a process is asked to stop, step by step; SIGKILL follows when all patience is used up.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Stop {
    /// SIGTERM and time to drain.
    Drain,
    /// SIGINT (fast shutdown), then SIGQUIT (immediate): PostgreSQL recovers from either.
    Postgres,
}

impl Stop {
    /// Signals and the seconds each is given.
    fn steps(self) -> &'static [(Signal, u64)] {
        match self {
            Self::Drain => &[(Signal::SIGTERM, 20)],
            Self::Postgres => &[(Signal::SIGINT, 20), (Signal::SIGQUIT, 5)],
        }
    }
}

/// What to start.
pub(crate) struct Launch<'a> {
    pub(crate) name: &'a str,
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    pub(crate) run_as: Option<&'a RunAs>,
    pub(crate) directory: &'a Path,
    pub(crate) port: Option<u16>,
    pub(crate) probe: Probe,
    pub(crate) stop: Stop,
}

/// The open book of a run.
pub(crate) struct Run {
    directory: PathBuf,
    logs: PathBuf,
    head: Head,
    next: u32,
}

impl Run {
    /// Begins a run. Its mark is on disk before anything is started.
    pub(crate) fn begin(directory: PathBuf, logs: PathBuf) -> Result<Self> {
        make_private_dir(&directory)?;
        let launcher = i32::try_from(std::process::id()).ok().and_then(ProcessIdentity::of);
        let head = Head { mark: unique_name()?, launcher };
        write_private(&directory.join("run.json"), &serde_json::to_string(&head)?)?;
        fs::create_dir_all(&logs)?;
        Ok(Self { directory, logs, head, next: 0 })
    }

    /// Opens the run that lies in `directory`, if one does.
    pub(crate) fn load(directory: PathBuf, logs: PathBuf) -> Result<Option<Self>> {
        let file = directory.join("run.json");
        if !file.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let head = serde_json::from_str(&text).with_context(|| format!("{} is damaged", file.display()))?;
        Ok(Some(Self { directory, logs, head, next: 0 }))
    }

    /// Whether the command that began this run is still there.
    pub(crate) fn launcher_is_alive(&self) -> bool {
        self.head.launcher.as_ref().is_some_and(ProcessIdentity::is_alive)
    }

    /// Marks the run as brought up completely.
    pub(crate) fn complete(&self, how: &Completed) -> Result<()> {
        write_private(&self.directory.join("complete.json"), &serde_json::to_string(how)?)
    }

    /// How the run was brought up; `None` when it did not come to that.
    pub(crate) fn completed(&self) -> Result<Option<Completed>> {
        match fs::read_to_string(self.directory.join("complete.json")) {
            // What another version of this program wrote says nothing that can be gone on with.
            Ok(text) => Ok(serde_json::from_str(&text).ok()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The parts in the order they were started.
    pub(crate) fn records(&self) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".part.json")) {
                let text = fs::read_to_string(&path)?;
                let record: Record =
                    serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))?;
                records.push(record);
            }
        }
        records.sort_by_key(|record| record.order);
        Ok(records)
    }

    /// Notes a server that somebody else runs.
    pub(crate) fn note_external(&mut self, name: &str, port: u16, probe: Probe) -> Result<()> {
        let order = self.take_order();
        self.write(&Record {
            name: name.to_owned(),
            order,
            process: None,
            port: Some(port),
            probe,
            stop: Stop::Drain,
            log: None,
            started_unix_secs: now_unix_secs(),
        })
    }

    /// Starts a process in a session of its own and writes down who it is.
    ///
    /// There is no await between the start and the note, so an interruption cannot come between them; a SIGKILL can,
    /// and then the mark in the environment still tells.
    pub(crate) fn spawn(&mut self, launch: Launch<'_>) -> Result<Started> {
        let log = self.log_file(launch.name);
        let (out, log_offset) = open_log(&log)?;
        // `setsid` replaces itself by the program, so the pid stays.
        let mut command = command_as(launch.run_as, "setsid");
        command.arg(launch.program).args(&launch.arguments).current_dir(launch.directory);
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        self.prepare(&mut command, &self.head.mark);
        let child = command.spawn().with_context(|| format!("cannot start {}", launch.program.display()))?;
        let process = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(ProcessIdentity::of);
        let order = self.take_order();
        let record = Record {
            name: launch.name.to_owned(),
            order,
            process,
            port: launch.port,
            probe: launch.probe,
            stop: launch.stop,
            log: Some(log),
            started_unix_secs: now_unix_secs(),
        };
        if record.process.is_some() {
            self.write(&record)?;
        }
        Ok(Started { record, child, log_offset })
    }

    /// A command that is no part of the run but works for it (a build, a migration, a test): it dies with the run.
    pub(crate) fn helper(&self, program: impl AsRef<OsStr>) -> Command {
        self.helper_as(None, program)
    }

    /// A helper that runs as another user.
    pub(crate) fn helper_as(&self, user: Option<&RunAs>, program: impl AsRef<OsStr>) -> Command {
        let mut command = command_as(user, program);
        self.prepare(&mut command, &self.helper_mark());
        command.kill_on_drop(true);
        command
    }

    /// The log of a part or helper.
    pub(crate) fn log_file(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Ends all helpers and their children.
    pub(crate) async fn end_helpers(&self, patience: Duration) -> usize {
        end_marked(&self.helper_mark(), patience).await
    }

    fn helper_mark(&self) -> String {
        format!("{}.helper", self.head.mark)
    }

    /// Gives a command a mark and an environment without our own variables and cargo's leftovers.
    fn prepare(&self, command: &mut Command, mark: &str) {
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_ours_alone) {
                command.env_remove(&name);
            }
        }
        let marks = match std::env::var(MARK_VARIABLE) {
            Ok(outer) if !outer.is_empty() => format!("{outer},{mark}"),
            _ => mark.to_owned(),
        };
        command.env(MARK_VARIABLE, marks);
    }

    /// Stops the helpers, then all parts, the last started first, then whatever else carries the mark, and forgets the
    /// run. Says how many processes that were.
    pub(crate) async fn stop(&self, ui: Ui) -> Result<usize> {
        let mut stopped = self.end_helpers(Duration::from_secs(5)).await;
        // Should the book be lost or damaged, the mark still finds all; the fault is told afterwards.
        let records = self.records();
        for record in records.iter().flatten().rev() {
            let Some(process) = record.process.as_ref().filter(|process| process.is_alive()) else {
                continue;
            };
            let step = ui.step(format!("stop {}", record.name));
            let how = stop_process(process, record.stop).await?;
            step.done(format!("pid {}{how}", process.pid));
            stopped += 1;
        }
        stopped += end_marked(&self.head.mark, Duration::from_secs(5)).await;
        records?;
        fs::remove_dir_all(&self.directory)
            .with_context(|| format!("cannot remove {}", self.directory.display()))?;
        Ok(stopped)
    }

    fn take_order(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn write(&self, record: &Record) -> Result<()> {
        let file = self.directory.join(format!("{}.part.json", record.name));
        write_private(&file, &serde_json::to_string_pretty(record)?)
    }
}

fn command_as(user: Option<&RunAs>, program: impl AsRef<OsStr>) -> Command {
    match user {
        Some(user) => user.command(program),
        None => Command::new(program),
    }
}

async fn stop_process(process: &ProcessIdentity, stop: Stop) -> Result<&'static str> {
    for (signal, patience_secs) in stop.steps() {
        process.signal(*signal);
        if process.wait_gone(Duration::from_secs(*patience_secs)).await {
            return Ok("");
        }
    }
    process.signal(Signal::SIGKILL);
    if process.wait_gone(Duration::from_secs(5)).await {
        return Ok(", killed: it did not stop when told");
    }
    bail!("process {} cannot be killed; look at it with `cat /proc/{}/stack`", process.pid, process.pid)
}

/// Variables a started program must not see: the URLs meant for us (a service would refuse them as unknown settings;
/// real settings have a section, `ALDIA_<SECTION>__<KEY>`) and what `cargo run` says about this package.
fn is_ours_alone(name: &str) -> bool {
    let setting = name.strip_prefix("ALDIA_");
    setting.is_some_and(|setting| !setting.contains("__"))
        || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
        || ["OUT_DIR", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"].contains(&name)
}

/// A process just started, whose end can still be observed.
pub(crate) struct Started {
    pub(crate) record: Record,
    child: Child,
    log_offset: u64,
}

impl Started {
    /// Waits until the process answers its probe; its death is noticed at once.
    pub(crate) async fn ready(&mut self, limit: Duration) -> Result<()> {
        let probe = self.record.probe.clone();
        let child = &mut self.child;
        let answered = async {
            let mut why = String::new();
            let deadline = tokio::time::Instant::now() + limit;
            while tokio::time::Instant::now() < deadline {
                match probe.check().await {
                    Ok(()) => return Ok(()),
                    Err(reason) => why = format!("{reason:#}"),
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(why)
        };
        let fault = tokio::select! {
            ended = child.wait() => match ended {
                Ok(status) => format!("{} ended before it was ready ({status})", self.record.name),
                Err(error) => format!("{} cannot be watched: {error}", self.record.name),
            },
            answer = answered => match answer {
                Ok(()) => return Ok(()),
                Err(why) => format!("{} was not ready within {} s ({why})", self.record.name, limit.as_secs()),
            },
        };
        let log = self.record.log.clone().unwrap_or_default();
        bail!("{fault}\nthe end of {}:\n{}", log.display(), tail(&log, self.log_offset, 20))
    }
}

fn now_unix_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
}

/// Seconds since a record was written.
pub(crate) fn uptime_secs(record: &Record) -> u64 {
    now_unix_secs().saturating_sub(record.started_unix_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_pass_to_services_and_our_own_variables_do_not() {
        assert!(is_ours_alone("ALDIA_POSTGRES_URL"));
        assert!(is_ours_alone("CARGO_MANIFEST_DIR"));
        assert!(!is_ours_alone("ALDIA_TELEMETRY__OTLP_ENDPOINT"));
        assert!(!is_ours_alone("CARGO_HOME"));
        assert!(!is_ours_alone("PATH"));
    }
}
