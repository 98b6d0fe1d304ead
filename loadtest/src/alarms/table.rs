//! What each fault is to be noticed by, and what may fire beside it. Whatever fires and is not in here is a false alarm.

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    SlowDatabase,
    FullDisk,
    DeadUpstream,
    ExhaustedPool,
    SlowRedis,
    BlockedLoop,
    CutNats,
}

/// An alert by its name and the labels that matter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sign {
    pub(crate) alert: &'static str,
    pub(crate) labels: &'static [(&'static str, &'static str)],
}

/// What the logs of a process must say.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Witness {
    /// A line of the slow log with this cause.
    Slow { process: &'static str, cause: &'static str },
    /// A line of this target, or any with an empty one, that has this in it.
    Line { process: &'static str, target: &'static str, has: &'static str },
}

/// What belongs to a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expectation {
    /// Each must fire while the fault lasts, and be over after it.
    pub(crate) expected: &'static [Sign],
    /// May fire as well: what follows from the fault.
    pub(crate) allowed: &'static [Sign],
    /// May fire long after it: they look back over hours, and what they tell stays true.
    pub(crate) lingering: &'static [Sign],
    /// Any of these in the logs names the cause.
    pub(crate) witnesses: &'static [Witness],
}

const fn sign(alert: &'static str, labels: &'static [(&'static str, &'static str)]) -> Sign {
    Sign { alert, labels }
}

const PACKAGES: (&str, &str) = ("service", "package-ledger");
const STORIES: (&str, &str) = ("service", "stories-feed");
const UPLOADS: (&str, &str) = ("service", "upload-ingest");
const CATALOG: (&str, &str) = ("service", "catalog");
const GATEWAY: (&str, &str) = ("service", "gateway");

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::SlowDatabase,
        Self::FullDisk,
        Self::DeadUpstream,
        Self::ExhaustedPool,
        Self::SlowRedis,
        Self::BlockedLoop,
        Self::CutNats,
    ];

    /// Faults of one round do not disturb each other: each is of another service.
    pub(crate) fn rounds() -> [&'static [Self]; 3] {
        [
            &[Self::SlowDatabase, Self::FullDisk, Self::DeadUpstream, Self::ExhaustedPool],
            &[Self::SlowRedis, Self::BlockedLoop],
            &[Self::CutNats],
        ]
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::SlowDatabase => "slow-database",
            Self::FullDisk => "full-disk",
            Self::DeadUpstream => "dead-upstream",
            Self::ExhaustedPool => "exhausted-pool",
            Self::SlowRedis => "slow-redis",
            Self::BlockedLoop => "blocked-loop",
            Self::CutNats => "cut-nats",
        }
    }

    /// What is done, in words.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Self::SlowDatabase => "each statement of package-ledger takes 0.6 s longer",
            Self::FullDisk => "the disk of the store has 64 KiB left",
            Self::DeadUpstream => "one of two catalogs is killed",
            Self::ExhaustedPool => "sixteen readers of stories-feed share two connections",
            Self::SlowRedis => "each call of package-ledger to Redis takes 0.14 s longer",
            Self::BlockedLoop => "a catalog stands still for 250 ms, twice a second",
            Self::CutNats => "every connection to NATS is reset, new ones at once",
        }
    }

    pub(crate) fn expectation(self) -> Expectation {
        match self {
            Self::SlowDatabase => SLOW_DATABASE,
            Self::FullDisk => FULL_DISK,
            Self::DeadUpstream => DEAD_UPSTREAM,
            Self::ExhaustedPool => EXHAUSTED_POOL,
            Self::SlowRedis => SLOW_REDIS,
            Self::BlockedLoop => BLOCKED_LOOP,
            Self::CutNats => CUT_NATS,
        }
    }
}

/// A rule that looks back over hours is about what clients were answered, whatever the fault was.
const SLOW_DATABASE: Expectation = Expectation {
    expected: &[sign("DatabaseSlow", &[PACKAGES]), sign("EndpointSlow", &[PACKAGES])],
    allowed: &[
        sign("PackagesListSlow", &[]),
        sign("PackagesFail", &[]),
        sign("PoolExhausted", &[PACKAGES]),
        sign("GatewayRouteSlow", &[("route", "packages_read")]),
        sign("GatewayRouteSlow", &[("route", "packages")]),
        sign("GatewayRouteErrors", &[("route", "packages_read")]),
        sign("GatewayRouteErrors", &[("route", "packages")]),
    ],
    lingering: &[
        sign("PackagesListHitRateLow", &[]),
        sign("ErrorBudgetBurnsFast", &[PACKAGES]),
        sign("ErrorBudgetBurns", &[PACKAGES]),
        sign("ErrorBudgetBurnsFast", &[GATEWAY]),
        sign("ErrorBudgetBurns", &[GATEWAY]),
    ],
    witnesses: &[Witness::Slow { process: "package-ledger", cause: "database" }],
};

const FULL_DISK: Expectation = Expectation {
    expected: &[sign("StorageFull", &[])],
    allowed: &[
        // The service says that it is not ready when not even a few bytes can be written.
        sign("GatewayUpstreamWithoutHealthyInstance", &[("upstream", "upload_ingest")]),
        sign("GatewayInstanceOut", &[("upstream", "upload_ingest")]),
        sign("GatewayRouteErrors", &[("route", "assets")]),
        sign("UploadsFail", &[]),
        sign("ProcessingStageFails", &[]),
    ],
    lingering: &[
        sign("ErrorBudgetBurnsFast", &[UPLOADS]),
        sign("ErrorBudgetBurns", &[UPLOADS]),
        sign("ErrorBudgetBurnsFast", &[GATEWAY]),
        sign("ErrorBudgetBurns", &[GATEWAY]),
        sign("ProcessingJobsDied", &[]),
    ],
    witnesses: &[Witness::Line {
        process: "upload-ingest",
        target: "access",
        has: "\"code\":\"storage_full\"",
    }],
};

const DEAD_UPSTREAM: Expectation = Expectation {
    expected: &[sign("InstanceDown", &[]), sign("GatewayInstanceOut", &[("upstream", "catalog")])],
    allowed: &[],
    lingering: &[],
    witnesses: &[Witness::Line { process: "gateway", target: "", has: "an instance is unhealthy" }],
};

const EXHAUSTED_POOL: Expectation = Expectation {
    expected: &[sign("PoolExhausted", &[STORIES])],
    allowed: &[
        sign("EndpointSlow", &[STORIES]),
        sign("StoriesFeedSlow", &[]),
        sign("StoriesFail", &[]),
        sign("StoriesEventsFail", &[]),
        sign("StoriesHearLate", &[]),
        sign("GatewayRouteErrors", &[("route", "stories_read")]),
        sign("GatewayRouteErrors", &[("route", "stories")]),
        sign("GatewayRouteSlow", &[("route", "stories_read")]),
        sign("GatewayRouteSlow", &[("route", "stories")]),
        sign("GatewayUpstreamWithoutHealthyInstance", &[("upstream", "stories_feed")]),
    ],
    lingering: &[
        sign("StoriesFeedHitRateLow", &[]),
        sign("ErrorBudgetBurnsFast", &[STORIES]),
        sign("ErrorBudgetBurns", &[STORIES]),
        sign("ErrorBudgetBurnsFast", &[GATEWAY]),
        sign("ErrorBudgetBurns", &[GATEWAY]),
    ],
    witnesses: &[Witness::Slow { process: "stories-feed", cause: "pool_wait" }],
};

const SLOW_REDIS: Expectation = Expectation {
    expected: &[sign("RedisSlow", &[PACKAGES])],
    allowed: &[
        sign("EndpointSlow", &[PACKAGES]),
        sign("PackagesListSlow", &[]),
        sign("PackagesFail", &[]),
        sign("GatewayInvalidationLag", &[("domain", "package-ledger")]),
        sign("FreshnessSilentEdges", &[PACKAGES]),
        sign("FreshnessRedisAway", &[PACKAGES]),
        sign("GatewayRouteErrors", &[("route", "packages")]),
    ],
    lingering: &[
        // Its writers change what every list shows.
        sign("PackagesListHitRateLow", &[]),
        sign("ErrorBudgetBurnsFast", &[PACKAGES]),
        sign("ErrorBudgetBurns", &[PACKAGES]),
        sign("ErrorBudgetBurnsFast", &[GATEWAY]),
        sign("ErrorBudgetBurns", &[GATEWAY]),
    ],
    witnesses: &[Witness::Slow { process: "package-ledger", cause: "redis" }],
};

const BLOCKED_LOOP: Expectation = Expectation {
    expected: &[sign("EventLoopBlocked", &[CATALOG])],
    allowed: &[
        sign("EndpointBlocks", &[CATALOG]),
        sign("EndpointSlow", &[CATALOG]),
        sign("DatabaseSlow", &[CATALOG]),
        sign("RedisSlow", &[CATALOG]),
        sign("GatewayInvalidationLag", &[("domain", "catalog")]),
        sign("FreshnessSilentEdges", &[CATALOG]),
        sign("GatewayRouteSlow", &[("route", "catalog")]),
        sign("GatewayRouteSlow", &[("route", "catalog_public")]),
        sign("GatewayRouteErrors", &[("route", "catalog")]),
    ],
    lingering: &[
        sign("ErrorBudgetBurnsFast", &[CATALOG]),
        sign("ErrorBudgetBurns", &[CATALOG]),
        sign("ErrorBudgetBurnsFast", &[GATEWAY]),
        sign("ErrorBudgetBurns", &[GATEWAY]),
    ],
    witnesses: &[
        Witness::Slow { process: "catalog-1", cause: "event_loop" },
        Witness::Line { process: "catalog-1", target: "blocked", has: "" },
    ],
};

const CUT_NATS: Expectation = Expectation {
    expected: &[
        sign("GatewayLeaseLost", &[]),
        sign("PackagesOutboxLag", &[]),
        sign("StoriesOutboxLag", &[]),
        sign("UploadOutboxLag", &[]),
        sign("CatalogOutboxLag", &[]),
    ],
    allowed: &[
        sign("FreshnessSilentEdges", &[]),
        sign("GatewayInvalidationLag", &[]),
        sign("ProcessingQueueOld", &[]),
        sign("StoriesSocketsLate", &[]),
        sign("StoriesHearLate", &[]),
        // A worker without NATS is not ready, and what gateways held is asked of the services.
        sign("EndpointSlow", &[]),
    ],
    lingering: &[],
    witnesses: &[Witness::Line { process: "gateway", target: "", has: "lease lost" }],
};

impl Sign {
    /// Whether an alert with these labels is meant.
    pub(crate) fn is(&self, name: &str, labels: &super::watch::Labels) -> bool {
        let has = |(key, value): &(&str, &str)| labels.get(*key).is_some_and(|found| found == value);
        self.alert == name && self.labels.iter().all(has)
    }

    /// `DatabaseSlow{service="catalog"}`.
    pub(crate) fn text(&self) -> String {
        if self.labels.is_empty() {
            return self.alert.to_owned();
        }
        let labels: Vec<String> =
            self.labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        format!("{}{{{}}}", self.alert, labels.join(","))
    }
}

impl Witness {
    pub(crate) fn process(&self) -> &'static str {
        match self {
            Self::Slow { process, .. } | Self::Line { process, .. } => process,
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Slow { process, cause } => format!("slow log of {process}: {cause}"),
            Self::Line { process, target: "", has } => format!("log of {process}: {has}"),
            Self::Line { process, target, has: "" } => format!("{target} log of {process}"),
            Self::Line { process, target, has } => format!("{target} log of {process}: {has}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;
    use crate::alarms::watch::Labels;

    #[test]
    fn every_fault_has_its_turn() {
        let in_turn: Vec<Fault> = Fault::rounds().concat();
        assert_eq!(in_turn.len(), Fault::ALL.len());
        assert!(Fault::ALL.iter().all(|fault| in_turn.contains(fault)));
    }

    /// Against the rules as they are: an alert that is renamed is missed here first.
    #[test]
    fn every_alert_that_is_named_exists() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/prometheus");
        let mut known = BTreeSet::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.to_string_lossy().ends_with(".rules.yml") {
                let text = fs::read_to_string(path).unwrap();
                known.extend(
                    text.lines().filter_map(|line| line.trim().strip_prefix("- alert: ").map(str::to_owned)),
                );
            }
        }
        for fault in Fault::ALL {
            let Expectation { expected, allowed, lingering, witnesses } = fault.expectation();
            assert!(!expected.is_empty() && !witnesses.is_empty(), "{fault:?}");
            for sign in expected.iter().chain(allowed).chain(lingering) {
                assert!(known.contains(sign.alert), "{fault:?}: there is no alert {}", sign.alert);
            }
        }
    }

    #[test]
    fn a_sign_is_of_the_alert_with_its_labels() {
        let labels = |service: &str| Labels::from([("service".to_owned(), service.to_owned())]);
        let slow = sign("DatabaseSlow", &[PACKAGES]);
        assert!(slow.is("DatabaseSlow", &labels("package-ledger")));
        assert!(
            !slow.is("DatabaseSlow", &labels("catalog")) && !slow.is("RedisSlow", &labels("package-ledger"))
        );
        assert!(sign("StorageFull", &[]).is("StorageFull", &Labels::new()));
    }
}
