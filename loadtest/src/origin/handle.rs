//! The drill's side of an origin: starts it, hurts it, reads what it did.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum as _;
use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::{Mode, Records};
use crate::process::{Process, own_program};

/// How long an answer to `/drip/ID` takes.
pub(crate) const DRIP: Duration = Duration::from_millis(1500);
/// How long an answer to `/work/ID` takes in mode `slow`.
const SLOW: Duration = Duration::from_secs(3);
const LONGEST_START: Duration = Duration::from_secs(10);

/// A running origin.
pub(crate) struct Origin {
    addr: SocketAddr,
    record: PathBuf,
    delay: Duration,
    running: Running,
}

struct Running {
    process: Process,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What can be wrong with an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL; started again to recover.
    Killed,
    /// SIGSTOP; connections are still accepted, by the kernel.
    Paused,
    /// Alive, and answering like this.
    Mode(Mode),
}

impl Origin {
    /// Starts one on a free port; `delay` is what a good answer takes.
    pub(crate) async fn start(folder: &Path, name: &str, delay: Duration) -> anyhow::Result<Self> {
        let record = folder.join(format!("{name}.record"));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (running, addr) = launch(any, &record, delay).await?;
        Ok(Self { addr, record, delay, running })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its process; another one after it was killed and healed.
    pub(crate) fn pid(&self) -> u32 {
        self.running.process.pid()
    }

    pub(crate) fn records(&self) -> anyhow::Result<Records> {
        Records::read(&self.record)
    }

    pub(crate) async fn hurt(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Killed => self.running.process.kill().await,
            Fault::Paused => self.running.process.signal(Signal::SIGSTOP),
            Fault::Mode(mode) => self.set_mode(mode).await,
        }
    }

    /// Undoes [`Self::hurt`]; it serves again when this returns.
    pub(crate) async fn heal(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Killed => {
                let (running, _) = launch(self.addr, &self.record, self.delay).await?;
                self.running = running;
                Ok(())
            }
            Fault::Paused => self.running.process.signal(Signal::SIGCONT),
            Fault::Mode(_) => self.set_mode(Mode::Normal).await,
        }
    }

    async fn set_mode(&mut self, mode: Mode) -> anyhow::Result<()> {
        let name = mode.to_possible_value().context("a mode without a name")?;
        self.running.stdin.write_all(format!("{}\n", name.get_name()).as_bytes()).await?;
        let confirmed = timeout(LONGEST_START, self.running.lines.next_line()).await.context("no word")??;
        anyhow::ensure!(confirmed.as_deref() == Some(name.get_name()), "an origin does not obey");
        Ok(())
    }
}

async fn launch(bind: SocketAddr, record: &Path, delay: Duration) -> anyhow::Result<(Running, SocketAddr)> {
    let mut command = Command::new(own_program()?);
    command
        .arg("origin")
        .args(["--mode", "normal"])
        .args(["--bind", &bind.to_string()])
        .args(["--delay-ms", &delay.as_millis().to_string()])
        .args(["--slow-ms", &SLOW.as_millis().to_string()])
        .arg("--record")
        .arg(record)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut process = Process::spawn("an origin", &mut command)?;
    let (stdin, stdout) = process.take_pipes()?;
    let mut lines = BufReader::new(stdout).lines();
    let first = timeout(LONGEST_START, lines.next_line()).await.context("an origin does not start")??;
    let addr = first.context("an origin ended at once")?.parse()?;
    Ok((Running { process, stdin, lines }, addr))
}
