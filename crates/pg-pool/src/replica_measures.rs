//! What reading from replicas tells the metrics endpoint. Registered only where there are replicas.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};

use crate::conn::Source;
use crate::lender::Lender;

/// Why a read went where it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A replica has replayed the position.
    Reached,
    /// The reader has no position to be compared: only the primary is sure to have everybody's writes.
    NoToken,
    /// No replica has replayed the position in time.
    Behind,
    /// No replica answers, or all their connections are busy.
    Unavailable,
    /// The position is of a log that no replica replays.
    OtherCluster,
}

impl Reason {
    const ALL: [Self; 5] =
        [Self::Reached, Self::NoToken, Self::Behind, Self::Unavailable, Self::OtherCluster];

    fn labels(self) -> ReadLabels {
        let (source, reason) = match self {
            Self::Reached => ("replica", "reached"),
            Self::NoToken => ("primary", "no_token"),
            Self::Behind => ("primary", "behind"),
            Self::Unavailable => ("primary", "unavailable"),
            Self::OtherCluster => ("primary", "other_cluster"),
        };
        ReadLabels { source, reason }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReadLabels {
    source: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReplicaLabels {
    replica: usize,
}

/// Measurements of the choice between primary and replicas.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaMeasures {
    reads: Family<ReadLabels, Counter>,
    pub(crate) wait: Histogram,
    lag: Family<ReplicaLabels, Gauge<f64, AtomicU64>>,
}

/// Seconds a replica was behind when it was last looked at; not a number before that.
#[derive(Clone, Debug)]
pub(crate) struct LagGauge(Gauge<f64, AtomicU64>);

impl ReplicaMeasures {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let measures = Self { reads: Family::default(), wait: seconds_histogram(), lag: Family::default() };
        for reason in Reason::ALL {
            drop(measures.reads.get_or_create(&reason.labels()));
        }
        metrics.register(
            "pool_reads",
            "Reads that may go to a replica, by where they went and why",
            None,
            measures.reads.clone(),
        );
        metrics.register(
            "replica_wait",
            "How long readers with a position were busy finding a replica that has replayed it, or none",
            Some(Unit::Seconds),
            measures.wait.clone(),
        );
        metrics.register(
            "replica_replay_lag",
            "How far each replica was behind when it was last looked at",
            Some(Unit::Seconds),
            measures.lag.clone(),
        );
        measures
    }

    pub(crate) fn count(&self, reason: Reason) {
        self.reads.get_or_create(&reason.labels()).inc();
    }

    /// The gauge of one replica.
    pub(crate) fn lag(&self, replica: usize) -> LagGauge {
        let gauge = self.lag.get_or_create_owned(&ReplicaLabels { replica });
        gauge.set(f64::NAN);
        LagGauge(gauge)
    }

    /// Shows each replica's connections by state, counted when the endpoint is asked.
    pub(crate) fn watch(metrics: &Metrics, lenders: Vec<Lender>) {
        metrics.register(
            "replica_pool_connections",
            "Connections to each replica by state",
            None,
            Connections(lenders),
        );
    }
}

impl LagGauge {
    pub(crate) fn set(&self, seconds: f64) {
        // The clocks of two machines may differ by more than the lag.
        self.0.set(seconds.max(0.0));
    }

    pub(crate) fn seconds(&self) -> Option<f64> {
        Some(self.0.get()).filter(|seconds| !seconds.is_nan())
    }
}

#[derive(Debug)]
struct Connections(Vec<Lender>);

impl EncodeMetric for Connections {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        for lender in &self.0 {
            if let Source::Replica(replica) = lender.source() {
                for (state, count) in lender.status().by_state() {
                    let labels = [("replica", replica.to_string()), ("state", state.to_owned())];
                    encoder.encode_family(&labels)?.encode_gauge(&count)?;
                }
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}
