//! What the background work shows.

use std::sync::atomic::{AtomicI64, AtomicU64};

use chrono::{DateTime, Utc};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use service_error::ServiceError;
use telemetry::metrics::Metrics;

use crate::domain::deadlines::DeadlineKind;
use crate::messages::Channel;
use crate::state::AppState;
use crate::store::{deadlines, dispatch};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AlertLabels {
    template: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AttemptLabels {
    channel: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobLabels {
    job: &'static str,
}

/// What became of an attempt to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken.
    Sent,
    /// It will be tried again.
    Retried,
    /// It was given up.
    Failed,
    /// It had nothing to say any more.
    Obsolete,
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Sent, Self::Retried, Self::Failed, Self::Obsolete];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Obsolete => "obsolete",
        }
    }
}

/// The measurements of the background work. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters {
    fired: Family<KindLabels, Counter>,
    alerts: Family<AlertLabels, Counter>,
    unfired: Counter,
    deadlines_due: Gauge<i64, AtomicI64>,
    deadline_lag: Gauge<f64, AtomicU64>,
    attempts: Family<AttemptLabels, Counter>,
    pending: Gauge<i64, AtomicI64>,
    oldest_pending: Gauge<f64, AtomicU64>,
    expired: Counter,
    failures: Family<JobLabels, Counter>,
}

/// How the work stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Backlog {
    due: i64,
    lag_secs: f64,
    pending: i64,
    oldest_pending_secs: f64,
}

impl Meters {
    /// Registers them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let meters = Self::default();
        for kind in DeadlineKind::ALL {
            let _ = meters.fired.get_or_create(&KindLabels { kind: kind.as_str() });
        }
        for channel in Channel::ALL.iter().filter(|channel| **channel != Channel::Call) {
            for outcome in Outcome::ALL {
                let labels = AttemptLabels { channel: channel.as_str(), outcome: outcome.as_str() };
                let _ = meters.attempts.get_or_create(&labels);
            }
        }
        metrics.register("deadlines_fired", "Deadlines fired, by kind", None, meters.fired.clone());
        let help = "What those at the desk have to be told of, by what it is";
        metrics.register("desk_alerts", help, None, meters.alerts.clone());
        metrics.register(
            "deadlines_failed",
            "Deadlines that could not be fired",
            None,
            meters.unfired.clone(),
        );
        let help = "Deadlines that are due and have not fired";
        metrics.register("deadlines_due", help, None, meters.deadlines_due.clone());
        let help = "How long the deadline that was due first has waited to fire";
        metrics.register("deadline_lag", help, Some(Unit::Seconds), meters.deadline_lag.clone());
        let help = "Attempts to send a message, by channel and outcome";
        metrics.register("notification_attempts", help, None, meters.attempts.clone());
        metrics.register("notifications_pending", "Messages that wait", None, meters.pending.clone());
        let help = "Age of the oldest message that waits";
        let gauge = meters.oldest_pending.clone();
        metrics.register("notifications_oldest_pending", help, Some(Unit::Seconds), gauge);
        let help = "Announcements whose parcel has not come in time";
        metrics.register("announcements_expired", help, None, meters.expired.clone());
        let help = "Passes of background work that failed, by what they do";
        metrics.register("job_failures", help, None, meters.failures.clone());
        meters
    }

    /// A deadline fired.
    pub(super) fn fired(&self, kind: DeadlineKind) {
        self.fired.get_or_create(&KindLabels { kind: kind.as_str() }).inc();
    }

    /// Those at the desk have to be told.
    pub(super) fn alerted(&self, template: &'static str) {
        self.alerts.get_or_create(&AlertLabels { template }).inc();
    }

    /// A deadline could not be fired.
    pub(super) fn unfired(&self) {
        self.unfired.inc();
    }

    /// A message was tried.
    pub(super) fn attempted(&self, channel: Channel, outcome: Outcome) {
        let labels = AttemptLabels { channel: channel.as_str(), outcome: outcome.as_str() };
        self.attempts.get_or_create(&labels).inc();
    }

    /// An announcement expired.
    pub(super) fn expired(&self) {
        self.expired.inc();
    }

    /// A pass failed.
    pub(super) fn failed(&self, job: &'static str) {
        self.failures.get_or_create(&JobLabels { job }).inc();
    }

    /// Shows how the work stands.
    pub(super) fn show(&self, backlog: &Backlog) {
        self.deadlines_due.set(backlog.due);
        self.deadline_lag.set(backlog.lag_secs);
        self.pending.set(backlog.pending);
        self.oldest_pending.set(backlog.oldest_pending_secs);
    }
}

/// Looks how the work stands.
///
/// # Errors
/// Of the database.
pub(super) async fn look(state: &AppState) -> Result<Backlog, ServiceError> {
    let now = state.context.now();
    let since = |at: Option<DateTime<Utc>>| at.map_or(0.0, |at| (now - at).as_seconds_f64().max(0.0));
    let mut conn = state.desk.read().await?;
    let (due, first) = deadlines::backlog(&mut conn, now).await?;
    let (pending, oldest) = dispatch::backlog(&mut conn).await?;
    Ok(Backlog { due, lag_secs: since(first), pending, oldest_pending_secs: since(oldest) })
}
