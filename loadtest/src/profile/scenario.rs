//! What is asked of a service while it is profiled.

use clap::ValueEnum;

/// A service that scenarios are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Service {
    Gateway,
    StoriesFeed,
    PackageLedger,
    Catalog,
    UploadIngest,
}

/// What is asked. Each service has some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Scenario {
    /// gateway: one answer from memory, again and again.
    Hot,
    /// gateway: the same, confirmed by 304.
    NotModified,
    /// gateway: what may not be kept, from the service behind it each time.
    Pass,
    /// stories-feed: the feed of a gym of 100 stories, from the database each time.
    FeedUncached,
    /// stories-feed: the same feed, whose parts are known.
    FeedKnown,
    /// package-ledger, catalog: a page of the list, from the database each time.
    ListUncached,
    /// package-ledger, catalog: a page of the list that is known.
    ListKnown,
    /// upload-ingest: a film of a second by `PUT`, another one each time.
    Put,
}

impl Service {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::StoriesFeed => "stories-feed",
            Self::PackageLedger => "package-ledger",
            Self::Catalog => "catalog",
            Self::UploadIngest => "upload-ingest",
        }
    }

    /// What can be asked of it.
    pub(super) fn scenarios(self) -> &'static [Scenario] {
        match self {
            Self::Gateway => &[Scenario::Hot, Scenario::NotModified, Scenario::Pass],
            Self::StoriesFeed => &[Scenario::FeedUncached, Scenario::FeedKnown],
            Self::PackageLedger | Self::Catalog => &[Scenario::ListUncached, Scenario::ListKnown],
            Self::UploadIngest => &[Scenario::Put],
        }
    }

    /// # Errors
    /// Where this cannot be asked of it; the error says what can.
    pub(super) fn check(self, scenario: Scenario) -> anyhow::Result<()> {
        let names: Vec<String> = self.scenarios().iter().map(|scenario| scenario.name()).collect();
        anyhow::ensure!(
            self.scenarios().contains(&scenario),
            "{} has no scenario {}; it has {}",
            self.name(),
            scenario.name(),
            names.join(", ")
        );
        Ok(())
    }
}

impl Scenario {
    pub(super) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_of_some_service_and_a_wrong_one_is_told_what_there_is() {
        for scenario in Scenario::value_variants() {
            assert!(
                Service::value_variants().iter().any(|service| service.check(*scenario).is_ok()),
                "{scenario:?}"
            );
        }
        let refused = Service::Gateway.check(Scenario::Put).unwrap_err().to_string();
        assert_eq!(refused, "gateway has no scenario put; it has hot, not-modified, pass");
    }
}
