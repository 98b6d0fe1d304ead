//! The real program with a configuration that changes, and a client that sees every byte.

use std::net::SocketAddr;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use test_harness::{Process, wait_until};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::instance::{content_length, metric, read_head};
use crate::harness::{ConfigFile, PATIENCE};

/// A gateway as it is started by an operator.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) addr: SocketAddr,
    pub(crate) base: String,
    pub(crate) admin: String,
    config: ConfigFile,
    listeners: String,
}

impl Running {
    pub(crate) async fn start(rest: &str) -> Self {
        let (public, admin) = (test_harness::free_port(), test_harness::free_port());
        let listeners = format!(
            "[http]\nbind = \"127.0.0.1:{public}\"\nworkers = 2\n[admin]\nbind = \"127.0.0.1:{admin}\"\n"
        );
        let config = ConfigFile::new(&format!("{listeners}{rest}"));
        let program = env!("CARGO_BIN_EXE_gateway");
        let mut process = Process::spawn_at(program, &["serve", "--config", config.path()], &[]);
        process.wait_ready(&format!("http://127.0.0.1:{admin}/readyz")).await;
        let addr = SocketAddr::from(([127, 0, 0, 1], public));
        let base = format!("http://{addr}");
        Self { process, addr, base, admin: format!("http://127.0.0.1:{admin}"), config, listeners }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.process.id()).unwrap()), signal).unwrap();
    }

    /// Stops the program until it is thawed, and waits until it has stopped.
    pub(crate) async fn freeze(&self) {
        self.process.freeze();
        let tasks = format!("/proc/{}/task", self.process.id());
        wait_until("every thread to stop", PATIENCE, async || {
            std::fs::read_dir(&tasks).unwrap().all(|task| {
                let stat = std::fs::read_to_string(task.unwrap().path().join("stat"));
                stat.is_ok_and(|stat| stat.contains(") T "))
            })
        })
        .await;
    }

    /// How often the configuration was read again with this outcome.
    pub(crate) async fn reloads(&self, outcome: &str) -> u64 {
        metric(&self.admin, "gateway_configuration_reloads_total", &format!("reason=\"{outcome}\"")).await
    }

    /// Writes another configuration, says so, and waits for the outcome.
    pub(crate) async fn reload(&self, rest: &str, outcome: &str) {
        let before = self.reloads(outcome).await;
        std::fs::write(&self.config.0, format!("{}{rest}", self.listeners)).unwrap();
        self.signal(Signal::SIGHUP);
        wait_until("the configuration to be read", PATIENCE, async || self.reloads(outcome).await > before)
            .await;
    }

    /// Asks for a path and returns status and content.
    pub(crate) async fn ask(&self, path: &str) -> (u16, String) {
        let answer = reqwest::get(format!("{}{path}", self.base)).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

/// A client's connection.
pub(crate) struct Wire(BufStream<TcpStream>);

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Whether the connection ends with it.
    pub(crate) fn closes(&self) -> bool {
        self.head.contains("\r\nconnection: close\r\n")
    }
}

impl Wire {
    pub(crate) async fn to(addr: SocketAddr) -> Self {
        Self::new(TcpStream::connect(addr).await.unwrap())
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self(BufStream::new(stream))
    }

    /// Whoever has closed already reads no more; what it said before can still be read.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
        let _ = self.0.flush().await;
    }

    pub(crate) async fn head(&mut self) -> Option<String> {
        timeout(PATIENCE, read_head(&mut self.0)).await.unwrap()
    }

    pub(crate) async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        timeout(PATIENCE, self.0.read_exact(&mut bytes)).await.unwrap().ok()?;
        Some(bytes)
    }

    /// An answer whose length is announced; `None` when the connection ends before it does.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let head = self.head().await?;
        let body = self.exactly(content_length(&head)).await?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Answer { status, head, body })
    }
}
