//! `stories.rules.yml`.
use super::words::{Above, Below, In, Increase, Like, Max, Plus, Quantile, Rate, Ratio, Rule, TARGET, of};

const FOUND: [&str; 3] = ["local", "shared", "joined"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "requests_fail",
        alert: Some("StoriesFail"),
        by: &[],
        window_secs: 300,
        conditions: &[
            Above(
                Ratio(
                    &Rate(of(
                        "http_server_request_duration_seconds_count",
                        &[("service", In(&["stories-feed"])), ("status", Like("5"))],
                    )),
                    &Rate(of(
                        "http_server_request_duration_seconds_count",
                        &[("service", In(&["stories-feed"]))],
                    )),
                ),
                0.01,
            ),
            Above(
                Increase(of(
                    "http_server_request_duration_seconds_count",
                    &[("service", In(&["stories-feed"])), ("status", Like("5"))],
                )),
                10.0,
            ),
        ],
        says: "share of answers that are 5xx",
    },
    Rule {
        code: "slow_endpoint",
        alert: Some("StoriesFeedSlow"),
        by: &["method", "route"],
        window_secs: 300,
        conditions: &[Above(
            Quantile(
                0.95,
                of(
                    "http_server_request_duration_seconds",
                    &[("service", In(&["stories-feed"])), ("route", In(&["/v1/gyms/{gym}/stories/feed"]))],
                ),
            ),
            0.5,
        )],
        says: "95th percentile in seconds",
    },
    Rule {
        code: "low_hit_rate",
        alert: Some("StoriesFeedHitRateLow"),
        by: &["family"],
        window_secs: 900,
        conditions: &[
            Below(
                Ratio(
                    &Rate(of(
                        "freshness_reads_total",
                        &[
                            ("service", In(&["stories-feed"])),
                            ("family", In(&["feed_body"])),
                            ("source", In(&FOUND)),
                        ],
                    )),
                    &Rate(of(
                        "freshness_reads_total",
                        &[("service", In(&["stories-feed"])), ("family", In(&["feed_body"]))],
                    )),
                ),
                0.7,
            ),
            Above(
                Rate(of(
                    "freshness_reads_total",
                    &[("service", In(&["stories-feed"])), ("family", In(&["feed_body"]))],
                )),
                1.0,
            ),
        ],
        says: "share of reads found in memory",
    },
    Rule {
        code: "stories_unarchived",
        alert: Some("StoriesUnarchived"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("stories_unarchived_age_seconds", &[])), 600.0)],
        says: "seconds that an expired story has waited to be archived",
    },
    Rule {
        code: "outbox_lag",
        alert: Some("StoriesOutboxLag"),
        by: &[],
        window_secs: 0,
        conditions: &[Above(Max(of("outbox_lag_seconds", &[("service", In(&["stories-feed"]))])), 60.0)],
        says: "seconds that an event has waited to be published",
    },
    Rule {
        code: "consumer_lag",
        alert: Some("StoriesHearLate"),
        by: &["about"],
        window_secs: 600,
        conditions: &[
            Above(Max(of("events_behind_seconds", &[("service", In(&["stories-feed"]))])), 60.0),
            Above(
                Increase(of(
                    "events_heard_total",
                    &[("service", In(&["stories-feed"])), ("outcome", In(&["applied"]))],
                )),
                0.0,
            ),
        ],
        says: "seconds after they happened that events are applied",
    },
    Rule {
        code: "events_fail",
        alert: Some("StoriesEventsFail"),
        by: &["about"],
        window_secs: 900,
        conditions: &[Above(
            Increase(of(
                "events_heard_total",
                &[("service", In(&["stories-feed"])), ("outcome", In(&["failed"]))],
            )),
            5.0,
        )],
        says: "attempts to apply events that failed",
    },
    Rule {
        code: "sockets_near_limit",
        alert: Some("StoriesSocketsNearLimit"),
        by: &[TARGET],
        window_secs: 0,
        conditions: &[Above(Max(of("stories_sockets_open", &[])), 18_000.0)],
        says: "sockets are open",
    },
    Rule {
        code: "sockets_shed",
        alert: Some("StoriesSocketsShed"),
        by: &[TARGET],
        window_secs: 600,
        conditions: &[
            Above(Increase(of("stories_sockets_shed_total", &[])), 20.0),
            Above(
                Ratio(
                    &Increase(of("stories_sockets_shed_total", &[])),
                    &Max(of("stories_sockets_open", &[])),
                ),
                0.05,
            ),
        ],
        says: "sockets sent away for being slow",
    },
    Rule {
        code: "sockets_lost",
        alert: Some("StoriesSocketsLost"),
        by: &[],
        window_secs: 1800,
        conditions: &[
            Above(
                Ratio(
                    &Increase(of("stories_sockets_lost_total", &[])),
                    &Plus(
                        &Increase(of("stories_sockets_lost_total", &[])),
                        &Increase(of("stories_sockets_recovered_total", &[])),
                    ),
                ),
                0.2,
            ),
            Above(Increase(of("stories_sockets_lost_total", &[])), 50.0),
        ],
        says: "share of sockets that come back and cannot be told what they missed",
    },
    Rule {
        code: "sockets_late",
        alert: Some("StoriesSocketsLate"),
        by: &[],
        window_secs: 300,
        conditions: &[Above(Quantile(0.99, of("stories_event_lag_seconds", &[])), 2.0)],
        says: "99th percentile in seconds until a socket is told",
    },
];
