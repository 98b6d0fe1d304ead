//! The balancer: what its threads share.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::budget::{Counters, RetryPermit, retry_limit};
use crate::choose::choose;
use crate::clock::{Clock, NEVER, Tick};
use crate::config::Policy;
use crate::health;
use crate::instance::{FULL_WEIGHT, Health, Instance};
use crate::outlier;
use crate::pick::{NoInstance, Pick};
use crate::snapshot::{InstanceSnapshot, Load, State, Transition};

/// Spreads the requests to one upstream over its instances, which it knows by their numbers. Clones are the same balancer.
#[derive(Clone)]
pub struct Balancer {
    pub(crate) inner: Arc<Inner>,
}

// Aligned, so that counting references in the `Arc` does not touch the line that every pick reads.
#[repr(align(128))]
pub(crate) struct Inner {
    pub(crate) policy: Policy,
    pub(crate) clock: Clock,
    pub(crate) instances: Vec<Instance>,
    pub(crate) counters: Arc<Counters>,
    /// No slow start is due or under way from this tick on, so that weights need no look.
    pub(crate) slow_until: AtomicU64,
    /// What only checks and ejections need. The lock is held for a few look-ups and is never taken by a pick.
    controls: Mutex<Vec<Control>>,
}

/// The part of an instance's state that no pick reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Control {
    /// Checks passed in a row.
    pub(crate) passed: u32,
    /// Checks failed in a row.
    pub(crate) failed: u32,
    /// Ejections on its count when it was last ejected.
    pub(crate) ejections: u32,
    /// When the start period began.
    pub(crate) appeared: Tick,
    /// It joined instances that were already at work.
    pub(crate) joined_warm: bool,
}

impl Control {
    pub(crate) fn new(appeared: Tick, joined_warm: bool) -> Self {
        Self { passed: 0, failed: 0, ejections: 0, appeared, joined_warm }
    }
}

impl Inner {
    pub(crate) fn new(
        policy: Policy,
        clock: Clock,
        counters: Arc<Counters>,
        instances: Vec<Instance>,
        controls: Vec<Control>,
    ) -> Self {
        let latest = instances.iter().map(Instance::slow_from).max().filter(|latest| *latest != NEVER);
        let inner = Self {
            policy,
            clock,
            instances,
            counters,
            slow_until: AtomicU64::new(NEVER),
            controls: Mutex::new(controls),
        };
        if let Some(latest) = latest {
            inner.slow_start(latest);
        }
        inner
    }

    /// A slow start begins at `from`; to be noted before it shows in an instance.
    pub(crate) fn slow_start(&self, from: Tick) {
        let until = from.saturating_add(self.policy.balance.slow_start_ms);
        self.slow_until.fetch_max(until, Ordering::AcqRel);
    }

    pub(crate) fn controls(&self) -> MutexGuard<'_, Vec<Control>> {
        // Nothing under the lock can stop half-way, so its state is sound even if a thread died with it.
        self.controls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Balancer {
    /// A balancer for instances `0..instances`. With active checks they start in [`State::Starting`], without in
    /// [`State::Healthy`]. `now` is the beginning of its time: earlier times count as this one.
    #[must_use]
    pub fn new(instances: usize, policy: Policy, now: Instant) -> Self {
        let clock = Clock::new(now);
        let health = if policy.health.path.is_some() { Health::Starting } else { Health::Healthy };
        let controls = vec![Control::new(clock.tick(now), false); instances];
        let instances = (0..instances).map(|_| Instance::new(health, Arc::default())).collect();
        Self { inner: Arc::new(Inner::new(policy, clock, Arc::default(), instances, controls)) }
    }

    /// How many instances there are.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.inner.instances.len()
    }

    /// The policy it was made with.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// The instance for the next request; `tried` are those the request has been to already.
    ///
    /// Best first: healthy, starting, the rest (unhealthy or ejected, unless `panic_routing` is off); within each of these,
    /// untried before tried. Of the best up to three instances the least loaded one, of more the less loaded of two that
    /// are drawn. Lock-free; safe to call from any thread.
    ///
    /// # Errors
    /// [`NoInstance::Overloaded`] when `max_requests` are under way, [`NoInstance::NoneHealthy`] when there is nobody to
    /// ask.
    pub fn pick(&self, now: Instant, tried: &[usize]) -> Result<Pick, NoInstance> {
        self.pick_reachable(now, tried, &[])
    }

    /// As [`Balancer::pick`], when some instances have just refused a connection for this request: they come last, behind
    /// unhealthy and ejected ones, for these may answer.
    ///
    /// # Errors
    /// As [`Balancer::pick`]; without panic routing also when every healthy or starting instance is `unreachable`.
    pub fn pick_reachable(
        &self,
        now: Instant,
        tried: &[usize],
        unreachable: &[usize],
    ) -> Result<Pick, NoInstance> {
        let inner = &self.inner;
        let chosen = choose(inner, inner.clock.tick(now), tried, unreachable);
        let (index, rank) = chosen.ok_or(NoInstance::NoneHealthy)?;
        if !inner.counters.enter(inner.policy.balance.max_requests) {
            return Err(NoInstance::Overloaded);
        }
        Ok(Pick::new(Arc::clone(inner), index, rank.is_unfit()))
    }

    /// Takes in the result of an active check of an instance, and says what it changed. Ignored without active checks.
    pub fn checked(&self, index: usize, now: Instant, passed: bool) -> Option<Transition> {
        health::checked(&self.inner, index, self.inner.clock.tick(now), passed)
    }

    /// Leave for one retry, if the budget has room: permits that exist stay below the greater of `retry_budget_min` and
    /// `retry_budget_percent` of the requests now under way. Keep it until the retry has ended.
    pub fn may_retry(&self) -> Option<RetryPermit> {
        RetryPermit::take(&self.inner.counters, &self.inner.policy.balance)
    }

    /// Every instance as it is now, by number.
    #[must_use]
    pub fn snapshot(&self, now: Instant) -> Vec<InstanceSnapshot> {
        let now = self.inner.clock.tick(now);
        let controls = self.inner.controls();
        self.inner
            .instances
            .iter()
            .zip(controls.iter())
            .map(|(it, control)| self.view(it, control, now))
            .collect()
    }

    fn view(&self, instance: &Instance, control: &Control, now: Tick) -> InstanceSnapshot {
        let policy = &self.inner.policy;
        let state = match instance.health() {
            Health::Unhealthy => State::Unhealthy,
            _ if instance.is_ejected(now) => State::Ejected {
                remaining: Duration::from_millis(instance.ejected_until().saturating_sub(now)),
            },
            Health::Starting => State::Starting,
            Health::Healthy => State::Healthy,
        };
        let weight = instance.weight(now, policy.balance.slow_start_ms) * 100 / FULL_WEIGHT;
        InstanceSnapshot {
            state,
            in_flight: instance.requests(),
            consecutive_failures: instance.failures.load(Ordering::Relaxed),
            ejections: outlier::effective(control.ejections, instance, &policy.outlier, now),
            weight_percent: u32::try_from(weight).unwrap_or(100),
        }
    }

    /// What is under way at the upstream.
    #[must_use]
    pub fn load(&self) -> Load {
        let active = self.inner.counters.active();
        let retries = self.inner.counters.retries();
        Load { active, retries, retry_limit: retry_limit(&self.inner.policy.balance, active) }
    }
}

impl fmt::Debug for Balancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balancer")
            .field("instances", &self.inner.instances)
            .field("counters", &self.inner.counters)
            .finish_non_exhaustive()
    }
}
