//! What is counted of sockets.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};

/// Counts of one process.
#[derive(Clone, Debug)]
pub(crate) struct LiveMetrics {
    /// Sockets that are open.
    pub(crate) open: Gauge,
    /// Sockets that were sent away because their clients did not keep up.
    pub(crate) shed: Counter,
    /// Sockets that came with a position and got what they had missed.
    pub(crate) recovered: Counter,
    /// Sockets that came with a position from which nobody can be brought up to date any more.
    pub(crate) lost: Counter,
    /// Messages handed to sockets, one for each event and client.
    pub(crate) told: Counter,
    /// From an event to the moment in which a client is told.
    pub(crate) lag: Histogram,
}

impl LiveMetrics {
    /// Registers them.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let made = Self {
            open: Gauge::default(),
            shed: Counter::default(),
            recovered: Counter::default(),
            lost: Counter::default(),
            told: Counter::default(),
            lag: seconds_histogram(),
        };
        metrics.register("stories_sockets_open", "Sockets that are open", None, made.open.clone());
        metrics.register(
            "stories_sockets_shed",
            "Sockets sent away because their clients were too slow",
            None,
            made.shed.clone(),
        );
        metrics.register(
            "stories_sockets_recovered",
            "Sockets that resumed from a position",
            None,
            made.recovered.clone(),
        );
        metrics.register(
            "stories_sockets_lost",
            "Sockets whose position could not be resumed from",
            None,
            made.lost.clone(),
        );
        metrics.register(
            "stories_events_told",
            "Events told to sockets, once for each socket",
            None,
            made.told.clone(),
        );
        metrics.register(
            "stories_event_lag",
            "Time from an event to its telling, for each socket",
            Some(Unit::Seconds),
            made.lag.clone(),
        );
        made
    }
}
