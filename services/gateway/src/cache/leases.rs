//! The leases of the domains that this gateway keeps answers of, for as long as the process lives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use broadcast::{Broadcast, NatsConfig};
use coherence::Tracker;
use freshness::{Domain, EdgeLease, FreshnessError, Registry};

use super::Cache;
use crate::config::{Config, DomainConfig};
use crate::metrics::{CacheMetrics, DomainMetrics};

/// Leases under way, and the means to tell other gateways.
#[derive(Default)]
pub(crate) struct Leases {
    domains: BTreeMap<String, Domain>,
    settings: Option<Settings>,
    broadcast: OnceLock<Broadcast>,
    held: Mutex<Vec<EdgeLease>>,
}

/// Where leases are held and writes heard of.
type Settings = (Option<NatsConfig>, BTreeMap<String, DomainConfig>);

/// A lease to be held.
struct Wanted {
    domain: Domain,
    registry: Registry,
    tracker: Arc<Tracker>,
    metrics: DomainMetrics,
}

impl Leases {
    /// Begins to join all domains, in the background, and tries for ever. Until one is joined, its upstreams' answers pass
    /// through. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// A name of a domain or an address of Redis that cannot be one.
    pub(crate) fn start(
        config: &Config,
        cache: Option<&Arc<Cache>>,
        metrics: &CacheMetrics,
    ) -> Result<Arc<Self>, FreshnessError> {
        let settings = Some((config.nats.clone(), config.freshness.clone()));
        let (Some(cache), Some(nats)) = (cache, &config.nats) else {
            return Ok(Arc::new(Self { settings, ..Self::default() }));
        };
        let mut domains = BTreeMap::new();
        let mut wanted = Vec::new();
        for (name, settings) in &config.freshness {
            let domain = Domain::new(name)?;
            wanted.push(Wanted {
                domain: domain.clone(),
                registry: Registry::connect(&settings.redis_url, name)?,
                tracker: cache.tracker(Some(name)),
                metrics: metrics.of_domain(name),
            });
            domains.insert(name.clone(), domain);
        }
        let leases = Arc::new(Self { domains, settings, ..Self::default() });
        if !wanted.is_empty() {
            tokio::spawn(Arc::clone(&leases).join(nats.clone(), wanted));
        }
        Ok(leases)
    }

    /// Whether these are the leases of this configuration. They are the process's: others need a restart.
    pub(crate) fn are_of(&self, config: &Config) -> bool {
        self.settings
            .as_ref()
            .is_none_or(|(nats, domains)| *nats == config.nats && *domains == config.freshness)
    }

    async fn join(self: Arc<Self>, nats: NatsConfig, wanted: Vec<Wanted>) {
        let broadcast = match Broadcast::connect(&nats).await {
            Ok(broadcast) => self.broadcast.get_or_init(|| broadcast),
            // The configuration was checked: what is left is that there is no such host.
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "nothing is kept under a lease: NATS cannot be reached");
                return;
            }
        };
        let leases = wanted.into_iter().map(|wanted| {
            let Wanted { domain, registry, tracker, metrics } = wanted;
            EdgeLease::start(registry, broadcast.clone(), domain, tracker, metrics)
        });
        self.held.lock().unwrap_or_else(PoisonError::into_inner).extend(leases);
    }

    /// The domains, and how to name them to the other gateways that keep answers of them.
    pub(super) fn domains(&self) -> impl Iterator<Item = (&str, &Domain)> {
        self.domains.iter().map(|(name, domain)| (name.as_str(), domain))
    }

    pub(super) fn broadcast(&self) -> Option<&Broadcast> {
        self.broadcast.get()
    }

    /// Gives the leases back, so that no writer waits for a gateway that is gone.
    pub(crate) async fn stop(&self) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for lease in held {
            lease.stop().await;
        }
    }
}
