//! One round of one case by one way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::Full;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::cases::{Case, Leftover, Way};
use super::gauge::{Gauge, Use};
use super::media::Media;
use super::peers;
use super::send::{Connection, Sent, path_of};
use super::system::System;
use super::wire::Written;
use crate::freshness::pool::Pool;

/// Nobody waits longer for an upload.
const LONGEST: Duration = Duration::from_secs(600);
const LONGEST_DELETE: Duration = Duration::from_secs(30);

/// What one round gave.
#[derive(Debug)]
pub(crate) struct Round {
    /// Of those that were answered.
    pub(crate) sent: Vec<Sent>,
    /// Why the others were not.
    pub(crate) failed: Vec<String>,
    /// From the first to the last.
    pub(crate) wall: Duration,
    pub(crate) uses: Vec<Use>,
    /// Bytes that each had written when the first one was done.
    pub(crate) progress: Vec<u64>,
}

impl Round {
    /// Uploads that ended well.
    pub(crate) fn good(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|sent| sent.status.is_success())
    }

    pub(crate) fn attempts(&self) -> usize {
        self.sent.len() + self.failed.len()
    }
}

/// Everything that rounds share.
pub(crate) struct Bench {
    pub(crate) system: System,
    /// One person for each upload.
    pub(crate) bearers: Vec<HeaderValue>,
}

impl Bench {
    /// Sends all uploads of a case at once, each on a connection that is open already, and removes what came of them.
    pub(crate) async fn round(&self, case: Case, way: &Way, media: &Arc<Media>) -> anyhow::Result<Round> {
        let mut connections = Vec::new();
        for _ in 0..case.uploads {
            connections.push(Connection::open(way.addr, case.segments).await?);
        }
        let written: Arc<Vec<Arc<Written>>> = Arc::new(connections.iter().map(Connection::written).collect());
        let is_first = Arc::new(AtomicBool::new(true));
        let gauge = Gauge::begin(&way.watched)?;
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for (number, mut connection) in connections.into_iter().enumerate() {
            let (speech, media) = (way.speech(number), Arc::clone(media));
            let bearer = if way.is_ours() { self.bearers.get(number).cloned() } else { None };
            let (written, is_first) = (Arc::clone(&written), Arc::clone(&is_first));
            tasks.spawn(async move {
                let sent = timeout(LONGEST, connection.upload(&speech, &media, bearer.as_ref())).await;
                let progress = is_first
                    .swap(false, Ordering::Relaxed)
                    .then(|| written.iter().map(|written| written.bytes()).collect::<Vec<_>>());
                let ended = Instant::now();
                (number, sent.unwrap_or_else(|_| Err(anyhow::anyhow!("given up"))), progress, ended)
            });
        }
        let (mut sent, mut failed, mut progress, mut wall) =
            (Vec::new(), Vec::new(), Vec::new(), Duration::ZERO);
        while let Some(ended) = tasks.join_next().await {
            let (number, outcome, first, at) = ended?;
            wall = wall.max(at - began);
            progress.extend(first.into_iter().flatten());
            match outcome {
                Ok(one) => sent.push((number, one)),
                Err(error) => failed.push(format!("{error:#}")),
            }
        }
        let uses = gauge.end()?;
        self.remove(way, &sent).await.with_context(|| format!("tidying up after {}", way.name))?;
        let sent = sent.into_iter().map(|(_, sent)| sent).collect();
        Ok(Round { sent, failed, wall, uses, progress })
    }

    /// At once, so that what was received is not written to the disk while another way is measured.
    async fn remove(&self, way: &Way, sent: &[(usize, Sent)]) -> anyhow::Result<()> {
        match &way.leftover {
            Leftover::Nothing => return Ok(()),
            Leftover::Files(folder) => return peers::empty(folder),
            Leftover::Assets => {}
        }
        let pool = Pool::new(self.system.service_addr);
        for (number, sent) in sent.iter().filter(|(_, sent)| sent.status.is_success()) {
            let (Some(location), Some(bearer)) = (&sent.location, self.bearers.get(*number)) else {
                anyhow::bail!("an upload ended nowhere");
            };
            let request = Request::delete(path_of(location))
                .header(header::HOST, self.system.service_addr.to_string())
                .header(header::AUTHORIZATION, bearer.clone())
                .header(header::IF_MATCH, "*")
                .body(Full::<Bytes>::default())?;
            let reply = pool.exchange(request, LONGEST_DELETE).await;
            let reply = reply.map_err(|failure| anyhow::anyhow!("DELETE {location}: {}", failure.label()))?;
            anyhow::ensure!(
                reply.status.is_success(),
                "DELETE {location}: {} {}",
                reply.status,
                String::from_utf8_lossy(&reply.body)
            );
        }
        self.system.reconcile(false).await.map(|_| ())
    }
}
