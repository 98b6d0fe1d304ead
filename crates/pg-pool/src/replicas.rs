//! Which replica a read goes to, and when to none.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use telemetry::metrics::Metrics;
use telemetry::request::Part;

use crate::PgConfig;
use crate::conn::Conn;
use crate::error::PgError;
use crate::observe::Measures;
use crate::position::Position;
use crate::replica::{Replica, Standing};
use crate::replica_measures::{Reason, ReplicaMeasures};
use crate::status::ReplicaStatus;

/// Streaming delivers most commits within a round trip, so the first look again comes soon.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// The replicas of one primary; there is at least one.
#[derive(Debug)]
pub(crate) struct Replicas {
    members: Vec<Replica>,
    next: AtomicUsize,
    patience: Duration,
    measures: ReplicaMeasures,
}

impl Replicas {
    /// Makes the pools and registers their metrics; `None` when the settings name no replica.
    pub(crate) fn new(
        config: &PgConfig,
        pool_measures: &Measures,
        metrics: &Metrics,
    ) -> Result<Option<Self>, PgError> {
        if config.replica_urls.is_empty() {
            return Ok(None);
        }
        let measures = ReplicaMeasures::new(metrics);
        let members = config.of_replicas().enumerate();
        let members: Result<Vec<_>, PgError> = members
            .map(|(index, config)| Replica::new(index, &config, pool_measures, measures.lag(index)))
            .collect();
        let members = members?;
        ReplicaMeasures::watch(metrics, members.iter().map(|member| member.lender().clone()).collect());
        let patience = config.replica_patience();
        Ok(Some(Self { members, next: AtomicUsize::new(0), patience, measures }))
    }

    pub(crate) fn status(&self) -> Vec<ReplicaStatus> {
        self.members.iter().map(Replica::status).collect()
    }

    /// A connection to a replica that shows everything before this position, if one does within the patience. Otherwise the
    /// caller is to read from the primary, which is what gets counted.
    pub(crate) async fn reach(&self, position: Option<&Position>) -> Option<Conn> {
        let found = match position {
            Some(position) => {
                let started = Instant::now();
                let _waiting = telemetry::request::enter(Part::Pool);
                let found = self.find(position, started + self.patience).await;
                self.measures.wait.observe(started.elapsed().as_secs_f64());
                found
            }
            None => Err(Reason::NoToken),
        };
        self.measures.count(found.as_ref().err().copied().unwrap_or(Reason::Reached));
        found.ok()
    }

    /// Asks each replica once, the least busy first, and then waits for those that may still catch up.
    async fn find(&self, position: &Position, deadline: Instant) -> Result<Conn, Reason> {
        let mut behind = Vec::new();
        let mut is_other_cluster = false;
        let order = self.by_load();
        for (replica, unasked) in order.iter().copied().zip((1..=order.len()).rev()) {
            // One that hangs must leave the others their share.
            let share = left(deadline) / u32::try_from(unasked).unwrap_or(u32::MAX);
            match replica.ask(position, share).await {
                Standing::Reached(conn) => return Ok(conn),
                Standing::Behind => behind.push(replica),
                Standing::OtherCluster => is_other_cluster = true,
                Standing::Unavailable => {}
            }
        }
        match (behind.is_empty(), is_other_cluster) {
            (false, _) => wait(behind, position, deadline).await.ok_or(Reason::Behind),
            (true, true) => Err(Reason::OtherCluster),
            (true, false) => Err(Reason::Unavailable),
        }
    }

    /// The one with the fewest connections lent out first; among equals they take turns.
    fn by_load(&self) -> Vec<&Replica> {
        let count = self.members.len();
        let first = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(count).unwrap_or(0);
        let mut order: Vec<_> = self.members.iter().cycle().skip(first).take(count).collect();
        order.sort_by_cached_key(|replica| replica.load());
        order
    }
}

/// Looks again and again, with growing pauses. No connection is kept meanwhile: readers that wait must not take them from
/// those that could read.
async fn wait(mut behind: Vec<&Replica>, position: &Position, deadline: Instant) -> Option<Conn> {
    behind.retain(|replica| replica.may_catch_up());
    if behind.is_empty() {
        return None;
    }
    let mut pause = FIRST_PAUSE;
    // The second pause is time for an answer: one that is cut short costs its connection.
    while pause * 2 < left(deadline) {
        tokio::time::sleep(pause).await;
        for replica in &behind {
            if let Standing::Reached(conn) = replica.ask(position, left(deadline)).await {
                replica.waited(true);
                return Some(conn);
            }
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    for replica in behind {
        replica.waited(false);
    }
    None
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
