//! What the background work shows.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use telemetry::metrics::Metrics;

use super::reconcile::Report;
use crate::domain::processing::JobState;
use crate::store::jobs::admin::Backlog;

/// States that are not the end of a job, and the one that somebody has to look at.
const STATES: [JobState; 4] = [JobState::Queued, JobState::Running, JobState::RetryWait, JobState::Dead];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct WhatLabels {
    what: &'static str,
}

/// The measurements of the background work.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters {
    jobs: Family<StateLabels, Gauge<i64, AtomicI64>>,
    lost: Gauge<i64, AtomicI64>,
    oldest: Gauge<f64, AtomicU64>,
    reconciled: Family<WhatLabels, Gauge<i64, AtomicI64>>,
}

impl Meters {
    /// Registers them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let meters = Self::default();
        meters.backlog(&Backlog::default());
        meters.reconciled(&Report::default());
        let help = "Jobs that are not done, by state";
        metrics.register("processing_jobs", help, None, meters.jobs.clone());
        let help = "Running jobs whose worker gives no sign of life any more";
        metrics.register("processing_jobs_lost", help, None, meters.lost.clone());
        let help = "How long the asset that has waited longest for a worker has waited";
        metrics.register("processing_queue_age", help, Some(Unit::Seconds), meters.oldest.clone());
        let help = "What the last reconciliation found in store and database";
        metrics.register("storage_reconciled", help, None, meters.reconciled.clone());
        meters
    }

    /// Shows how the work stands.
    pub(super) fn backlog(&self, backlog: &Backlog) {
        for state in STATES {
            let jobs = backlog.jobs.iter().find(|(of, _)| *of == state).map_or(0, |(_, jobs)| *jobs);
            self.jobs.get_or_create(&StateLabels { state: state.as_str() }).set(jobs);
        }
        self.lost.set(backlog.lost);
        self.oldest.set(backlog.oldest_secs);
    }

    /// Shows what was found.
    pub(super) fn reconciled(&self, report: &Report) {
        for (what, number) in report.numbers() {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            self.reconciled.get_or_create(&WhatLabels { what }).set(number);
        }
    }
}
