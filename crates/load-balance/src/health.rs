//! What the results of active checks do to an instance.

use crate::balancer::{Control, Inner};
use crate::clock::Tick;
use crate::config::HealthConfig;
use crate::instance::Health;
use crate::snapshot::Transition;

/// Takes in one result.
pub(crate) fn checked(inner: &Inner, index: usize, now: Tick, passed: bool) -> Option<Transition> {
    let config = &inner.policy.health;
    // Without active checks nobody may say that an instance is unhealthy: nothing would bring it back.
    config.path.as_ref()?;
    let instance = inner.instances.get(index)?;
    let mut controls = inner.controls();
    let control = controls.get_mut(index)?;
    let before = instance.health();
    let after = next(before, control, config, now, passed);
    if after == before {
        return None;
    }
    if after == Health::Healthy {
        let came_back = before == Health::Unhealthy || control.joined_warm;
        if came_back {
            instance.start_slowly(now);
            inner.slow_start(now);
        }
        instance.set_health(after);
        return Some(Transition::BecameHealthy);
    }
    instance.set_health(after);
    Some(Transition::BecameUnhealthy)
}

fn next(before: Health, control: &mut Control, config: &HealthConfig, now: Tick, passed: bool) -> Health {
    if passed {
        control.failed = 0;
        control.passed = control.passed.saturating_add(1);
        let needed = if before == Health::Unhealthy { config.healthy_after } else { 1 };
        if control.passed < needed {
            return before;
        }
        return Health::Healthy;
    }
    control.passed = 0;
    let start_period_ms = config.start_period_secs.saturating_mul(1_000);
    if before == Health::Starting && now.saturating_sub(control.appeared) < start_period_ms {
        return before;
    }
    control.failed = control.failed.saturating_add(1);
    if control.failed >= config.unhealthy_after { Health::Unhealthy } else { before }
}
