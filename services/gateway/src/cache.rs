//! The edge cache: what an upstream has answered is answered again from memory, for as long as that is provably right.
//!
//! Two things have to hold. By HTTP (RFC 9111) the answer is fresh, or may be used stale; that is reckoned from what it says
//! of itself. By its domain (`coherence`) no write that was acknowledged before this request came has touched it; that is
//! known by its groups, under a lease. An upstream without a domain has a tracker that needs no lease.
//!
//! The way of a request: [`answer()`] looks up; [`fetch`] asks the upstream for all who want the same; [`reply`] makes the
//! client's answer out of what is stored, conditions, ranges and codings included. Whatever may not be kept streams
//! through untouched.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use coherence::Tracker;
use http_cache::{BodyFiles, Limits, Options, Store, StoreStats};

use crate::config::{CacheConfig, Config, Faults};
use crate::route::Route;

mod admin;
mod answer;
mod asked;
mod fetch;
mod flights;
mod invalidate;
mod judge;
mod leases;
mod lookup;
mod ready;
mod reply;
mod sabotage;

pub(crate) use admin::Operator;
pub(crate) use answer::{Caching, answer};
use flights::Flights;
pub(crate) use leases::Leases;
pub(crate) use ready::Asking;

/// What all workers keep together.
pub(crate) struct Cache {
    store: Store,
    /// Where large bodies lie, too.
    files: Option<Arc<BodyFiles>>,
    /// Where we code bodies ourselves, and where the upstream does.
    coding_here: Options,
    coding_there: Options,
    max_object_bytes: usize,
    flights: Arc<Flights>,
    /// Of upstreams without a domain.
    plain: Arc<Tracker>,
    domains: BTreeMap<String, Arc<Tracker>>,
    config: CacheConfig,
    governed: Governed,
}

/// Which domain governs which addresses. What was stored under one tracker must not be judged by another.
type Governed = Vec<(Vec<String>, Vec<String>, String, Option<String>)>;

fn governed(config: &Config) -> Governed {
    let routes = config.routes.iter().map(|route| {
        let upstream = config.upstreams.get(&route.upstream);
        let domain = upstream.and_then(|upstream| upstream.freshness.clone());
        let patterns = route.path.as_slice().iter().map(ToString::to_string).collect();
        (patterns, route.methods.clone(), route.upstream.clone(), domain)
    });
    routes.collect()
}

fn open_files(config: &CacheConfig, faults: &mut Faults) -> Option<BodyFiles> {
    let directory = config.files_dir.as_ref()?;
    BodyFiles::new(directory, config.max_files)
        .inspect_err(|error| {
            let place = directory.display();
            faults.add("cache.files_dir", format!("{place} cannot hold files: {error}"));
        })
        .ok()
}

impl Cache {
    /// The cache that a configuration asks for; that of the one before if bounds and routes are the same. Notes what cannot be.
    pub(crate) fn succeed(
        config: &Config,
        previous: Option<&Arc<Self>>,
        faults: &mut Faults,
    ) -> Option<Arc<Self>> {
        let wanted = config.cache.as_ref()?;
        if let Some(previous) =
            previous.filter(|previous| previous.config == *wanted && previous.governed == governed(config))
        {
            return Some(Arc::clone(previous));
        }
        let files = open_files(wanted, faults);
        let previous = previous.map(Arc::as_ref);
        Some(Arc::new(Self::new(wanted, files, config.freshness.keys(), governed(config), previous)))
    }

    /// What is known of writes outlives what is kept: leases are of the process, not of a configuration.
    fn new<'d>(
        config: &CacheConfig,
        files: Option<BodyFiles>,
        domains: impl Iterator<Item = &'d String>,
        governed: Governed,
        previous: Option<&Self>,
    ) -> Self {
        let known = |name: &String| previous.and_then(|previous| previous.domains.get(name)).cloned();
        let targeted = config.targeted.iter().filter_map(|name| name.parse().ok()).collect();
        let coding_here =
            Options { heuristic: config.heuristic, targeted, encodes: true, ..Options::default() };
        let in_memory = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            store: Store::new(Limits {
                max_bytes: config.max_bytes,
                max_entries: config.max_entries,
                max_object_bytes: config.max_object_bytes,
                max_variants: config.max_variants,
            }),
            files: files.map(Arc::new),
            coding_there: Options { encodes: false, ..coding_here.clone() },
            coding_here,
            max_object_bytes: in_memory(config.max_object_bytes),
            flights: Arc::default(),
            plain: previous.map_or_else(Tracker::unleased, |previous| Arc::clone(&previous.plain)),
            domains: domains
                .map(|name| (name.clone(), known(name).unwrap_or_else(sabotage::tracker)))
                .collect(),
            config: config.clone(),
            governed,
        }
    }

    /// Who knows of the writes behind an upstream.
    pub(crate) fn tracker(&self, domain: Option<&str>) -> Arc<Tracker> {
        Arc::clone(domain.and_then(|domain| self.domains.get(domain)).unwrap_or(&self.plain))
    }

    /// What is kept now.
    pub(crate) fn stats(&self) -> StoreStats {
        self.store.stats()
    }

    /// Files that bodies lie in now.
    pub(crate) fn open_files(&self) -> usize {
        self.files.as_deref().map_or(0, BodyFiles::open)
    }

    /// Forgets groups that nothing refers to any more.
    pub(crate) fn sweep(&self) {
        for tracker in self.domains.values().chain([&self.plain]) {
            tracker.sweep();
        }
    }

    fn options(&self, route: &Route) -> Cow<'_, Options> {
        let options = if route.compress { &self.coding_here } else { &self.coding_there };
        if route.agreed == options.agreed {
            return Cow::Borrowed(options);
        }
        Cow::Owned(Options { agreed: route.agreed, ..options.clone() })
    }
}
