//! A service's side: what its reads and writes share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use broadcast::Broadcast;
use secrecy::SecretString;
use telemetry::metrics::Metrics;

use crate::announce::Announcer;
use crate::flight::Flights;
use crate::local::Local;
use crate::metrics::Instruments;
use crate::stats::ReadCounts;
use crate::{Domain, FreshnessConfig, FreshnessError, Loaded, Registry, Source, Stats};

/// The kept answers of a service and the guard of its writes. One in a process; clones share everything.
#[derive(Clone)]
pub struct Freshness {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: FreshnessConfig,
    pub(crate) registry: Registry,
    pub(crate) announcer: Announcer,
    pub(crate) local: Local,
    pub(crate) flights: Flights<Loaded>,
    pub(crate) instruments: Instruments,
    /// A std mutex: held for a look-up, never across an await.
    counts: Mutex<HashMap<&'static str, Arc<ReadCounts>>>,
}

impl fmt::Debug for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freshness").field("registry", &self.inner.registry).finish_non_exhaustive()
    }
}

impl Freshness {
    /// Begins to keep answers of the service `domain`. Redis is asked once, so that a fault shows in the log at the start;
    /// neither Redis nor NATS needs to be there.
    ///
    /// # Errors
    /// [`FreshnessError::Settings`] and [`FreshnessError::Address`] when the configuration cannot be used.
    pub async fn start(
        config: FreshnessConfig,
        redis_url: &SecretString,
        broadcast: Broadcast,
        domain: &str,
        metrics: &Metrics,
    ) -> Result<Self, FreshnessError> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(FreshnessError::Settings(faults.join(", ")));
        }
        let domain = Domain::new(domain)?;
        let instruments = Instruments::new(metrics);
        let registry = Registry::with(redis_url, &domain, &config, instruments.redis_calls.clone())?;
        let inner = Inner {
            announcer: Announcer::start(broadcast, &domain),
            local: Local::new(config.local_bytes, config.local_family_bytes, config.longest_ttl()),
            flights: Flights::new(),
            instruments,
            counts: Mutex::default(),
            registry,
            config,
        };
        if inner.config.enabled {
            // An answer of any kind will do, and the connection itself says that there is none.
            let _ = inner.registry.renew("nobody").await;
        }
        inner.settle_figures().await;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The name under which edges follow this service.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        self.inner.registry.domain()
    }

    /// Whether Redis answered the last call. Without it reads go to the database and writes are refused.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.inner.registry.is_available()
    }

    /// Figures of one family. Looks at every local entry of it: for people, not for every request.
    pub async fn stats(&self, family: &'static str) -> Stats {
        let local = self.inner.local.family(family);
        local.settle().await;
        let mut stats = Stats {
            entries: local.entries(),
            bytes: local.bytes(),
            max_bytes: local.max_bytes(),
            evictions: local.evictions(),
            oldest: local.oldest(SystemTime::now()),
            ..Stats::default()
        };
        self.inner.counts(family).write_to(&mut stats);
        stats
    }
}

impl Inner {
    pub(crate) fn count_read(&self, family: &'static str, source: Source) {
        self.instruments.read(family, source.as_str());
        self.counts(family).count(source);
    }

    /// Brings the gauges up to date.
    pub(crate) async fn settle_figures(&self) {
        self.instruments.redis_available.set(i64::from(self.registry.is_available()));
        for (name, family) in self.local.families() {
            family.settle().await;
            self.instruments.local(name, family.bytes(), family.entries(), family.evictions());
        }
    }

    /// Every change leaves the map whole, so poison is ignored.
    fn counts(&self, family: &'static str) -> Arc<ReadCounts> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(counts.entry(family).or_default())
    }
}
