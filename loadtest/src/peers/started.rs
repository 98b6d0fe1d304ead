//! A peer that runs.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use http::HeaderValue;
use nix::sys::signal::Signal;

use super::ask::Ask;
use super::asks;
use super::guard::Watched;
use super::peer::Peer;
use super::workload::Workload;
use crate::freshness::server::Server;
use crate::stories::cpu;
use crate::upload;

/// How long a peer gets to end in order.
const LONGEST_STOP: Duration = Duration::from_secs(5);

/// A peer that answers, until it is stopped or dropped.
pub(crate) struct Started {
    peer: Peer,
    running: Box<Running>,
    /// Of its answer to the workload that is asked by tag.
    tag: Option<HeaderValue>,
}

/// The server of a peer.
pub(super) struct Running {
    pub(super) server: Server,
    pub(super) addr: SocketAddr,
    /// Where files lie that it was sent.
    pub(super) received: Option<PathBuf>,
    /// After the server, so that what this kills is what the server has left.
    pub(super) _workers: Watched,
}

impl Started {
    pub(super) fn new(peer: Peer, running: Running, tag: Option<HeaderValue>) -> Self {
        Self { peer, running: Box::new(running), tag }
    }

    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.addr
    }

    /// The request of a workload; none where it makes no sense here.
    pub(crate) fn ask(&self, workload: Workload) -> Option<Ask> {
        asks::of(self.peer, workload, self.tag.as_ref())
    }

    /// Its first process and all below it, as they are now.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.running.server.pid().map(cpu::tree).unwrap_or_default()
    }

    /// Removes the files that it was sent, so that they are never written to the disk while something else is measured.
    pub(crate) fn empty(&self) -> anyhow::Result<()> {
        self.running.received.as_deref().map_or(Ok(()), upload::peers::empty)
    }

    /// How long the files are that it was sent and that still lie there.
    pub(super) fn received_bytes(&self) -> anyhow::Result<Vec<u64>> {
        let Some(folder) = &self.running.received else { return Ok(Vec::new()) };
        let files = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        files.map(|file| Ok(file?.metadata()?.len())).collect()
    }

    /// Ends it and all that it has started, in order where it can.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.running.server.stop(Signal::SIGTERM, LONGEST_STOP).await
    }
}
