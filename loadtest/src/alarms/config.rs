//! The configurations of `deploy/`, as they are shipped, led to the servers of the run. Every key that the drill depends on is written
//! here and nowhere else.

use std::net::SocketAddr;
use std::path::Path;

use crate::upload::config::{Settings, settings};

/// 32 bytes in base64; the database they protect lives as long as the run.
const MASTER_KEY: &str = "Y2hlY2stYWxhcm1zLWNoZWNrLWFsYXJtcy1jaGVjay0=";
const KEY: &str = "check-alarms-check-alarms-check-alarms";
/// Milliseconds from which a request is told in the slow log. Shorter than the shipped 500, because a request that is as slow as a fault
/// makes it is what the drill is about.
const SLOW_MS: &str = "200";
/// Connections of stories-feed. The relay keeps one, so that a handful of readers has two between them.
const FEW_CONNECTIONS: &str = "3";
/// The single-instance line of the shipped gateway.
const ONE_CATALOG: &str = "url = \"http://127.0.0.1:8081\"";

/// A program with its configuration in `deploy/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Catalog,
    UploadIngest,
    UploadWorker,
    StoriesFeed,
    PackageLedger,
    Gateway,
}

impl Kind {
    /// Of the program, and of its log.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::UploadIngest => "upload-ingest",
            Self::UploadWorker => "upload-worker",
            Self::StoriesFeed => "stories-feed",
            Self::PackageLedger => "package-ledger",
            Self::Gateway => "gateway",
        }
    }

    /// The word that makes it serve.
    pub(crate) fn verb(self) -> &'static str {
        if self == Self::UploadWorker { "run" } else { "serve" }
    }

    /// Its database; a worker has that of its service.
    pub(crate) fn database(self) -> Option<&'static str> {
        match self {
            Self::Catalog => Some("catalog"),
            Self::UploadIngest | Self::UploadWorker => Some("upload_ingest"),
            Self::StoriesFeed => Some("stories_feed"),
            Self::PackageLedger => Some("package_ledger"),
            Self::Gateway => None,
        }
    }

    fn shipped(self) -> &'static str {
        match self {
            Self::Catalog => include_str!("../../../deploy/catalog.toml"),
            Self::UploadIngest => include_str!("../../../deploy/upload-ingest.toml"),
            Self::UploadWorker => include_str!("../../../deploy/upload-worker.toml"),
            Self::StoriesFeed => include_str!("../../../deploy/stories-feed.toml"),
            Self::PackageLedger => include_str!("../../../deploy/package-ledger.toml"),
            Self::Gateway => include_str!("../../../deploy/gateway.toml"),
        }
    }
}

/// Where everything of a run listens.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) door: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) catalogs: [SocketAddr; 2],
    pub(crate) uploads: SocketAddr,
    pub(crate) worker: SocketAddr,
    pub(crate) stories: SocketAddr,
    pub(crate) packages: SocketAddr,
}

impl Places {
    /// The shipped file of a program with the addresses of this run.
    pub(crate) fn file(&self, kind: Kind) -> String {
        let [first, second] = self.catalogs;
        let two = format!("instances = [\"http://{first}\", \"http://{second}\"]");
        let text = kind.shipped().replace(ONE_CATALOG, &two);
        let moved = [
            ("127.0.0.1:8080", self.door),
            ("127.0.0.1:8081", first),
            ("127.0.0.1:8082", self.stories),
            ("127.0.0.1:8083", self.packages),
            ("127.0.0.1:8084", self.uploads),
            ("127.0.0.1:8085", self.worker),
            ("127.0.0.1:8090", self.admin),
        ];
        moved.iter().fold(text, |text, (fixed, addr)| text.replace(fixed, &addr.to_string()))
    }
}

/// The stores as one process sees them.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) postgres_url: Option<String>,
    pub(crate) redis: SocketAddr,
    pub(crate) nats: SocketAddr,
}

/// What a process is told beside its file.
pub(crate) fn settings_of(kind: Kind, bind: SocketAddr, stores: &Stores, folder: &Path) -> Settings {
    let (redis, nats) = (format!("redis://{}", stores.redis), format!("nats://{}", stores.nats));
    let mut found =
        settings(&[("TELEMETRY__LOG", "warn"), ("TELEMETRY__SAMPLE_RATIO", "0.0"), ("NATS__URL", &nats)]);
    if kind == Kind::Gateway {
        found.extend(settings(&[
            ("DOCS__ENABLED", "false"),
            ("FRESHNESS__CATALOG__REDIS_URL", &redis),
            ("FRESHNESS__UPLOAD-INGEST__REDIS_URL", &redis),
            ("FRESHNESS__STORIES-FEED__REDIS_URL", &redis),
            ("FRESHNESS__PACKAGE-LEDGER__REDIS_URL", &redis),
        ]));
        return found;
    }
    let bind = bind.to_string();
    found.extend(settings(&[
        ("HTTP__BIND", &bind),
        ("REDIS__URL", &redis),
        ("TELEMETRY__SLOW_REQUEST_MS", SLOW_MS),
    ]));
    if let Some(url) = &stores.postgres_url {
        found.extend(settings(&[("POSTGRES__URL", url)]));
    }
    let objects = folder.join(super::system::STORE).join("objects").display().to_string();
    let spool = folder.join("spool").display().to_string();
    found.extend(match kind {
        Kind::Catalog => settings(&[
            ("AUTH__MASTER_KEY", MASTER_KEY),
            ("RECORDS__CURSOR_KEY", KEY),
            ("AUTH__ACCESS_TTL_SECS", "86400"),
        ]),
        Kind::UploadIngest | Kind::UploadWorker => settings(&[
            ("STORAGE__LOCAL__ROOT", &objects),
            ("MEDIA__CAPABILITY_KEY", KEY),
            ("API__CURSOR_KEY", KEY),
        ]),
        Kind::StoriesFeed => {
            settings(&[("API__CURSOR_KEY", KEY), ("POSTGRES__MAX_CONNECTIONS", FEW_CONNECTIONS)])
        }
        Kind::PackageLedger => settings(&[
            ("API__CURSOR_KEY", KEY),
            ("API__PICKUP_KEY", KEY),
            ("MESSAGES__SPOOL_DIRECTORY", &spool),
        ]),
        Kind::Gateway => Settings::new(),
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_replaced_stands_in_the_files_that_are_shipped() {
        assert_eq!(Kind::Gateway.shipped().matches(ONE_CATALOG).count(), 1);
        for (kind, own) in [
            (Kind::Catalog, "8081"),
            (Kind::UploadIngest, "8084"),
            (Kind::UploadWorker, "8085"),
            (Kind::StoriesFeed, "8082"),
            (Kind::PackageLedger, "8083"),
            (Kind::Gateway, "8090"),
        ] {
            assert_eq!(kind.shipped().matches(&format!("bind = \"127.0.0.1:{own}\"")).count(), 1, "{kind:?}");
        }
    }

    #[test]
    fn no_fixed_port_is_left_in_a_file() {
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let places = Places {
            door: at(1),
            admin: at(2),
            catalogs: [at(3), at(4)],
            uploads: at(5),
            worker: at(6),
            stories: at(7),
            packages: at(8),
        };
        for kind in [
            Kind::Catalog,
            Kind::UploadIngest,
            Kind::UploadWorker,
            Kind::StoriesFeed,
            Kind::PackageLedger,
            Kind::Gateway,
        ] {
            let text = places.file(kind);
            assert!(!text.contains("127.0.0.1:80"), "{kind:?}: {text}");
        }
        assert!(
            places
                .file(Kind::Gateway)
                .contains("instances = [\"http://127.0.0.1:3\", \"http://127.0.0.1:4\"]")
        );
    }
}
