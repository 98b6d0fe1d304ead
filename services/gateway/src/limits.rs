//! How much of the gateway one client, and all of them together, may have.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use http::header::HeaderMap;
use identity::Principal;
use problem::{Problem, registry};
use rate_limit::{Charge, Limiter, Partition};

use crate::config::{Config, Faults, LimitsConfig, written};
use crate::problems::OVERLOADED;
use crate::route::Route;

/// The bound on requests in flight, over all workers.
#[derive(Clone)]
pub(crate) struct Concurrency {
    in_flight: Arc<AtomicUsize>,
    most: Option<usize>,
    retry_after_secs: u32,
}

/// One place among the requests in flight.
pub(crate) struct InFlight(Arc<AtomicUsize>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Concurrency {
    /// `previous` is the bound of the configuration before this one; its requests still count.
    pub(crate) fn new(config: &LimitsConfig, previous: Option<&Self>) -> Self {
        let in_flight = previous.map_or_else(Arc::default, |previous| Arc::clone(&previous.in_flight));
        let most = (config.max_concurrent_requests > 0).then_some(config.max_concurrent_requests);
        Self { in_flight, most, retry_after_secs: config.retry_after_secs }
    }

    /// Whether the next one would be refused.
    pub(crate) fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.in_flight.load(Ordering::Relaxed) >= most)
    }

    /// A place, or 503 at once.
    pub(crate) fn enter(&self) -> Result<InFlight, Problem> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = InFlight(Arc::clone(&self.in_flight));
        match self.most {
            Some(most) if before >= most => {
                Err(Problem::new(&OVERLOADED).header("Retry-After", self.retry_after_secs.to_string()))
            }
            _ => Ok(place),
        }
    }
}

/// The quotas of a configuration.
pub(crate) struct RateLimits {
    limiters: Vec<Arc<Limiter>>,
}

/// When in its way a request is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// By its address, before anyone has looked at its token: guessing tokens is counted too.
    BeforeToken,
    /// By who asks.
    AfterToken,
}

impl RateLimits {
    /// Counts of a policy that has not changed go on.
    pub(crate) fn build(config: &Config, faults: &mut Faults, previous: Option<&Self>) -> Self {
        let mut limiters = Vec::new();
        for (index, policy) in config.rate_limits.iter().enumerate() {
            let key = format!("rate_limit[{index}]");
            if config.rate_limits.iter().take(index).any(|earlier| earlier.name == policy.name) {
                faults.add(format!("{key}.name"), format!("`{}` is there twice", policy.name));
            }
            for fault in policy.faults() {
                let (at, message) = fault.split_once(": ").unwrap_or(("", &fault));
                faults.add(written(&key, at.split('.')), message);
            }
            let kept = previous.and_then(|previous| {
                previous.limiters.iter().find(|limiter| limiter.config() == policy).map(Arc::clone)
            });
            // A policy with faults has been reported; nothing is built from such a configuration.
            limiters.extend(kept.or_else(|| Limiter::new(policy).ok().map(Arc::new)));
        }
        Self { limiters }
    }

    /// Spends the request's units, or refuses it. How the client stands is added to `told` either way (X-B9).
    pub(crate) fn charge(
        &self,
        route: &Route,
        stage: Stage,
        address: IpAddr,
        principal: Option<&Principal>,
        told: &mut HeaderMap,
    ) -> Result<(), Problem> {
        let charges: Vec<Charge<'_>> = self.charges(route, stage, address, principal).collect();
        if charges.is_empty() {
            return Ok(());
        }
        let outcome = rate_limit::charge_all(&charges, Instant::now());
        if outcome.refused().is_some() {
            // Of those that let the request in nothing is told: their `t` may lie beyond `Retry-After`.
            told.remove("ratelimit");
        }
        outcome.decorate(told);
        match outcome.refused() {
            None => Ok(()),
            Some(refused) => Err(Problem::new(&registry::TOO_MANY_REQUESTS)
                .detail(format!("the quota `{}` is used up", refused.policy))
                .header("Retry-After", refused.retry_after_secs.to_string())),
        }
    }

    /// Spends the units of both stages, of a request that is refused by neither: else nothing is spent, and it is for
    /// [`charge`](Self::charge) to say why.
    pub(crate) fn charge_at_once(
        &self,
        route: &Route,
        address: IpAddr,
        principal: Option<&Principal>,
        told: &mut HeaderMap,
    ) -> bool {
        if route.rate_limits.is_empty() {
            return true;
        }
        let stages = [Stage::BeforeToken, Stage::AfterToken];
        let charges: Vec<Charge<'_>> =
            stages.into_iter().flat_map(|stage| self.charges(route, stage, address, principal)).collect();
        let outcome = rate_limit::charge_all(&charges, Instant::now());
        if outcome.refused().is_some() {
            return false;
        }
        outcome.decorate(told);
        true
    }

    fn charges<'a>(
        &'a self,
        route: &'a Route,
        stage: Stage,
        address: IpAddr,
        principal: Option<&'a Principal>,
    ) -> impl Iterator<Item = Charge<'a>> {
        let principal = principal.map(|principal| (principal.issuer.as_str(), principal.subject.as_str()));
        let limiters = route.rate_limits.iter().filter_map(|index| self.limiters.get(*index));
        limiters
            .filter(move |limiter| {
                (limiter.partition() == Partition::Address) == (stage == Stage::BeforeToken)
            })
            .filter_map(move |limiter| {
                let key = limiter.partition().key(principal, address)?;
                Some(Charge { limiter: limiter.as_ref(), key, cost: route.cost })
            })
    }
}
