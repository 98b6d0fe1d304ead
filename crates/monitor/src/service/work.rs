//! Connections, and what waits.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Tells, by_label, nth};
use crate::condition::{Expr, Is, Select};
use crate::quantile::Quantile;

/// The connections of a service to its database.
#[derive(Clone, Debug, Serialize)]
pub struct Pool {
    /// Those that work.
    pub in_use: Option<f64>,
    /// Those that do not.
    pub idle: Option<f64>,
    /// Callers that wait for one.
    pub waiting: Option<f64>,
    /// How many there may be.
    pub max: Option<f64>,
    /// What 95 of 100 waits did not exceed.
    pub wait_p95: Option<Quantile>,
}

/// One replica of the database.
#[derive(Clone, Debug, Serialize)]
pub struct Replica {
    /// Its place in the configuration.
    pub replica: String,
    /// How far it was behind when last asked.
    pub lag_seconds: Option<f64>,
    /// Connections by state.
    pub connections: BTreeMap<String, f64>,
}

/// Work that waits. What a service has no metric for is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct Backlog {
    /// Events that are not published.
    pub outbox_unpublished: Option<f64>,
    /// Age of the oldest of them.
    pub outbox_lag_seconds: Option<f64>,
    /// By what they are about: how long after it happened the last event of others was applied; `None` while none was.
    pub events_behind_seconds: BTreeMap<String, Option<f64>>,
    /// Deadlines that are due.
    pub deadlines_due: Option<f64>,
    /// How long the first has waited.
    pub deadline_lag_seconds: Option<f64>,
    /// Messages that wait.
    pub notifications_pending: Option<f64>,
    /// Age of the oldest of them.
    pub notifications_oldest_seconds: Option<f64>,
    /// How long the first asset has waited for a worker.
    pub processing_queue_age_seconds: Option<f64>,
    /// Jobs of uploads by state.
    pub processing_jobs: Stages,
    /// Jobs that were given up. Events that were have no metric.
    pub dead_jobs: Option<f64>,
}

/// Numbers by state.
pub type Stages = BTreeMap<String, f64>;

pub(super) fn pool(tells: &Tells<'_>) -> Option<Pool> {
    let mut states = tells.gauges("pool_connections", &["state"]);
    if states.is_empty() {
        return None;
    }
    Some(Pool {
        in_use: states.remove("in_use"),
        idle: states.remove("idle"),
        waiting: states.remove("waiting"),
        max: states.remove("max"),
        wait_p95: tells.quantile(0.95, "pool_wait_seconds"),
    })
}

pub(super) fn replicas(tells: &Tells<'_>) -> Vec<Replica> {
    let lags = tells.gauges("replica_replay_lag_seconds", &["replica"]);
    let select = Select { metric: "replica_pool_connections", labels: &[] };
    let mut found: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for (group, count) in tells.values(&Expr::Max(select), &["replica", "state"]) {
        found.entry(nth(&group, 1)).or_default().insert(nth(&group, 2), count);
    }
    found
        .into_iter()
        .map(|(replica, connections)| Replica {
            lag_seconds: lags.get(&replica).copied(),
            replica,
            connections,
        })
        .collect()
}

pub(super) fn backlog(tells: &Tells<'_>) -> Backlog {
    Backlog {
        outbox_unpublished: tells.gauge("outbox_unpublished", &[]),
        outbox_lag_seconds: tells.gauge("outbox_lag_seconds", &[]),
        events_behind_seconds: events_behind(tells),
        deadlines_due: tells.gauge("deadlines_due", &[]),
        deadline_lag_seconds: tells.gauge("deadline_lag_seconds", &[]),
        notifications_pending: tells.gauge("notifications_pending", &[]),
        notifications_oldest_seconds: tells.gauge("notifications_oldest_pending_seconds", &[]),
        processing_queue_age_seconds: tells.gauge("processing_queue_age_seconds", &[]),
        processing_jobs: tells.gauges("processing_jobs", &["state"]),
        dead_jobs: tells.gauge("processing_jobs", &[("state", Is::In(&["dead"]))]),
    }
}

/// The gauge is nought before the first event: then nothing is known.
fn events_behind(tells: &Tells<'_>) -> BTreeMap<String, Option<f64>> {
    let applied = Select { metric: "events_heard_total", labels: &[("outcome", Is::In(&["applied"]))] };
    let applied = by_label(tells.values(&Expr::Max(applied), &["about"]));
    let behind = tells.gauges("events_behind_seconds", &["about"]).into_iter();
    behind
        .map(|(about, secs)| {
            let heard = applied.get(&about).is_some_and(|count| *count > 0.0);
            (about, heard.then_some(secs))
        })
        .collect()
}
