//! What is shown of events that are heard.

use std::sync::atomic::AtomicU64;

use event_bus::HandlerError;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use telemetry::metrics::Metrics;

use super::Outcome;

/// What events are about.
const FLOWS: [&str; 2] = ["people", "assets"];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    about: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FlowLabels {
    about: &'static str,
}

/// The measurements of events that are heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters {
    heard: Family<OutcomeLabels, Counter>,
    behind: Family<FlowLabels, Gauge<f64, AtomicU64>>,
}

impl Meters {
    /// Registers them.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let meters = Self::default();
        for about in FLOWS {
            for outcome in ["applied", "ignored", "failed"] {
                let _ = meters.heard.get_or_create(&OutcomeLabels { about, outcome });
            }
            meters.behind.get_or_create(&FlowLabels { about }).set(0.0);
        }
        metrics.register("events_heard", "Events of other services, by outcome", None, meters.heard.clone());
        let help = "How long before it was applied the last event had happened";
        metrics.register("events_behind", help, Some(Unit::Seconds), meters.behind.clone());
        meters
    }

    /// Counts an event.
    pub(super) fn counted(
        &self,
        about: &'static str,
        handled: Result<Outcome, HandlerError>,
    ) -> Result<(), HandlerError> {
        let outcome = match &handled {
            Ok(Outcome::Applied(_)) => "applied",
            Ok(Outcome::Ignored) => "ignored",
            Err(_) => "failed",
        };
        self.heard.get_or_create(&OutcomeLabels { about, outcome }).inc();
        if let Ok(Outcome::Applied(millis)) = handled {
            let secs = f64::from(i32::try_from(millis.max(0)).unwrap_or(i32::MAX)) / 1000.0;
            self.behind.get_or_create(&FlowLabels { about }).set(secs);
        }
        handled.map(|_| ())
    }
}
