//! What there is: the domains that are checked, the kinds of servers, and who of them speaks with whom.

/// A service that is checked, with all before and behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Domain {
    Catalog,
    Stories,
    Packages,
}

impl Domain {
    pub(crate) const ALL: [Self; 3] = [Self::Catalog, Self::Stories, Self::Packages];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Stories => "stories",
            Self::Packages => "packages",
        }
    }

    /// Its program, as it is built.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Stories => "stories-feed",
            Self::Packages => "package-ledger",
        }
    }

    pub(crate) fn database(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Stories => "stories_feed",
            Self::Packages => "package_ledger",
        }
    }
}

/// Who speaks with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    CatalogPostgres,
    CatalogRedis,
    CatalogNats,
    GatewayRedis,
    GatewayNats,
    GatewayCatalog,
    StoriesPostgres,
    StoriesRedis,
    StoriesNats,
    GatewayStories,
    PackagesPostgres,
    PackagesRedis,
    PackagesNats,
    GatewayPackages,
}

impl Wire {
    pub(crate) const ALL: [Self; 14] = [
        Self::CatalogPostgres,
        Self::CatalogRedis,
        Self::CatalogNats,
        Self::GatewayRedis,
        Self::GatewayNats,
        Self::GatewayCatalog,
        Self::StoriesPostgres,
        Self::StoriesRedis,
        Self::StoriesNats,
        Self::GatewayStories,
        Self::PackagesPostgres,
        Self::PackagesRedis,
        Self::PackagesNats,
        Self::GatewayPackages,
    ];

    /// Which part has one of its own for each of its servers.
    pub(crate) fn owner(self) -> Part {
        match self {
            Self::CatalogPostgres | Self::CatalogRedis | Self::CatalogNats => Part::Catalog,
            Self::StoriesPostgres | Self::StoriesRedis | Self::StoriesNats => Part::StoriesFeed,
            Self::PackagesPostgres | Self::PackagesRedis | Self::PackagesNats => Part::PackageLedger,
            Self::GatewayRedis
            | Self::GatewayNats
            | Self::GatewayCatalog
            | Self::GatewayStories
            | Self::GatewayPackages => Part::Gateway,
        }
    }

    /// The only domain that it is of.
    pub(crate) fn domain(self) -> Option<Domain> {
        match self {
            Self::GatewayCatalog => Some(Domain::Catalog),
            Self::GatewayStories => Some(Domain::Stories),
            Self::GatewayPackages => Some(Domain::Packages),
            _ => self.owner().domain(),
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::CatalogPostgres => "catalog-postgres",
            Self::CatalogRedis => "catalog-redis",
            Self::CatalogNats => "catalog-nats",
            Self::GatewayRedis => "gateway-redis",
            Self::GatewayNats => "gateway-nats",
            Self::GatewayCatalog => "gateway-catalog",
            Self::StoriesPostgres => "stories-postgres",
            Self::StoriesRedis => "stories-redis",
            Self::StoriesNats => "stories-nats",
            Self::GatewayStories => "gateway-stories",
            Self::PackagesPostgres => "packages-postgres",
            Self::PackagesRedis => "packages-redis",
            Self::PackagesNats => "packages-nats",
            Self::GatewayPackages => "gateway-packages",
        }
    }
}

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Postgres,
    Redis,
    Nats,
    Catalog,
    StoriesFeed,
    PackageLedger,
    Gateway,
}

impl Part {
    pub(crate) const ALL: [Self; 7] = [
        Self::Postgres,
        Self::Redis,
        Self::Nats,
        Self::Catalog,
        Self::StoriesFeed,
        Self::PackageLedger,
        Self::Gateway,
    ];

    /// The only domain that it is of.
    pub(crate) fn domain(self) -> Option<Domain> {
        match self {
            Self::Catalog => Some(Domain::Catalog),
            Self::StoriesFeed => Some(Domain::Stories),
            Self::PackageLedger => Some(Domain::Packages),
            Self::Postgres | Self::Redis | Self::Nats | Self::Gateway => None,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Catalog => "catalog",
            Self::StoriesFeed => "stories-feed",
            Self::PackageLedger => "package-ledger",
            Self::Gateway => "gateway",
        }
    }
}
