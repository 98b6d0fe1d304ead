//! What holds for every service: the last column of the table in docs/OPERATIONS.md, "Metrics and alerts".
use super::words::{Above, Below, In, Increase, Like, Max, Quantile, Rate, Ratio, Rule, TARGET, of};

const FOUND: [&str; 3] = ["local", "shared", "joined"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "slow_endpoint",
        alert: None,
        by: &["method", "route"],
        window_secs: 0,
        conditions: &[Above(Quantile(0.95, of("http_server_request_duration_seconds", &[])), 1.0)],
        says: "95th percentile in seconds",
    },
    Rule {
        code: "requests_fail",
        alert: None,
        by: &[],
        window_secs: 300,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of("http_server_request_duration_seconds_count", &[("status", Like("5"))])),
                    &Rate(of("http_server_request_duration_seconds_count", &[])),
                ),
                0.01,
            ),
            Above(Increase(of("http_server_request_duration_seconds_count", &[("status", Like("5"))])), 10.0),
        ],
        says: "share of answers that are 5xx",
    },
    Rule {
        code: "writes_unfinished",
        alert: None,
        by: &[],
        window_secs: 0,
        conditions: &[Above(
            Increase(of("freshness_writes_total", &[("outcome", In(&["unfinished"]))])),
            0.0,
        )],
        says: "writes committed and not told to every cache",
    },
    Rule {
        code: "low_hit_rate",
        alert: None,
        by: &["family"],
        window_secs: 0,
        conditions: &[
            Below(
                Ratio(
                    &Rate(of("freshness_reads_total", &[("source", In(&FOUND))])),
                    &Rate(of("freshness_reads_total", &[])),
                ),
                0.8,
            ),
            Above(Rate(of("freshness_reads_total", &[])), 5.0),
        ],
        says: "share of reads found in memory",
    },
    Rule {
        code: "pool_wait_slow",
        alert: None,
        by: &[TARGET],
        window_secs: 0,
        conditions: &[Above(Quantile(0.99, of("pool_wait_seconds", &[])), 0.05)],
        says: "99th percentile in seconds of the wait for a connection",
    },
    Rule {
        code: "statements_slow",
        alert: None,
        by: &["operation"],
        window_secs: 0,
        conditions: &[Above(Quantile(0.99, of("db_client_operation_duration_seconds", &[])), 1.0)],
        says: "99th percentile in seconds of statements",
    },
    Rule {
        code: "transactions_fail",
        alert: None,
        by: &["name"],
        window_secs: 0,
        conditions: &[Above(Increase(of("tx_total", &[("outcome", In(&["failed"]))])), 0.0)],
        says: "transactions failed",
    },
    Rule {
        code: "outbox_lag",
        alert: None,
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("outbox_lag_seconds", &[])), 60.0)],
        says: "seconds that an event has waited to be published",
    },
    Rule {
        code: "publishing_fails",
        alert: None,
        by: &[],
        window_secs: 0,
        conditions: &[Above(Increase(of("outbox_publish_failures_total", &[])), 0.0)],
        says: "events were refused or not acknowledged",
    },
    Rule {
        code: "consumer_lag",
        alert: None,
        by: &["about"],
        window_secs: 0,
        conditions: &[
            Above(Max(of("events_behind_seconds", &[])), 60.0),
            Above(Increase(of("events_heard_total", &[("outcome", In(&["applied"]))])), 0.0),
        ],
        says: "seconds after they happened that events are applied",
    },
    Rule {
        code: "replica_lag",
        alert: None,
        by: &["replica"],
        window_secs: 0,
        conditions: &[Above(Max(of("replica_replay_lag_seconds", &[])), 30.0)],
        says: "seconds that a replica is behind",
    },
];
