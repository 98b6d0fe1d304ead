//! Telling the edges that a write happened, and waiting until none of them can answer with what was before it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use broadcast::Broadcast;
use futures_util::StreamExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::edge::message::{Invalidation, encode, invalidate_subject, unix_ms};
use crate::{ACK_PATIENCE, Domain, FreshnessError, Groups, LEASE, Registry};

/// Between two attempts to revoke, while Redis does not answer.
const REVOKE_PAUSE: Duration = Duration::from_millis(50);
/// How long revoking is tried. Past it the write stays unacknowledged.
const REVOKE_PATIENCE: Duration = LEASE.saturating_mul(2);
/// Between two attempts to listen for answers.
const LISTEN_PAUSE: Duration = Duration::from_millis(250);

/// An edge that held a lease when the write was stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) session: String,
    pub(crate) remaining: Duration,
}

/// What is to be told.
#[derive(Debug)]
pub(crate) struct Announcement<'a> {
    pub(crate) groups: &'a Groups,
    /// Who must have heard it, or be without a lease, before the write is acknowledged.
    pub(crate) holders: Vec<Holder>,
    /// How long leases may live on that this life of Redis does not know of.
    pub(crate) quarantine: Duration,
    /// When the transaction committed. For measuring only.
    pub(crate) committed_at: SystemTime,
}

/// How an announcement ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Edges that said they applied it.
    pub(crate) acked: usize,
    /// Edges that said nothing and lost their lease.
    pub(crate) revoked: usize,
    /// How long all of it took.
    pub(crate) waited: Duration,
}

/// Announces the writes of one process to the edges of one domain. Clones share one subscription for the answers: a
/// subscription per write would cost every write a message to the server.
#[derive(Clone)]
pub(crate) struct Announcer {
    inner: Arc<Inner>,
}

struct Inner {
    broadcast: Broadcast,
    subject: String,
    /// Answers to announcement 7 come to `<inbox>.7`.
    inbox: String,
    next: AtomicU64,
    waiting: Arc<Waiting>,
    listener: AbortHandle,
}

type Answers = mpsc::UnboundedSender<String>;

/// Announcements that wait for answers, by their number. A std mutex: held for a look-up, never across an await.
#[derive(Default)]
struct Waiting {
    by_id: Mutex<HashMap<u64, Answers>>,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Answers>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an answer on. One that comes after its announcement has ended is of no use.
    fn deliver(&self, subject: &str, session: String) {
        let Some(id) = subject.rsplit('.').next().and_then(|id| id.parse::<u64>().ok()) else { return };
        if let Some(answers) = self.lock().get(&id) {
            // A receiver that is gone has just ended: as above.
            let _ = answers.send(session);
        }
    }
}

/// Takes the announcement off the list, however its future ends.
struct Registered<'a> {
    waiting: &'a Waiting,
    id: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.waiting.lock().remove(&self.id);
    }
}

impl fmt::Debug for Announcer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announcer").field("subject", &self.inner.subject).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Announcer {
    /// Listens for answers from now on, in a task that ends with the last clone. Must be called inside a tokio runtime.
    pub(crate) fn start(broadcast: Broadcast, domain: &Domain) -> Self {
        let (inbox, waiting) = (broadcast.new_inbox(), Arc::<Waiting>::default());
        let listener = tokio::spawn(listen(broadcast.clone(), format!("{inbox}.*"), Arc::clone(&waiting)));
        let inner = Inner {
            broadcast,
            subject: invalidate_subject(domain),
            inbox,
            next: AtomicU64::new(1),
            waiting,
            listener: listener.abort_handle(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Returns when no edge can answer any more with a state of the groups from before the write: each holder has said that
    /// it applied the invalidation, or its lease was revoked and has run out; and so has every lease of an earlier life of
    /// Redis. Without NATS all are revoked at once.
    ///
    /// # Errors
    /// When silent edges could not be revoked because Redis does not answer. They may still answer with the old state: the
    /// write must not be acknowledged.
    pub(crate) async fn announce(
        &self,
        registry: &Registry,
        announcement: Announcement<'_>,
    ) -> Result<Told, FreshnessError> {
        let began = Instant::now();
        let mut until = began + announcement.quarantine;
        let holders = announcement.holders.len();
        let silent = if holders == 0 { Vec::new() } else { self.tell(&announcement).await };
        if !silent.is_empty() {
            tracing::warn!(
                silent = silent.len(),
                holders,
                "edges did not confirm a write, their leases are revoked"
            );
            let remaining = revoke(registry, &silent).await?;
            until = until.max(Instant::now() + remaining);
        }
        tokio::time::sleep_until(until).await;
        Ok(Told { acked: holders - silent.len(), revoked: silent.len(), waited: began.elapsed() })
    }

    /// Gives the sessions that did not answer in time.
    async fn tell(&self, announcement: &Announcement<'_>) -> Vec<String> {
        let inner = &*self.inner;
        let mut silent: HashSet<String> =
            announcement.holders.iter().map(|holder| holder.session.clone()).collect();
        let (sender, mut answers) = mpsc::unbounded_channel();
        let id = inner.next.fetch_add(1, Ordering::Relaxed);
        inner.waiting.lock().insert(id, sender);
        let _registered = Registered { waiting: &inner.waiting, id };
        let mut interruptions = inner.broadcast.interruptions();
        interruptions.mark_unchanged();
        let deadline = Instant::now() + ACK_PATIENCE;
        if let Err(reason) = self.publish(id, announcement).await {
            tracing::warn!(reason, "an invalidation could not be sent");
            return silent.into_iter().collect();
        }
        while !silent.is_empty() {
            tokio::select! {
                Some(session) = answers.recv() => { silent.remove(&session); }
                () = disconnected(&inner.broadcast, &mut interruptions) => break,
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
        silent.into_iter().collect()
    }

    async fn publish(&self, id: u64, announcement: &Announcement<'_>) -> Result<(), String> {
        let inner = &*self.inner;
        let invalidation = Invalidation {
            id: format!("{}.{id}", inner.inbox),
            committed_at_ms: unix_ms(announcement.committed_at),
            groups: announcement.groups.iter().map(|group| group.as_str().to_owned()).collect(),
        };
        let payload = encode(&invalidation).map_err(|error| error.to_string())?;
        let sent = inner.broadcast.publish(&inner.subject, Some(&invalidation.id), payload).await;
        sent.map_err(|error| error.to_string())
    }
}

/// Ends when the connection is lost. A connection made is no reason to stop waiting.
async fn disconnected(broadcast: &Broadcast, interruptions: &mut watch::Receiver<u64>) {
    loop {
        if interruptions.changed().await.is_err() || !broadcast.is_connected() {
            return;
        }
    }
}

/// Gives the longest that one of the sessions may still answer.
async fn revoke(registry: &Registry, silent: &[String]) -> Result<Duration, FreshnessError> {
    let deadline = Instant::now() + REVOKE_PATIENCE;
    loop {
        match registry.revoke(silent).await {
            Ok(remaining) => return Ok(remaining),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "revoking is tried again")
            }
        }
        tokio::time::sleep(REVOKE_PAUSE).await;
    }
}

/// Hands answers to those who wait for them, for ever.
async fn listen(broadcast: Broadcast, inbox: String, waiting: Arc<Waiting>) {
    loop {
        match broadcast.subscribe(&inbox).await {
            Ok(mut answers) => {
                while let Some(answer) = answers.next().await {
                    // What is not text names no session.
                    if let Ok(session) = String::from_utf8(answer.payload.to_vec()) {
                        waiting.deliver(&answer.subject, session);
                    }
                }
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "cannot listen for answers yet");
            }
        }
        tokio::time::sleep(LISTEN_PAUSE).await;
    }
}
