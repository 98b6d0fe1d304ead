//! The peers there are.

use clap::ValueEnum;

use super::workload::Workload;

/// Something to be set beside ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Peer {
    /// nginx with `proxy_cache`.
    Nginx,
    /// The same with `proxy_cache_lock`: one request at a time fetches what is missing.
    NginxLock,
    /// Varnish with its cache in memory.
    Varnish,
    /// HAProxy with its cache of small objects.
    Haproxy,
    /// FastAPI, 1 + N + N statements for a feed, and no cache.
    StoriesBefore,
    /// FastAPI, two statements, and feeds in Redis for 60 s.
    StoriesAfter,
    /// FastAPI, `OFFSET` and `LIMIT`, and pages in Redis for 30 s.
    PackagesAfter,
    /// Flask, lists in the memory of each process, with a tag.
    CatalogAfter,
    /// FastAPI, a form in pieces of 8 KiB, one commit.
    UploadFastapi,
    /// nginx with WebDAV `PUT`.
    UploadNginx,
    /// The reference server of tus.
    UploadTus,
    /// actix-web with a constant.
    CeilingActix,
    /// nginx with files.
    CeilingNginx,
}

/// What a peer is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What others put before an origin.
    Gateway,
    /// What a service of ours replaces.
    Yardstick,
    /// What takes files.
    Upload,
    /// What this machine can do at most.
    Ceiling,
}

impl Peer {
    pub(crate) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// As in tables and arguments.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Nginx | Self::NginxLock | Self::Varnish | Self::Haproxy => Kind::Gateway,
            Self::StoriesBefore | Self::StoriesAfter | Self::PackagesAfter | Self::CatalogAfter => {
                Kind::Yardstick
            }
            Self::UploadFastapi | Self::UploadNginx | Self::UploadTus => Kind::Upload,
            Self::CeilingActix | Self::CeilingNginx => Kind::Ceiling,
        }
    }

    /// What it can be asked.
    pub(crate) fn workloads(self) -> &'static [Workload] {
        use Workload as W;
        match self {
            Self::Nginx | Self::NginxLock | Self::Varnish | Self::Haproxy => {
                &[W::Hot2k, W::Hot50k, W::NotModified, W::Pass]
            }
            Self::StoriesBefore => &[W::Feed25Cold, W::Feed100Cold, W::Feed500Cold],
            Self::StoriesAfter => &[
                W::Feed25Warm,
                W::Feed25Cold,
                W::Feed100Warm,
                W::Feed100Cold,
                W::Feed500Warm,
                W::Feed500Cold,
            ],
            Self::PackagesAfter => {
                &[W::PackagesFirstWarm, W::PackagesFirstCold, W::PackagesDeepWarm, W::PackagesDeepCold]
            }
            Self::CatalogAfter => &[W::CatalogList, W::Catalog304],
            Self::UploadFastapi | Self::UploadNginx | Self::UploadTus => &[W::Upload9m, W::Upload100m],
            Self::CeilingActix => &[W::Hot2k, W::Hot50k],
            Self::CeilingNginx => &[W::Hot2k, W::Hot50k, W::NotModified],
        }
    }
}
