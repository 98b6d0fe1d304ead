//! Ejection of instances whose requests keep failing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::balancer::Inner;
use crate::clock::Tick;
use crate::config::OutlierConfig;
use crate::instance::Instance;
use crate::snapshot::Transition;

/// Counts a failed request, and ejects the instance when it was one too many.
pub(crate) fn failed(inner: &Inner, index: usize, now: Tick) -> Option<Transition> {
    let instance = inner.instances.get(index)?;
    let config = &inner.policy.outlier;
    if instance.is_ejected(now) {
        return None;
    }
    let failures = instance.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    // Only every n-th failure takes the lock: an instance that must stay would otherwise take it for each one.
    if config.allowed(inner.instances.len()) == 0
        || failures.checked_rem(config.consecutive_failures) != Some(0)
    {
        return None;
    }
    let mut controls = inner.controls();
    // Another thread may have ejected it, or an answer may have come, while this one waited for the lock.
    let still = instance.failures.load(Ordering::Relaxed) >= config.consecutive_failures;
    if !still || instance.is_ejected(now) || !may_eject(inner, index, now) {
        return None;
    }
    let control = controls.get_mut(index)?;
    let ejections = effective(control.ejections, instance, config, now).saturating_add(1);
    control.ejections = ejections;
    let lasts = config.ejection_ms.saturating_mul(u64::from(ejections)).min(config.max_ejection_ms);
    let until = now.saturating_add(lasts);
    inner.slow_start(until);
    instance.eject(until);
    Some(Transition::Ejected { lasts: Duration::from_millis(lasts), ejections })
}

/// The share allows one more, and another instance is fit to take the load.
fn may_eject(inner: &Inner, index: usize, now: Tick) -> bool {
    let ejected = inner.instances.iter().filter(|other| other.is_ejected(now)).count();
    let other_fit = inner.instances.iter().enumerate().any(|(other, it)| other != index && it.is_fit(now));
    other_fit && ejected < inner.policy.outlier.allowed(inner.instances.len())
}

/// Ejections on the count of an instance: each quiet period since its return has taken one off.
pub(crate) fn effective(ejections: u32, instance: &Instance, config: &OutlierConfig, now: Tick) -> u32 {
    let quiet = now.saturating_sub(instance.ejected_until()).checked_div(config.quiet_ms).unwrap_or(0);
    ejections.saturating_sub(u32::try_from(quiet).unwrap_or(u32::MAX))
}

/// Lifts the ejections that are more than the share allows, those that end first first. The set of instances has changed.
pub(crate) fn keep_to_the_share(instances: &[Instance], config: &OutlierConfig, now: Tick) {
    let allowed = config.allowed(instances.len());
    let mut ejected: Vec<&Instance> = instances.iter().filter(|it| it.is_ejected(now)).collect();
    ejected.sort_by_key(|it| it.ejected_until());
    let excess = ejected.len().saturating_sub(allowed);
    for instance in ejected.into_iter().take(excess) {
        instance.eject(now);
    }
}
