//! `gateway.rules.yml`.
use super::words::{
    Above, Expr, In, Increase, Like, Max, Quantile, Rate, Ratio, Rule, Sum, TARGET, Zero, of,
};

const ALL: Expr = Rate(of("http_server_request_duration_seconds_count", &[("service", In(&["gateway"]))]));

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "upstream_without_healthy_instance",
        alert: Some("GatewayUpstreamWithoutHealthyInstance"),
        by: &[TARGET, "upstream"],
        window_secs: 0,
        conditions: &[Zero(Sum(of("gateway_upstream_instance_state", &[("state", In(&["healthy"]))])))],
        says: "no instance of the upstream is healthy",
    },
    Rule {
        code: "instance_out",
        alert: Some("GatewayInstanceOut"),
        by: &["upstream", "instance", "state"],
        window_secs: 0,
        conditions: &[Above(
            Max(of("gateway_upstream_instance_state", &[("state", In(&["unhealthy", "ejected"]))])),
            0.0,
        )],
        says: "an instance gets no requests",
    },
    Rule {
        code: "requests_fail",
        alert: Some("GatewayRouteErrors"),
        by: &["route"],
        window_secs: 300,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of(
                        "http_server_request_duration_seconds_count",
                        &[("service", In(&["gateway"])), ("status", Like("5"))],
                    )),
                    &ALL,
                ),
                0.01,
            ),
            Above(
                Increase(of(
                    "http_server_request_duration_seconds_count",
                    &[("service", In(&["gateway"])), ("status", Like("5"))],
                )),
                10.0,
            ),
        ],
        says: "share of answers that are 5xx",
    },
    Rule {
        code: "slow_route",
        alert: Some("GatewayRouteSlow"),
        by: &["route"],
        window_secs: 300,
        conditions: &[Above(
            Quantile(0.99, of("http_server_request_duration_seconds", &[("service", In(&["gateway"]))])),
            2.0,
        )],
        says: "99th percentile in seconds",
    },
    Rule {
        code: "overloaded",
        alert: Some("GatewayOverloaded"),
        by: &["reason"],
        window_secs: 300,
        conditions: &[Above(
            Rate(of("gateway_rejections_total", &[("reason", In(&["overloaded", "upstream_overloaded"]))])),
            1.0,
        )],
        says: "requests refused each second, too many are in flight",
    },
    Rule {
        code: "connections_near_limit",
        alert: Some("GatewayConnectionsNearLimit"),
        by: &[TARGET],
        window_secs: 0,
        conditions: &[Above(Sum(of("gateway_client_connections", &[])), 9000.0)],
        says: "connections of clients",
    },
    Rule {
        code: "connections_refused",
        alert: Some("GatewayConnectionsRefused"),
        by: &["reason"],
        window_secs: 300,
        conditions: &[Above(
            Rate(of("gateway_client_connections_rejected_total", &[("reason", In(&["connections"]))])),
            0.0,
        )],
        says: "connections closed each second for want of room",
    },
    Rule {
        code: "retry_storm",
        alert: Some("GatewayRetryStorm"),
        by: &[],
        window_secs: 300,
        conditions: &[
            Above(Ratio(&Rate(of("gateway_upstream_retries_total", &[])), &ALL), 0.05),
            Above(Increase(of("gateway_upstream_retries_total", &[])), 50.0),
        ],
        says: "share of requests that are sent again",
    },
    Rule {
        code: "reload_refused",
        alert: Some("GatewayReloadRefused"),
        by: &[TARGET],
        window_secs: 900,
        conditions: &[Above(
            Increase(of("gateway_configuration_reloads_total", &[("reason", In(&["refused"]))])),
            0.0,
        )],
        says: "a configuration was not taken over",
    },
    Rule {
        code: "lease_lost",
        alert: Some("GatewayLeaseLost"),
        by: &[TARGET, "domain"],
        window_secs: 0,
        conditions: &[Zero(Max(of("gateway_freshness_lease", &[])))],
        says: "no lease: nothing of the domain is answered from memory",
    },
    Rule {
        code: "invalidation_lag",
        alert: Some("GatewayInvalidationLag"),
        by: &[TARGET, "domain"],
        window_secs: 300,
        conditions: &[Above(Quantile(0.99, of("gateway_freshness_invalidation_lag_seconds", &[])), 0.1)],
        says: "99th percentile in seconds until the gateway hears of writes",
    },
    Rule {
        code: "variants_capped",
        alert: Some("GatewayVariantsCapped"),
        by: &[TARGET],
        window_secs: 900,
        conditions: &[Above(Increase(of("gateway_cache_variants_capped_total", &[])), 100.0)],
        says: "variants driven out by others of their address",
    },
    Rule {
        code: "evictions",
        alert: Some("GatewayEvictionsHigh"),
        by: &[TARGET],
        window_secs: 3600,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of("gateway_cache_evictions_total", &[])),
                    &Rate(of("gateway_cache_requests_total", &[("result", In(&["miss"]))])),
                ),
                0.1,
            ),
            Above(Rate(of("gateway_cache_evictions_total", &[])), 1.0),
        ],
        says: "answers driven out for each that is fetched",
    },
    Rule {
        code: "silent_edges",
        alert: Some("FreshnessSilentEdges"),
        by: &[],
        window_secs: 300,
        conditions: &[Above(Increase(of("freshness_edges_total", &[("outcome", In(&["silent"]))])), 3.0)],
        says: "writers waited in vain for gateways",
    },
    Rule {
        code: "redis_away",
        alert: Some("FreshnessRedisAway"),
        by: &[TARGET],
        window_secs: 0,
        conditions: &[Zero(Max(of("freshness_redis_available", &[])))],
        says: "Redis does not answer: writes are refused",
    },
];
