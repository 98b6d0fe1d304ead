//! The relay: from the outbox table to JetStream, in order, each event at least once.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::PublishErrorKind;
use pg_pool::{PgError, PgPool};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use std::sync::atomic::AtomicU64;
use telemetry::metrics::Metrics;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::bus::{Bus, BusError};
use crate::outbox;
use crate::publish::{Outcome, publish};
use crate::session::Session;
use crate::{Shutdown, stopped};

/// How long an idle relay waits before it looks without being woken.
const POLL: Duration = Duration::from_millis(250);
/// Looks at the usual pace while another relay is on duty. A lock that was left just now may take a moment to be free.
const QUICK_LOOKS: u32 = 4;
/// The pause between later looks is at least this long, so that standing by costs next to nothing…
const STANDBY_MILLIS: u64 = 2000;
/// …and up to this much longer, so that those who stand by do not all come at once.
const STANDBY_JITTER_MILLIS: u64 = 3000;
/// The longest pause after repeated failures.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Events read, published and marked at a time: one round trip each, and little to repeat after a crash.
const BATCH: i64 = 256;
/// How long published rows stay, to be looked at.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
/// Rows deleted by one statement: short locks, short transactions.
const PURGE_BATCH: i64 = 1000;
const PURGE_EVERY: Duration = Duration::from_secs(60);
const OBSERVE_EVERY: Duration = Duration::from_secs(1);
/// How long the last pass after the shutdown signal may take. What it leaves is published by the next process.
const LAST_PASS: Duration = Duration::from_secs(3);

/// Why a pass ended early. Nothing is lost: the rows are still there.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The outbox could not be read or marked.
    #[error("the outbox cannot be read")]
    Database(#[from] PgError),
    /// NATS is away or refuses a stream.
    #[error("events cannot be published")]
    Bus(#[from] BusError),
}

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Whether this relay is the one on duty; another may be.
    pub on_duty: bool,
    /// Events acknowledged by JetStream and marked.
    pub published: usize,
    /// Aggregates whose next event was refused; their later events wait behind it.
    pub held: usize,
}

/// Wakes the relay. Clones wake the same one.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// Call it after a commit that enqueued something: the event leaves now instead of at the next look. Cheap; many
    /// calls are one.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

#[derive(Clone, Debug, Default)]
struct Meters {
    unpublished: Gauge,
    lag: Gauge<f64, AtomicU64>,
    published: Counter,
    failures: Counter,
}

impl Meters {
    fn new(metrics: &Metrics) -> Self {
        let meters = Self::default();
        metrics.register(
            "outbox_unpublished",
            "Events waiting to be published",
            None,
            meters.unpublished.clone(),
        );
        let help = "Age of the oldest event waiting to be published";
        metrics.register("outbox_lag", help, Some(Unit::Seconds), meters.lag.clone());
        metrics.register(
            "outbox_published",
            "Events acknowledged by JetStream",
            None,
            meters.published.clone(),
        );
        let help = "Publications refused or not acknowledged in time";
        metrics.register("outbox_publish_failures", help, None, meters.failures.clone());
        meters
    }
}

/// Publishes the outbox of one database. Any number may run; the one that holds the database's advisory lock works, the
/// others stand by. While on duty it keeps one connection of the pool.
pub struct Relay {
    pool: PgPool,
    bus: Bus,
    client: String,
    meters: Meters,
    waker: Arc<Notify>,
    session: Option<Session>,
    /// The connection (by count) on which streams were last declared.
    declared_on: Option<u64>,
    /// Refused events already reported, so that a stuck one is an error once and not at every pass.
    reported: HashSet<Uuid>,
    observed: Option<Instant>,
    purged: Option<Instant>,
}

impl Relay {
    /// A relay that names itself `client` in its spans. Registers its metrics: once per process.
    pub fn new(pool: PgPool, bus: Bus, client: impl Into<String>, metrics: &Metrics) -> Self {
        Self {
            pool,
            bus,
            client: client.into(),
            meters: Meters::new(metrics),
            waker: Arc::new(Notify::new()),
            session: None,
            declared_on: None,
            reported: HashSet::new(),
            observed: None,
            purged: None,
        }
    }

    /// What wakes this relay.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.waker))
    }

    /// Publishes until the process is to stop, then once more what the last requests left behind. Faults are logged and
    /// retried with growing pauses; a new connection to NATS ends the pause.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        let mut connections = self.bus.connections();
        let (mut failures, mut looks) = (0_u32, 0_u32);
        while !*shutdown.borrow() {
            connections.mark_unchanged();
            let stop = shutdown.clone();
            let calm = match self.drain(|| *stop.borrow()).await {
                Ok(pass) if !pass.on_duty => {
                    failures = 0;
                    looks = looks.saturating_add(1);
                    // Neither a waker nor NATS can put this relay on duty.
                    tokio::select! {
                        () = stopped(&mut shutdown) => {}
                        () = tokio::time::sleep(standby_pause(looks)) => {}
                    }
                    continue;
                }
                Ok(pass) => {
                    looks = 0;
                    if failures > 0 && pass.held == 0 {
                        tracing::info!(published = pass.published, "events are published again");
                    }
                    failures = if pass.held == 0 { 0 } else { failures.saturating_add(1) };
                    true
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    report(&error, failures);
                    false
                }
            };
            self.maintain().await;
            tokio::select! {
                () = stopped(&mut shutdown) => {}
                () = tokio::time::sleep(pause(failures)) => {}
                // A waker cannot bring NATS back; during an outage it would only make the pause useless.
                () = self.waker.notified(), if calm => {}
                Ok(()) = connections.changed() => {}
            }
        }
        if self.bus.is_connected()
            && let Ok(Err(error)) = tokio::time::timeout(LAST_PASS, self.pass()).await
        {
            report(&error, 1);
        }
    }

    /// One pass: publishes what is waiting now and returns.
    ///
    /// # Errors
    /// [`RelayError`] when the database or NATS is away; what was published until then is marked.
    pub async fn pass(&mut self) -> Result<Pass, RelayError> {
        self.drain(|| false).await
    }

    async fn drain(&mut self, stop: impl Fn() -> bool) -> Result<Pass, RelayError> {
        let mut held = Vec::new();
        let mut pass = Pass::default();
        loop {
            let batch = self.batch(&mut held).await;
            if matches!(batch, Err(RelayError::Database(_))) {
                // The lock may be gone with the connection: start anew.
                self.session = None;
            }
            let Some((read, published)) = batch? else { return Ok(pass) };
            pass.on_duty = true;
            pass.published = pass.published.saturating_add(published);
            pass.held = held.len();
            if read < BATCH || stop() {
                if held.is_empty() {
                    self.reported.clear();
                }
                return Ok(pass);
            }
        }
    }

    /// Reads, publishes and marks one batch; `None` when another relay is on duty. Returns rows read and published.
    async fn batch(&mut self, held: &mut Vec<String>) -> Result<Option<(i64, usize)>, RelayError> {
        if self.session.is_none() {
            self.session = Session::open(&self.pool).await?;
        }
        let Some(session) = &mut self.session else { return Ok(None) };
        let rows = session.run(async |conn| outbox::unpublished(conn, held, BATCH).await).await?;
        let read = i64::try_from(rows.len()).unwrap_or(BATCH);
        if rows.is_empty() {
            return Ok(Some((0, 0)));
        }
        if !self.bus.is_connected() {
            return Err(BusError::NotConnected.into());
        }
        let connection = *self.bus.connections().borrow();
        if self.declared_on != Some(connection) {
            self.bus.ensure_declared().await?;
            self.declared_on = Some(connection);
        }
        let Outcome { published, refused, away } = publish(&self.bus, &self.client, rows).await;
        if !published.is_empty() {
            session.run(async |conn| outbox::mark_published(conn, &published).await).await?;
            self.meters.published.inc_by(u64::try_from(published.len()).unwrap_or_default());
        }
        for refusal in refused {
            self.meters.failures.inc();
            if matches!(refusal.error.kind(), PublishErrorKind::StreamNotFound) {
                self.declared_on = None;
            }
            if !away && self.reported.insert(refusal.id) {
                tracing::error!(
                    id = %refusal.id, subject = refusal.subject, aggregate = refusal.aggregate, error = %refusal.error,
                    "event cannot be published; later events of its aggregate wait behind it"
                );
            }
            held.push(refusal.aggregate);
        }
        if away { Err(BusError::NotConnected.into()) } else { Ok(Some((read, published.len()))) }
    }

    /// Measures and cleans up now and then, while on duty. Failing is no fault of publishing: the next time will do.
    async fn maintain(&mut self) {
        let Some(session) = &mut self.session else { return };
        if due(&mut self.observed, OBSERVE_EVERY) {
            match session.run(async |conn| outbox::backlog(conn).await).await {
                Ok(backlog) => {
                    self.meters.unpublished.set(backlog.unpublished);
                    self.meters.lag.set(backlog.oldest_secs);
                }
                Err(error) => return self.lost(&error),
            }
        }
        if let Some(session) = &mut self.session
            && due(&mut self.purged, PURGE_EVERY)
        {
            let purged = session
                .run(async |conn| outbox::purge(conn, RETENTION.as_secs_f64(), PURGE_BATCH).await)
                .await;
            match purged {
                // A full batch: there is more, go on at the next round instead of in a minute.
                Ok(rows) if i64::try_from(rows).is_ok_and(|rows| rows == PURGE_BATCH) => self.purged = None,
                Ok(_) => {}
                Err(error) => self.lost(&error),
            }
        }
    }

    fn lost(&mut self, error: &PgError) {
        tracing::warn!(error = error as &dyn std::error::Error, "outbox maintenance failed");
        self.session = None;
    }
}

/// Whether `every` has passed since `last`, which then becomes now.
fn due(last: &mut Option<Instant>, every: Duration) -> bool {
    if last.is_some_and(|at| at.elapsed() < every) {
        return false;
    }
    *last = Some(Instant::now());
    true
}

/// Doubles with every failure in a row.
fn pause(failures: u32) -> Duration {
    POLL.saturating_mul(2_u32.saturating_pow(failures.min(8))).min(MAX_PAUSE).max(POLL)
}

/// After so many looks at a lock that another relay holds.
fn standby_pause(looks: u32) -> Duration {
    if looks <= QUICK_LOOKS {
        return POLL;
    }
    let (_, random) = Uuid::new_v4().as_u64_pair();
    Duration::from_millis(STANDBY_MILLIS + random % STANDBY_JITTER_MILLIS)
}

/// An outage is a warning when it begins; its repetitions are only of interest to someone who looks.
fn report(error: &RelayError, failures: u32) {
    let error = error as &dyn std::error::Error;
    if failures == 1 {
        tracing::warn!(error, "events wait in the outbox");
    } else {
        tracing::debug!(error, failures, "events still wait in the outbox");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{MAX_PAUSE, POLL, QUICK_LOOKS, pause, standby_pause};

    #[test]
    fn the_pause_doubles_up_to_its_bound() {
        assert_eq!(pause(0), POLL);
        assert_eq!(pause(1), POLL * 2);
        assert_eq!(pause(u32::MAX), MAX_PAUSE);
    }

    #[test]
    fn standing_by_is_slow_once_it_is_clear_that_another_is_on_duty() {
        assert_eq!(standby_pause(1), POLL);
        let pauses =
            (0..100).map(|_| standby_pause(QUICK_LOOKS + 1)).collect::<std::collections::HashSet<_>>();
        assert!(pauses.len() > 1, "not all at once");
        let bounds = Duration::from_secs(2)..Duration::from_secs(5);
        assert!(pauses.iter().all(|pause| bounds.contains(pause)), "{pauses:?}");
    }
}
