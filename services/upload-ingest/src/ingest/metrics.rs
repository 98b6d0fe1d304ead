//! What is measured of uploads.

use super::admission::Refused;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};

/// The protocol of an upload, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Ended {
    /// tus, resumable, multipart or put.
    pub(super) dialect: &'static str,
    /// `linked`, `paused`, or the code of the problem.
    pub(super) outcome: &'static str,
}

/// The protocol of an upload.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Spoken {
    /// tus, resumable, multipart or put.
    pub(super) dialect: &'static str,
}

/// The instruments.
#[derive(Clone)]
pub(super) struct Meters {
    /// Requests that bring bytes now.
    pub(super) receiving: Gauge,
    /// Requests that found no place.
    pub(super) refused: Family<Refused, Counter>,
    /// Bytes taken from clients, kept or not.
    pub(super) bytes: Counter,
    /// Requests that brought bytes, by how they ended.
    pub(super) ended: Family<Ended, Counter>,
    /// From the first to the last byte of the answer's decision: all that the request took.
    pub(super) duration: Family<Spoken, Histogram>,
    /// From the last byte received until the answer: what clients see as waiting (U-A3, U-D7).
    pub(super) waiting: Family<Spoken, Histogram>,
}

impl Meters {
    pub(super) fn new(metrics: &Metrics) -> Self {
        let meters = Self {
            receiving: Gauge::default(),
            refused: Family::default(),
            bytes: Counter::default(),
            ended: Family::default(),
            duration: Family::new_with_constructor(seconds_histogram),
            waiting: Family::new_with_constructor(seconds_histogram),
        };
        metrics.register("uploads_receiving", "Uploads that bring bytes now", None, meters.receiving.clone());
        let help = "Uploads refused because as many were under way as may be";
        metrics.register("uploads_refused", help, None, meters.refused.clone());
        metrics.register(
            "upload_taken",
            "Bytes taken from clients, kept or not",
            Some(Unit::Bytes),
            meters.bytes.clone(),
        );
        let help = "Requests that brought bytes, by protocol and how they ended";
        metrics.register("uploads_ended", help, None, meters.ended.clone());
        let help = "Time that requests with bytes took";
        metrics.register("upload_duration", help, Some(Unit::Seconds), meters.duration.clone());
        let help = "Time from the last byte of an upload to its answer";
        metrics.register("upload_waiting", help, Some(Unit::Seconds), meters.waiting.clone());
        meters
    }
}
