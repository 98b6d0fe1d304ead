//! The arithmetic, as properties over random policies and histories.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use rate_limit::{Decision, PolicyConfig};

use crate::{built, limiter, named};

const NANOS: u128 = 1_000_000_000;

/// Policies from one unit an hour to a hundred thousand a second.
fn policies() -> impl Strategy<Value = PolicyConfig> {
    (1..100_000u32, 1..3600u64, proptest::option::of(1..5000u32)).prop_map(|(quota, window_secs, burst)| {
        PolicyConfig { burst, ..PolicyConfig::new("p", quota, window_secs) }
    })
}

/// Pauses before each request, in units of the policy's interval over 64, and costs.
fn histories() -> impl Strategy<Value = Vec<(u64, u32)>> {
    vec((prop_oneof![Just(0), 0..64u64, 0..4096u64], prop_oneof![Just(1u32), 0..20u32, 0..6000u32]), 1..60)
}

fn pause(policy: &PolicyConfig, steps: u64) -> Duration {
    Duration::from_secs(policy.window_secs) * u32::try_from(steps).unwrap() / policy.quota / 64
}

proptest! {
    #[test]
    fn no_interval_passes_more_than_its_burst_and_its_share_of_the_quota(policy in policies(), history in histories()) {
        let limiter = built(policy.clone());
        let mut now = Instant::now();
        let mut passed: Vec<(Instant, u128)> = Vec::new();
        for (steps, cost) in history {
            now += pause(&policy, steps);
            if limiter.check_at(named("k"), cost, now).is_allowed() {
                passed.push((now, u128::from(cost.min(policy.burst()))));
            }
        }
        let window = u128::from(policy.window_secs) * NANOS;
        for first in 0..passed.len() {
            let mut units = 0;
            for (at, cost) in &passed[first..] {
                units += cost;
                let elapsed = at.duration_since(passed[first].0).as_nanos();
                let most = u128::from(policy.burst()) * window + u128::from(policy.quota) * elapsed;
                prop_assert!(units * window <= most, "{units} units in {elapsed} ns");
            }
        }
    }

    #[test]
    fn what_is_said_to_remain_passes_and_one_unit_more_does_not(policy in policies(), history in histories()) {
        let limiter = built(policy.clone());
        let mut now = Instant::now();
        for (steps, cost) in history {
            now += pause(&policy, steps);
            let remaining = limiter.check_at(named("k"), cost, now).remaining();
            if remaining < policy.burst() {
                prop_assert!(!limiter.check_at(named("k"), remaining + 1, now).is_allowed());
            }
            prop_assert!(limiter.check_at(named("k"), remaining, now).is_allowed());
        }
    }

    #[test]
    fn after_the_told_seconds_the_refused_request_passes_and_not_a_second_earlier(policy in policies(), history in histories()) {
        let mut now = Instant::now();
        let limiter = built(policy.clone());
        for (steps, cost) in history {
            now += pause(&policy, steps);
            if let Decision::Refused { retry_after_secs, .. } = limiter.check_at(named("k"), cost, now) {
                prop_assert!(retry_after_secs >= 1);
                let early = now + Duration::from_secs(retry_after_secs - 1);
                prop_assert!(!limiter.check_at(named("k"), cost, early).is_allowed());
                now += Duration::from_secs(retry_after_secs);
                prop_assert!(limiter.check_at(named("k"), cost, now).is_allowed());
            }
        }
    }

    #[test]
    fn after_the_reset_the_whole_burst_is_there(policy in policies(), history in histories()) {
        let limiter = built(policy.clone());
        let mut now = Instant::now();
        for (steps, cost) in history {
            now += pause(&policy, steps);
            if let Decision::Allowed { reset_secs, .. } = limiter.check_at(named("k"), cost, now) {
                let later = now + Duration::from_secs(reset_secs);
                prop_assert_eq!(limiter.check_at(named("k"), 0, later).remaining(), policy.burst());
            }
        }
    }

    #[test]
    fn a_refund_leaves_what_there_would_be_without_the_request(policy in policies(), history in histories(), cost in 1..100u32) {
        let (spent, untouched) = (built(policy.clone()), built(policy.clone()));
        let mut now = Instant::now();
        for (steps, cost) in &history {
            now += pause(&policy, *steps);
            let decision = spent.check_at(named("k"), *cost, now);
            prop_assert_eq!(decision, untouched.check_at(named("k"), *cost, now));
        }
        if spent.check_at(named("k"), cost, now).is_allowed() {
            spent.refund(named("k"), cost);
        }
        let left = |limiter: &rate_limit::Limiter| limiter.check_at(named("k"), 0, now).remaining();
        prop_assert_eq!(left(&spent), left(&untouched));
    }
}

#[test]
fn a_greedy_client_gets_all_of_its_quota() {
    let limiter = limiter("p", 7, 60);
    let start = Instant::now() + Duration::from_secs(1);
    let passed = (0..60_000u32)
        .filter(|tick| {
            limiter.check_at(named("k"), 1, start + Duration::from_millis(10) * *tick).is_allowed()
        })
        .count();
    assert_eq!(passed, 7 + 69, "the burst, and 7 for each of ten minutes but for the last tick");
}

#[test]
fn rounding_never_grants_a_unit_early() {
    let limiter = built(PolicyConfig { burst: Some(1), ..PolicyConfig::new("p", 7, 1) });
    let start = Instant::now();
    assert!(limiter.check_at(named("k"), 1, start).is_allowed());
    // A seventh of a second is 142,857,142.86 ns.
    assert!(!limiter.check_at(named("k"), 1, start + Duration::from_nanos(142_857_142)).is_allowed());
    assert!(limiter.check_at(named("k"), 1, start + Duration::from_nanos(142_857_143)).is_allowed());
}

#[test]
fn a_refused_request_spends_nothing() {
    let limiter = limiter("p", 10, 10);
    let now = Instant::now();
    assert!(limiter.check_at(named("k"), 8, now).is_allowed());
    for _ in 0..100 {
        let refused = limiter.check_at(named("k"), 3, now);
        assert_eq!(refused, Decision::Refused { remaining: 2, retry_after_secs: 1 });
    }
    assert_eq!(limiter.check_at(named("k"), 2, now), Decision::Allowed { remaining: 0, reset_secs: 10 });
}

#[test]
fn a_cost_above_the_burst_is_the_whole_burst() {
    let limiter = limiter("p", 10, 10);
    let now = Instant::now();
    assert_eq!(limiter.check_at(named("k"), 500, now), Decision::Allowed { remaining: 0, reset_secs: 10 });
    assert_eq!(
        limiter.check_at(named("k"), u32::MAX, now),
        Decision::Refused { remaining: 0, retry_after_secs: 10 }
    );
}

#[test]
fn keys_do_not_share_a_quota() {
    let limiter = limiter("p", 1, 60);
    let now = Instant::now();
    assert!(limiter.check_at(named("a"), 1, now).is_allowed());
    assert!(limiter.check_at(named("b"), 1, now).is_allowed());
    assert!(!limiter.check_at(named("a"), 1, now).is_allowed());
}

#[test]
fn a_principal_named_like_an_address_is_not_that_address() {
    use rate_limit::Key;
    let limiter = limiter("p", 1, 60);
    let now = Instant::now();
    let address = Key::address("192.0.2.1".parse().unwrap());
    for key in [
        address,
        Key::Principal { issuer: "", subject: "192.0.2.1" },
        Key::Principal { issuer: "192.0.2.1", subject: "" },
        Key::Principal { issuer: "192.", subject: "0.2.1" },
        Key::Other("192.0.2.1"),
    ] {
        assert!(limiter.check_at(key, 1, now).is_allowed(), "{key:?}");
        assert!(!limiter.check_at(key, 1, now).is_allowed(), "{key:?}");
    }
}

#[test]
fn threads_together_pass_exactly_the_burst() {
    let limiter = limiter("p", 1000, 3600);
    let now = Instant::now();
    let passed: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope
                    .spawn(|| (0..1000).filter(|_| limiter.check_at(named("k"), 1, now).is_allowed()).count())
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(passed, 1000);
}

#[test]
fn a_time_before_the_limiter_was_made_is_its_start() {
    let early = Instant::now();
    let limiter = limiter("p", 1, 60);
    assert!(limiter.check_at(named("k"), 1, early).is_allowed());
    assert!(!limiter.check_at(named("k"), 1, early).is_allowed());
}

#[test]
fn a_policy_with_faults_is_refused_with_all_of_them() {
    let error = rate_limit::Limiter::new(&PolicyConfig::new("", 0, 60)).unwrap_err();
    assert_eq!(error.faults.len(), 3, "{error}");
}
