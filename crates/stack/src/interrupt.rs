//! Ctrl-C and SIGTERM end a command early, but never without its cleaning up.
use std::future::Future;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// The command was told to stop.
#[derive(Debug, thiserror::Error)]
#[error("interrupted by {name}")]
pub(crate) struct Interrupted {
    name: &'static str,
    number: u8,
}

impl Interrupted {
    /// The exit code shells use for this signal.
    pub(crate) fn exit_code(&self) -> u8 {
        128 + self.number
    }
}

/// Listens for the signals that mean "stop". Once made, they no longer end this process by themselves, so that the
/// cleaning up that follows is not cut short by an impatient second Ctrl-C.
pub(crate) struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Interrupts {
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the first of them.
    pub(crate) async fn next(&mut self) -> Interrupted {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupted { name: "SIGINT", number: 2 },
            _ = self.terminate.recv() => Interrupted { name: "SIGTERM", number: 15 },
            _ = self.hangup.recv() => Interrupted { name: "SIGHUP", number: 1 },
        }
    }

    /// Runs `work` unless a signal comes first; then `work` is dropped and the interruption is the error.
    pub(crate) async fn guard<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            interrupted = self.next() => Err(interrupted.into()),
        }
    }
}
