//! What the pool tells the metrics endpoint.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;
use telemetry::metrics::{Metrics, seconds_histogram};
use telemetry::request::Planner;

use crate::lender::Lender;

/// Durations by operation; the histogram's constructor is a plain function so that the type can be named.
pub(crate) type Durations = Family<OperationLabels, Histogram, fn() -> Histogram>;

/// `operation` of a statement.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct OperationLabels {
    pub(crate) operation: &'static str,
}

/// Which transaction ended how.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct TxLabels {
    pub(crate) name: &'static str,
    pub(crate) outcome: &'static str,
}

/// What statements of a pool's connections are told to.
#[derive(Clone, Debug)]
pub(crate) struct Listeners {
    pub(crate) durations: Durations,
    /// Who explains slow ones; `None` where nobody is to.
    pub(crate) planner: Option<Arc<dyn Planner>>,
}

/// The pool's own measurements.
#[derive(Clone, Debug)]
pub(crate) struct Measures {
    pub(crate) wait: Histogram,
    pub(crate) statements: Listeners,
    pub(crate) transactions: Family<TxLabels, Counter>,
}

impl Measures {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let measures = Self {
            wait: seconds_histogram(),
            statements: Listeners {
                durations: Family::new_with_constructor(seconds_histogram as fn() -> Histogram),
                planner: None,
            },
            transactions: Family::default(),
        };
        metrics.register(
            "pool_wait",
            "How long callers waited for a database connection",
            Some(Unit::Seconds),
            measures.wait.clone(),
        );
        metrics.register(
            "db_client_operation_duration",
            "How long statements took, by operation",
            Some(Unit::Seconds),
            measures.statements.durations.clone(),
        );
        metrics.register("tx", "Transactions by name and outcome", None, measures.transactions.clone());
        measures
    }

    /// Shows the pool's connections by state; they are counted when the endpoint is asked, not when they change.
    pub(crate) fn watch(metrics: &Metrics, lender: Lender) {
        metrics.register(
            "pool_connections",
            "Database connections by state, and callers waiting for one",
            None,
            Connections(lender),
        );
    }
}

#[derive(Debug)]
struct Connections(Lender);

impl EncodeMetric for Connections {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        for (state, count) in self.0.status().by_state() {
            encoder.encode_family(&[("state", state)])?.encode_gauge(&count)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}
