//! What a worker counts.

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::Metrics;

use crate::domain::job::JobKind;

/// Upper bounds in seconds: from a header that is read to a long video.
const SECONDS: [f64; 12] = [0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 180.0, 600.0, 1800.0];

/// How an attempt ended, for whoever watches workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The stage is done.
    Done,
    /// It failed and is tried again.
    Retry,
    /// It failed and was given up.
    Dead,
    /// Another worker took it over, or its asset was deleted: what was made counts for nothing.
    Fenced,
    /// It was given back because this worker stops.
    Returned,
    /// The database did not take the result.
    Unsettled,
}

impl Ended {
    const ALL: [Self; 6] =
        [Self::Done, Self::Retry, Self::Dead, Self::Fenced, Self::Returned, Self::Unsettled];

    /// As it is counted and logged.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry => "retry",
            Self::Dead => "dead",
            Self::Fenced => "fenced",
            Self::Returned => "returned",
            Self::Unsettled => "unsettled",
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AttemptLabels {
    stage: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

type Durations = Family<StageLabels, Histogram, fn() -> Histogram>;

/// The worker's measurements.
#[derive(Clone, Debug)]
pub(crate) struct Meters {
    attempts: Family<AttemptLabels, Counter>,
    durations: Durations,
    running: Gauge<i64, AtomicI64>,
    decoding: Gauge<i64, AtomicI64>,
}

impl Meters {
    /// Registers them, with every label that there will be.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let meters = Self {
            attempts: Family::default(),
            durations: Family::new_with_constructor(histogram as fn() -> Histogram),
            running: Gauge::default(),
            decoding: Gauge::default(),
        };
        for stage in JobKind::ALL.map(JobKind::as_str) {
            drop(meters.durations.get_or_create(&StageLabels { stage }));
            for outcome in Ended::ALL.map(Ended::as_str) {
                drop(meters.attempts.get_or_create(&AttemptLabels { stage, outcome }));
            }
        }
        let help = "Attempts at stages that ended, by stage and outcome";
        metrics.register("processing_attempts", help, None, meters.attempts.clone());
        let help = "How long attempts at stages took, by stage";
        metrics.register("processing_attempt_duration", help, Some(Unit::Seconds), meters.durations.clone());
        metrics.register("processing_running", "Attempts that run now", None, meters.running.clone());
        let help = "Pixels of pictures that are being decoded now";
        metrics.register("processing_decoding_pixels", help, None, meters.decoding.clone());
        meters
    }

    /// An attempt begins; it is counted as running until what is returned is dropped.
    pub(crate) fn begin(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    /// An attempt has ended.
    pub(crate) fn ended(&self, kind: JobKind, ended: Ended, took: Duration) {
        let stage = kind.as_str();
        self.attempts.get_or_create(&AttemptLabels { stage, outcome: ended.as_str() }).inc();
        self.durations.get_or_create(&StageLabels { stage }).observe(took.as_secs_f64());
    }

    /// A picture is decoded; its pixels are counted until what is returned is dropped.
    pub(crate) fn decoding(&self, pixels: u64) -> Decoding {
        let pixels = i64::try_from(pixels).unwrap_or(i64::MAX);
        self.decoding.inc_by(pixels);
        Decoding { gauge: self.decoding.clone(), pixels }
    }
}

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

/// An attempt that runs.
#[derive(Debug)]
pub(crate) struct Running(Gauge<i64, AtomicI64>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Pixels that are being decoded.
#[derive(Debug)]
pub(crate) struct Decoding {
    gauge: Gauge<i64, AtomicI64>,
    pixels: i64,
}

impl Drop for Decoding {
    fn drop(&mut self) {
        self.gauge.dec_by(self.pixels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_there_from_the_start_and_what_ends_is_counted() {
        let metrics = Metrics::new("upload-worker");
        let meters = Meters::new(&metrics);
        let before = metrics.encode();
        let line = |value: u32| {
            format!(
                "processing_attempts_total{{service=\"upload-worker\",stage=\"poster\",outcome=\"dead\"}} {value}"
            )
        };
        assert!(before.contains(&line(0)), "{before}");
        let running = (meters.begin(), meters.decoding(7));
        meters.ended(JobKind::Poster, Ended::Dead, Duration::from_secs(2));
        let during = metrics.encode();
        assert!(during.contains(&line(1)), "{during}");
        assert!(during.contains("processing_decoding_pixels{service=\"upload-worker\"} 7"), "{during}");
        drop(running);
        assert!(metrics.encode().contains("processing_running{service=\"upload-worker\"} 0"));
    }
}
