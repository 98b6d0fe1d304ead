//! `deploy/prometheus/services.rules.yml`.
use super::words::{Above, In, Increase, Max, Quantile, Rule, TARGET, of};

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "event_loop_blocked",
        alert: Some("EventLoopBlocked"),
        by: &[TARGET, "runtime"],
        window_secs: 300,
        conditions: &[Above(Quantile(0.99, of("runtime_scheduling_lag_seconds", &[])), 0.05)],
        says: "99th percentile in seconds that everything on a thread waits for its turn",
    },
    Rule {
        code: "database_slow",
        alert: Some("DatabaseSlow"),
        by: &[],
        window_secs: 300,
        conditions: &[
            Above(Quantile(0.95, of("db_client_operation_duration_seconds", &[])), 0.5),
            Above(Increase(of("db_client_operation_duration_seconds_count", &[])), 20.0),
        ],
        says: "95th percentile in seconds of statements",
    },
    Rule {
        code: "pool_waiting",
        alert: Some("PoolExhausted"),
        by: &[TARGET],
        window_secs: 0,
        conditions: &[Above(Max(of("pool_connections", &[("state", In(&["waiting"]))])), 0.0)],
        says: "callers wait for a connection",
    },
    Rule {
        code: "redis_slow",
        alert: Some("RedisSlow"),
        by: &[],
        window_secs: 300,
        conditions: &[
            Above(Quantile(0.95, of("freshness_redis_call_duration_seconds", &[])), 0.05),
            Above(Increase(of("freshness_redis_call_duration_seconds_count", &[])), 20.0),
        ],
        says: "95th percentile in seconds of calls to Redis",
    },
    Rule {
        code: "outbox_lag",
        alert: Some("CatalogOutboxLag"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("outbox_lag_seconds", &[("service", In(&["catalog"]))])), 60.0)],
        says: "seconds that an event has waited to be published",
    },
];
