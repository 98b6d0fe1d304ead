//! `packages.rules.yml`.
use super::words::{Above, Below, In, Increase, Like, Max, Quantile, Rate, Ratio, Rule, of};

const FOUND: [&str; 3] = ["local", "shared", "joined"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "requests_fail",
        alert: Some("PackagesFail"),
        by: &[],
        window_secs: 300,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of(
                        "http_server_request_duration_seconds_count",
                        &[("service", In(&["package-ledger"])), ("status", Like("5"))],
                    )),
                    &Rate(of(
                        "http_server_request_duration_seconds_count",
                        &[("service", In(&["package-ledger"]))],
                    )),
                ),
                0.01,
            ),
            Above(
                Increase(of(
                    "http_server_request_duration_seconds_count",
                    &[("service", In(&["package-ledger"])), ("status", Like("5"))],
                )),
                10.0,
            ),
        ],
        says: "share of answers that are 5xx",
    },
    Rule {
        code: "slow_endpoint",
        alert: Some("PackagesListSlow"),
        by: &["method", "route"],
        window_secs: 300,
        conditions: &[Above(
            Quantile(
                0.95,
                of(
                    "http_server_request_duration_seconds",
                    &[
                        ("service", In(&["package-ledger"])),
                        ("route", In(&["/v1/packages"])),
                        ("method", In(&["GET"])),
                    ],
                ),
            ),
            1.0,
        )],
        says: "95th percentile in seconds",
    },
    Rule {
        code: "low_hit_rate",
        alert: Some("PackagesListHitRateLow"),
        by: &["family"],
        window_secs: 900,
        conditions: &[
            Below(
                Ratio(
                    &Rate(of(
                        "freshness_reads_total",
                        &[
                            ("service", In(&["package-ledger"])),
                            ("family", In(&["package_list"])),
                            ("source", In(&FOUND)),
                        ],
                    )),
                    &Rate(of(
                        "freshness_reads_total",
                        &[("service", In(&["package-ledger"])), ("family", In(&["package_list"]))],
                    )),
                ),
                0.8,
            ),
            Above(
                Rate(of(
                    "freshness_reads_total",
                    &[("service", In(&["package-ledger"])), ("family", In(&["package_list"]))],
                )),
                5.0,
            ),
        ],
        says: "share of reads found in memory",
    },
    Rule {
        code: "pickup_codes_guessed",
        alert: Some("PickupCodesGuessed"),
        by: &[],
        window_secs: 600,
        conditions: &[Above(
            Increase(of(
                "pickup_guesses_total",
                &[("service", In(&["package-ledger"])), ("outcome", In(&["wrong", "locked"]))],
            )),
            30.0,
        )],
        says: "wrong pickup codes named",
    },
    Rule {
        code: "deadlines_late",
        alert: Some("DeadlinesLate"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("deadline_lag_seconds", &[("service", In(&["package-ledger"]))])), 300.0)],
        says: "seconds that a deadline has waited to fire",
    },
    Rule {
        code: "messages_late",
        alert: Some("MessagesLate"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(
            Max(of("notifications_oldest_pending_seconds", &[("service", In(&["package-ledger"]))])),
            3600.0,
        )],
        says: "seconds that a message has waited",
    },
    Rule {
        code: "messages_fail",
        alert: Some("MessagesFail"),
        by: &["channel"],
        window_secs: 3600,
        conditions: &[
            Above(
                Ratio(
                    &Increase(of(
                        "notification_attempts_total",
                        &[("service", In(&["package-ledger"])), ("outcome", In(&["failed"]))],
                    )),
                    &Increase(of("notification_attempts_total", &[("service", In(&["package-ledger"]))])),
                ),
                0.1,
            ),
            Above(
                Increase(of(
                    "notification_attempts_total",
                    &[("service", In(&["package-ledger"])), ("outcome", In(&["failed"]))],
                )),
                5.0,
            ),
        ],
        says: "share of attempts to send that were given up",
    },
    Rule {
        code: "outbox_lag",
        alert: Some("PackagesOutboxLag"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("outbox_lag_seconds", &[("service", In(&["package-ledger"]))])), 60.0)],
        says: "seconds that an event has waited to be published",
    },
    Rule {
        code: "jobs_fail",
        alert: Some("PackagesJobsFail"),
        by: &["job"],
        window_secs: 900,
        conditions: &[Above(
            Increase(of("job_failures_total", &[("service", In(&["package-ledger"]))])),
            5.0,
        )],
        says: "passes that failed",
    },
];
