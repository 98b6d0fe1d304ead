//! The half of an edge that joins and renews.

use std::time::Duration;

use broadcast::{Broadcast, Subscription};
use bytes::Bytes;
use coherence::clock;
use futures_util::StreamExt as _;
use rand::distr::{Alphanumeric, SampleString as _};
use tokio::sync::watch;

use crate::edge::message::ping_subject;
use crate::edge::{Edge, JoinFailed, LeaseLost, PAUSE};
use crate::{LEASE, MARGIN, RENEW_EVERY};

/// How long a message to oneself may take.
const PING_PATIENCE: Duration = Duration::from_millis(200);
/// Before a renewal that failed is tried again.
const RETRY: Duration = Duration::from_millis(50);
/// Length of a session's name: never used twice, as good as certainly.
const NAME_CHARS: usize = 22;

/// What is left of a lease whose command was sent after `sent` was read: by then Redis can only have begun to count later.
fn until(sent: clock::Instant) -> clock::Instant {
    sent + LEASE.saturating_sub(MARGIN)
}

impl Edge {
    /// One session after the other, for ever.
    pub(super) async fn hold_sessions(&self) {
        loop {
            match self.join().await {
                Ok(mut session) => {
                    self.gained();
                    let reason = self.renew_until_lost(&mut session).await;
                    self.give_up(reason).await;
                }
                Err(reason) => {
                    self.give_up(LeaseLost::Interrupted).await;
                    self.observer.join_failed(reason);
                    tracing::debug!(domain = self.domain.as_str(), reason = reason.as_str(), "no lease yet");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// A session under a new name. The order is that of the module's documentation.
    async fn join(&self) -> Result<Session, JoinFailed> {
        let name = Alphanumeric.sample_string(&mut rand::rng(), NAME_CHARS);
        let mut interruptions = self.broadcast.interruptions();
        interruptions.mark_unchanged();
        let echo = Echo::new(&self.broadcast, ping_subject(&self.domain, &name)).await;
        let mut echo = echo.ok_or(JoinFailed::Nats)?;
        // Before joining: as soon as Redis knows the name a writer may want it.
        self.set_session(Some(name.clone()));
        if !echo.is_heard().await {
            return Err(JoinFailed::Nats);
        }
        let sent = clock::now();
        if let Err(error) = self.registry.join(&name).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a session cannot join");
            return Err(JoinFailed::Redis);
        }
        let session = Session { name, echo, interruptions, until: until(sent) };
        if session.is_interrupted() {
            return Err(JoinFailed::Interrupted);
        }
        self.tracker.grant(session.until);
        Ok(session)
    }

    async fn renew_until_lost(&self, session: &mut Session) -> LeaseLost {
        let mut pause = RENEW_EVERY;
        loop {
            tokio::select! {
                // An error says that the connection is closed.
                _ = session.interruptions.changed() => return LeaseLost::Interrupted,
                () = tokio::time::sleep(pause) => {}
            }
            pause = match self.renew(session).await {
                Renewal::Done => RENEW_EVERY,
                Renewal::Lost(reason) => return reason,
                Renewal::Failed(reason) if clock::now() >= session.until => return reason,
                Renewal::Failed(_) => RETRY,
            };
        }
    }

    async fn renew(&self, session: &mut Session) -> Renewal {
        let began = clock::now();
        if !session.echo.is_heard().await {
            return Renewal::Failed(LeaseLost::NatsSilent);
        }
        if session.is_interrupted() {
            return Renewal::Lost(LeaseLost::Interrupted);
        }
        let sent = clock::now();
        match self.registry.renew(&session.name).await {
            Ok(true) => {
                session.until = until(sent);
                self.tracker.extend(session.until);
                self.observer.lease_renewed(clock::now().saturating_sub(began));
                Renewal::Done
            }
            Ok(false) => Renewal::Lost(LeaseLost::Revoked),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a lease was not renewed");
                Renewal::Failed(LeaseLost::RedisSilent)
            }
        }
    }
}

/// One stay among the edges that writers wait for.
struct Session {
    name: String,
    echo: Echo,
    interruptions: watch::Receiver<u64>,
    /// Until when the tracker may answer.
    until: clock::Instant,
}

impl Session {
    /// Whether messages may have been missed since before it joined.
    fn is_interrupted(&self) -> bool {
        // An error says that the connection is closed.
        self.interruptions.has_changed().unwrap_or(true)
    }
}

/// What became of a renewal.
enum Renewal {
    Done,
    /// It may succeed yet, as long as the lease holds; else it was lost for this reason.
    Failed(LeaseLost),
    Lost(LeaseLost),
}

/// Messages to oneself: proof that NATS takes and brings.
struct Echo {
    broadcast: Broadcast,
    subject: String,
    heard: Subscription,
    calls: u64,
}

impl Echo {
    async fn new(broadcast: &Broadcast, subject: String) -> Option<Self> {
        // What is wrong shows when nothing is heard.
        let heard = broadcast.subscribe(&subject).await.ok()?;
        Some(Self { broadcast: broadcast.clone(), subject, heard, calls: 0 })
    }

    async fn is_heard(&mut self) -> bool {
        self.calls += 1;
        let call = Bytes::from(self.calls.to_string());
        let heard = async {
            self.broadcast.publish(&self.subject, None, call.clone()).await.ok()?;
            // An echo of an earlier call proves nothing about now.
            while self.heard.next().await?.payload != call {}
            Some(())
        };
        matches!(tokio::time::timeout(PING_PATIENCE, heard).await, Ok(Some(())))
    }
}
