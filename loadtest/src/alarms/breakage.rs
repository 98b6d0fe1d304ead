//! How each fault is made, and how it is undone.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::load::Load;
use super::system::{Store, System};
use super::table::Fault;
use crate::freshness::link::Line;

/// Of each direction, so that a statement takes twice as long.
/// Four of them, which a new connection takes, are within the patience of a pool.
const DATABASE_DELAY: Duration = Duration::from_millis(300);
/// A call that takes 200 ms counts as unanswered, which is another fault.
const REDIS_DELAY: Duration = Duration::from_millis(70);
/// Enough to make two connections too few, and too little to make a statement slow.
const CROWDED_DELAY: Duration = Duration::from_millis(30);
const CROWD: usize = 16;
const WRITERS: usize = 3;
/// They never pause, so that the process is mostly at work when it is stopped: one that waits for the next request blocks nothing.
const STRAIGHT_READERS: usize = 4;
/// Of a process that stands still: so long, and so long until it does again.
const STANDS: Duration = Duration::from_millis(250);
const RUNS: Duration = Duration::from_millis(250);

/// The process that is killed or stands still: the second of two, so that the first goes on.
const VICTIM: &str = "catalog-1";

/// A fault that is there until it is mended.
pub(crate) struct Broken {
    fault: Fault,
    /// Clients who only come with the fault.
    clients: JoinSet<()>,
    /// What has to be done again and again.
    goes_on: Option<JoinHandle<()>>,
}

impl Fault {
    /// Makes it.
    pub(crate) async fn begin(self, system: &Arc<Mutex<System>>, load: &Load) -> anyhow::Result<Broken> {
        let mut broken = Broken { fault: self, clients: JoinSet::new(), goes_on: None };
        let mut held = system.lock().await;
        match self {
            Self::SlowDatabase => {
                held.set_line(Some("package-ledger"), Store::Postgres, Line::Slow(DATABASE_DELAY));
            }
            Self::FullDisk => {
                held.disk.as_ref().context("a small disk can be mounted by root alone")?.fill()?
            }
            Self::DeadUpstream => held.kill(VICTIM).await?,
            Self::ExhaustedPool => {
                held.set_line(Some("stories-feed"), Store::Postgres, Line::Slow(CROWDED_DELAY));
                broken.clients = load.crowd(CROWD)?;
            }
            Self::SlowRedis => {
                held.set_line(Some("package-ledger"), Store::Redis, Line::Slow(REDIS_DELAY));
                broken.clients = load.writers(WRITERS)?;
            }
            Self::BlockedLoop => {
                let [_, victim] = held.places.catalogs;
                broken.clients = load.straight(victim, STRAIGHT_READERS)?;
                broken.goes_on = Some(tokio::spawn(stutter(Arc::clone(system))));
            }
            Self::CutNats => held.set_line(None, Store::Nats, Line::Cut),
        }
        Ok(broken)
    }
}

impl Broken {
    /// Undoes it.
    pub(crate) async fn mend(mut self, system: &Arc<Mutex<System>>) -> anyhow::Result<()> {
        self.clients.abort_all();
        if let Some(goes_on) = self.goes_on.take() {
            goes_on.abort();
            // It must have ended, or it would stop the process after the signal below.
            let _ = goes_on.await;
        }
        let mut held = system.lock().await;
        match self.fault {
            Fault::SlowDatabase => held.set_line(Some("package-ledger"), Store::Postgres, Line::Open),
            Fault::FullDisk => held.disk.as_ref().context("there is no small disk")?.clear()?,
            Fault::DeadUpstream => held.revive(VICTIM).await?,
            Fault::ExhaustedPool => held.set_line(Some("stories-feed"), Store::Postgres, Line::Open),
            Fault::SlowRedis => held.set_line(Some("package-ledger"), Store::Redis, Line::Open),
            Fault::BlockedLoop => held.signal(VICTIM, Signal::SIGCONT)?,
            Fault::CutNats => held.set_line(None, Store::Nats, Line::Open),
        }
        Ok(())
    }
}

/// From inside a process its standing still is a loop that nobody ran: the same as a call that blocks it.
async fn stutter(system: Arc<Mutex<System>>) {
    loop {
        for (signal, pause) in [(Signal::SIGSTOP, STANDS), (Signal::SIGCONT, RUNS)] {
            // A process that has ended is noticed by everybody else.
            let _ = system.lock().await.signal(VICTIM, signal);
            sleep(pause).await;
        }
    }
}
