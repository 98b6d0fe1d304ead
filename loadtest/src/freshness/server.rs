//! One server of the system: how it is started, when it is ready, and how it is killed, stopped and continued.

use std::fs::{self, File, OpenOptions};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::pool::Pool;
use crate::process::Process;

/// Longest wait for a server to be ready after its start.
const READY_WITHIN: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// How a server shows that it is ready.
#[derive(Clone, Debug)]
pub(crate) enum Ready {
    /// It answers these bytes with those.
    Speaks(SocketAddr, &'static str, &'static str),
    /// This command succeeds.
    Command(PathBuf, Vec<String>),
    /// `/readyz` is answered with 200.
    Http(SocketAddr),
}

impl Ready {
    pub(crate) async fn is_met(&self) -> bool {
        let look = async {
            match self {
                Self::Speaks(addr, question, answer) => {
                    speaks(*addr, question, answer).await.unwrap_or(false)
                }
                Self::Command(program, arguments) => {
                    let mut command = Command::new(program);
                    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                    command.kill_on_drop(true).status().await.is_ok_and(|status| status.success())
                }
                Self::Http(addr) => {
                    let request = Request::get("/readyz").header("host", addr.to_string());
                    let Ok(request) = request.body(Full::<Bytes>::default()) else { return false };
                    let reply = Pool::new(*addr).exchange(request, Duration::from_secs(2)).await;
                    reply.is_ok_and(|reply| reply.status.is_success())
                }
            }
        };
        timeout(Duration::from_secs(2), look).await.unwrap_or(false)
    }
}

async fn speaks(addr: SocketAddr, question: &str, answer: &str) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(question.as_bytes()).await?;
    let mut heard = [0; 16];
    let length = stream.read(&mut heard).await?;
    Ok(heard.get(..length).is_some_and(|heard| heard.starts_with(answer.as_bytes())))
}

/// A command that ends with this program, even if that is killed, and knows nothing of its surroundings.
pub(crate) fn command(program: &std::path::Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some((uid, gid)) = user {
        command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--clear-groups");
    }
    command.arg("--").arg(program);
    // What is set for some other system must not reach into this one.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ALDIA_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// A server with the command that starts it, again and again.
pub(crate) struct Server {
    pub(crate) name: String,
    make: Box<dyn Fn() -> Command + Send + Sync>,
    pub(crate) ready: Ready,
    log: PathBuf,
    process: Option<Process>,
    /// How often it was started.
    pub(crate) starts: u32,
}

impl Server {
    pub(crate) async fn start(
        name: impl Into<String>,
        log: PathBuf,
        ready: Ready,
        make: impl Fn() -> Command + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let name = name.into();
        let mut server = Self { name, make: Box::new(make), ready, log, process: None, starts: 0 };
        server.launch()?;
        server.until_ready().await?;
        Ok(server)
    }

    /// Waits until it is ready. One that ends is started again: what a killed one has left (a port, a piece of shared memory) may
    /// take a moment to go, and what it needs may have been away.
    pub(crate) async fn until_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while !self.ready.is_met().await {
            anyhow::ensure!(
                Instant::now() < deadline,
                "{} is not ready; it said:\n{}",
                self.name,
                self.said()
            );
            if self.process.as_mut().is_none_or(Process::has_ended) {
                sleep(BETWEEN_LOOKS * 4).await;
                self.launch()?;
            }
            sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    }

    /// Starts it and does not wait.
    pub(crate) fn launch(&mut self) -> anyhow::Result<()> {
        let log: File = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = (self.make)();
        command.stdout(log.try_clone()?).stderr(log);
        self.process = Some(Process::spawn(self.name.clone(), &mut command)?);
        self.starts += 1;
        Ok(())
    }

    /// The end of its log.
    fn said(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(15)).copied().collect::<Vec<_>>().join("\n")
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Ends it in order.
    pub(crate) async fn stop(&mut self, signal: Signal, longest: Duration) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        process.signal(signal)?;
        if process.wait(longest).await.is_err() {
            process.kill().await?;
        }
        Ok(())
    }

    /// SIGSTOP or SIGCONT, to it and to the processes it has started.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let process = self.process.as_ref().with_context(|| format!("{} does not run", self.name))?;
        process.signal(signal)?;
        let pid = process.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            // One that has ended meanwhile needs no signal.
            let _ = kill(Pid::from_raw(child), signal);
        }
        Ok(())
    }

    /// Its process, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(Process::has_ended)
    }

    pub(crate) fn log(&self) -> &std::path::Path {
        &self.log
    }
}
