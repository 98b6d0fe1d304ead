//! Starts programs under a policy and follows them to their end.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use tokio::process::{Child, Command};

use crate::ended;
use crate::error::SandboxError;
use crate::output::{Cut, Stderr, Stdout};
use crate::policy::{Essentials, Policy};
use crate::report::{Enforced, Report, Task};
use crate::spawner;
use crate::stage::MARK;
use crate::usage::{self, Usage};

/// How long a process may take to say what is enforced around it.
const PROBE_PATIENCE: Duration = Duration::from_secs(30);

/// Starts programs in the sandbox. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Launcher {
    host: PathBuf,
    essentials: Essentials,
}

/// A program that ended well.
#[derive(Clone, Debug)]
pub struct Finished {
    /// All that it printed.
    pub stdout: String,
    /// The end of what it said on standard error.
    pub stderr: String,
    /// What it used.
    pub usage: Usage,
    /// What was enforced around it.
    pub enforced: Enforced,
}

impl Launcher {
    /// Uses the executable that is running. Its `main` has to call [`intercept`](crate::intercept) first of all.
    #[must_use]
    pub fn current_exe() -> Self {
        // Not the path behind it: that may hold another version by now, or nothing.
        Self::at("/proc/self/exe")
    }

    /// Uses another executable that calls [`intercept`](crate::intercept): for tests, whose own `main` does not.
    #[must_use]
    pub fn at(host: impl Into<PathBuf>) -> Self {
        Self { host: host.into(), essentials: Essentials::default() }
    }

    /// Insists on `essentials` instead of on everything.
    #[must_use]
    pub fn insisting_on(self, essentials: Essentials) -> Self {
        Self { essentials, ..self }
    }

    /// What is enforced on this machine. To be asked at start, so that a kernel that cannot do it is found then.
    ///
    /// # Errors
    /// [`SandboxError::NotRestricted`] when something essential is missing, or `main` does not call `intercept`;
    /// [`SandboxError::Spawn`] when no process can be started.
    pub async fn probe(&self) -> Result<Enforced, SandboxError> {
        let mut child = self.start(None).await?;
        let mut stderr = Stderr::new(0);
        let pipe = child.stderr.take();
        let reading = async { stderr.read(&mut pipe.ok_or_else(no_stream)?).await };
        match tokio::time::timeout(PROBE_PATIENCE, reading).await {
            Ok(read) => read.map_err(not_read)?,
            Err(_) => return Err(SandboxError::NotRestricted { what: "it does not answer".to_owned() }),
        }
        child.wait().await.map_err(|source| SandboxError::Spawn { source })?;
        enforced(stderr.into_parts().0)
    }

    /// Runs a program to its end. Each line of its standard output is given to `on_stdout_line` as it comes.
    ///
    /// Dropping the future kills the program. It also dies when this process does, however that happens.
    ///
    /// # Errors
    /// Everything but a program that ended with status 0 within all bounds: see [`SandboxError`].
    pub async fn run(
        &self,
        policy: &Policy,
        on_stdout_line: impl FnMut(&str) + Send,
    ) -> Result<Finished, SandboxError> {
        let began = Instant::now();
        let mut child = self.start(Some(policy)).await?;
        let mut stdout = Stdout::new(policy.max_stdout_bytes, on_stdout_line);
        let mut stderr = Stderr::new(policy.max_stderr_bytes);
        let following = follow(&mut child, &mut stdout, &mut stderr);
        let followed = tokio::time::timeout(policy.wall, following).await;
        if !matches!(followed, Ok(Ok(_))) {
            // Whatever has happened, from here on nothing runs any more.
            child.kill().await.map_err(|source| SandboxError::Spawn { source })?;
        }
        let (report, said) = stderr.into_parts();
        let cpu = match followed {
            Ok(Ok(cpu)) => cpu,
            Ok(Err(Cut::TooMuch)) => {
                return Err(SandboxError::Output { limit_bytes: policy.max_stdout_bytes, stderr: said });
            }
            Ok(Err(cut)) => return Err(not_read(cut)),
            Err(_) => return Err(SandboxError::WallTime { limit: policy.wall, stderr: said }),
        };
        let status = child.wait().await.map_err(|source| SandboxError::Spawn { source })?;
        let enforced = enforced(report)?;
        let stderr = ended::judge(policy, status, cpu, said)?;
        let usage = Usage { wall: began.elapsed(), cpu };
        Ok(Finished { stdout: stdout.into_text(), stderr, usage, enforced })
    }

    async fn start(&self, policy: Option<&Policy>) -> Result<Child, SandboxError> {
        let spawn = |source| SandboxError::Spawn { source };
        let task = Task { policy: policy.cloned(), essentials: self.essentials, parent: std::process::id() };
        let task = serde_json::to_string(&task).map_err(|error| spawn(error.into()))?;
        let mut command = Command::new(&self.host);
        command.arg(MARK).arg(task).env_clear().env("LANG", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        spawner::spawn(command).await.map_err(spawn)
    }
}

/// Reads both streams to their end and waits for the process, without reaping it. Returns its processor time, which is
/// known only until it is reaped.
async fn follow(
    child: &mut Child,
    stdout: &mut Stdout<impl FnMut(&str)>,
    stderr: &mut Stderr,
) -> Result<Option<Duration>, Cut> {
    let (mut out, mut err) = child.stdout.take().zip(child.stderr.take()).ok_or_else(no_stream)?;
    tokio::try_join!(stdout.read(&mut out), stderr.read(&mut err))?;
    let pid = child.id().ok_or_else(no_stream)?;
    // As a rule it has ended by now. If the future is dropped because it has not, the child is killed and this returns.
    tokio::task::spawn_blocking(move || cpu_time_at_end(pid)).await.map_err(|error| Cut::Read(error.into()))
}

fn cpu_time_at_end(pid: u32) -> Option<Duration> {
    let id = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).ok()?;
    usage::cpu_time(pid)
}

fn enforced(report: Option<Report>) -> Result<Enforced, SandboxError> {
    match report {
        Some(Report::Restricted(enforced)) => Ok(enforced),
        Some(Report::Refused(what)) => Err(SandboxError::NotRestricted { what }),
        None => Err(not_read(Cut::NoReport)),
    }
}

fn not_read(cut: Cut) -> SandboxError {
    match cut {
        Cut::Read(source) => SandboxError::Spawn { source },
        Cut::NoReport | Cut::TooMuch => SandboxError::NotRestricted {
            what: "the host said nothing about it; its main has to call sandbox::intercept first".to_owned(),
        },
    }
}

fn no_stream() -> Cut {
    Cut::Read(io::Error::other("a stream of the process is missing"))
}
