//! What the background work shows.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use service_error::ServiceError;
use telemetry::metrics::Metrics;

use crate::state::AppState;
use crate::store::maintenance::{self, Backlog};

/// The measurements of the background work.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters {
    unarchived: Gauge<f64, AtomicU64>,
    log_entries: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
}

impl Meters {
    /// Registers them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let meters = Self::default();
        let help = "How long the story that expired first has waited to be archived; nobody is shown it";
        metrics.register("stories_unarchived_age", help, Some(Unit::Seconds), meters.unarchived.clone());
        let help = "Entries of the logs that open sockets are brought up to date from";
        metrics.register("feed_log_entries", help, None, meters.log_entries.clone());
        let help = "Stories that wait for their media";
        metrics.register("stories_waiting", help, None, meters.waiting.clone());
        meters
    }

    /// Shows how the work stands.
    pub(super) fn show(&self, backlog: &Backlog) {
        self.unarchived.set(backlog.unarchived_secs);
        self.log_entries.set(backlog.log_entries);
        self.waiting.set(backlog.waiting);
    }
}

/// Looks how the work stands.
///
/// # Errors
/// Of the database.
pub(super) async fn look(state: &AppState) -> Result<Backlog, ServiceError> {
    let mut conn = state.stories.read().await?;
    Ok(maintenance::backlog(&mut conn, state.context.now()).await?)
}
