//! Polls that took too long, counted.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::Metrics;

use crate::stall::{Kind, Task};

/// Upper bounds in seconds, from what a poll may take to what a health check gives up after. `budgets` has them too.
const BOUNDS: [f64; 8] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    task: &'static str,
    method: &'static str,
    route: Arc<str>,
    kind: &'static str,
}

/// `runtime_blocked_poll_duration_seconds` by task and by what the thread did.
#[derive(Clone, Debug)]
pub(crate) struct BlockedPolls(Family<Labels, Histogram, fn() -> Histogram>);

impl BlockedPolls {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self(metrics.shared(
            "runtime_blocked_poll_duration",
            "Polls that held their thread for longer than telemetry.blocking_poll_ms, by what the thread did most of the time",
            Some(Unit::Seconds),
            || Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram),
        ))
    }

    pub(crate) fn observe(&self, task: &Task, kind: Kind, took: Duration) {
        let (task, method, route) = task.labels();
        let labels = Labels { task, method, route, kind: kind.name() };
        self.0.get_or_create(&labels).observe(took.as_secs_f64());
    }
}
