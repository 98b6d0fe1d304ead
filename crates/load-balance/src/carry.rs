//! A reload of the configuration: what stays, stays as it was.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::balancer::{Balancer, Control, Inner};
use crate::clock::{NEVER, Tick};
use crate::config::Policy;
use crate::instance::{Health, Instance};
use crate::outlier::keep_to_the_share;

impl Balancer {
    /// A balancer for instances `0..instances` that carries on for `previous`. `mapping` holds (new number, old number) of
    /// the instances that stay; they keep their health, ejection, counts and slow start. Requests that `previous` still
    /// has under way stay in the loads, the bound and the retry budget of both; what they report stays with `previous`.
    ///
    /// Instances that are not in `mapping` join a set at work: they start slowly, after their first passed check if there
    /// are active checks. Without active checks in the new policy nobody is starting or unhealthy. Ejections that are
    /// more than the new set and policy allow are lifted, those that end first first. `previous` goes on unchanged.
    #[must_use]
    pub fn carrying_over(
        previous: &Self,
        mapping: &[(usize, usize)],
        instances: usize,
        policy: Policy,
        now: Instant,
    ) -> Self {
        let old = &previous.inner;
        let clock = old.clock;
        let now = clock.tick(now);
        let old_controls = old.controls();
        let stays = |new: usize| {
            let (_, index) = mapping.iter().find(|(number, _)| *number == new)?;
            Some((old.instances.get(*index)?, *old_controls.get(*index)?))
        };
        let (instances, controls): (Vec<Instance>, Vec<Control>) = (0..instances)
            .map(|new| match stays(new) {
                Some((instance, control)) => stay(instance, control, &policy, now),
                None => join(&policy, now),
            })
            .unzip();
        drop(old_controls);
        keep_to_the_share(&instances, &policy.outlier, now);
        let counters = Arc::clone(&old.counters);
        Self { inner: Arc::new(Inner::new(policy, clock, counters, instances, controls)) }
    }
}

fn stay(old: &Instance, mut control: Control, policy: &Policy, now: Tick) -> (Instance, Control) {
    let mut health = old.health();
    let came_back = policy.health.path.is_none() && health == Health::Unhealthy;
    if policy.health.path.is_none() {
        health = Health::Healthy;
        (control.passed, control.failed) = (0, 0);
    }
    let instance = Instance::new(health, Arc::clone(&old.in_flight));
    if old.ejected_until() != NEVER {
        instance.eject(old.ejected_until());
    }
    instance.failures.store(old.failures.load(Ordering::Relaxed), Ordering::Relaxed);
    instance.start_slowly(old.slow_from());
    if came_back {
        instance.start_slowly(now);
    }
    (instance, control)
}

fn join(policy: &Policy, now: Tick) -> (Instance, Control) {
    let checks = policy.health.path.is_some();
    let instance = Instance::new(if checks { Health::Starting } else { Health::Healthy }, Arc::default());
    if !checks {
        instance.start_slowly(now);
    }
    (instance, Control::new(now, true))
}
