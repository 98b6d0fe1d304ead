//! A reload keeps what is known of the instances that stay.

use load_balance::{Balancer, Outcome, Policy, State};

use super::{Bench, with_checks};

fn reload(bench: &Bench, mapping: &[(usize, usize)], instances: usize, policy: Policy) -> Bench {
    let balancer = Balancer::carrying_over(&bench.balancer, mapping, instances, policy, bench.now);
    Bench { balancer, now: bench.now }
}

fn names(bench: &Bench) -> Vec<&'static str> {
    bench.snapshot().iter().map(|it| it.state.name()).collect()
}

#[test]
fn health_ejection_and_counts_stay_with_their_instances() {
    let mut bench = Bench::new(4, with_checks());
    for index in 0..4 {
        bench.check(index, true);
    }
    bench.fail(1, 5);
    for _ in 0..3 {
        bench.check(2, false);
    }
    bench.fail(0, 2);
    bench.pass(10_000);
    let before = bench.snapshot();
    let next = reload(&bench, &[(0, 3), (1, 2), (2, 1), (3, 0)], 4, with_checks());
    let after = next.snapshot();
    assert_eq!(after.into_iter().rev().collect::<Vec<_>>(), before);
    assert_eq!(names(&next), ["healthy", "unhealthy", "ejected", "healthy"]);
}

#[test]
fn requests_under_way_still_count() {
    let mut policy = Policy::default();
    policy.balance.max_requests = 3;
    let bench = Bench::new(2, policy.clone());
    let held = [bench.pick_of(0), bench.pick_of(0)];
    let next = reload(&bench, &[(1, 0)], 2, policy);
    assert_eq!(next.snapshot()[1].in_flight, 2);
    let last = next.pick();
    assert!(next.balancer.pick(next.now, &[]).is_err(), "three are under way");
    drop((held, last));
    assert_eq!(next.balancer.load().active, 0);
    assert!(next.snapshot().iter().chain(&bench.snapshot()).all(|it| it.in_flight == 0));
}

#[test]
fn permits_still_count() {
    let bench = Bench::new(2, Policy::default());
    let _held: Vec<_> = (0..3).map_while(|_| bench.balancer.may_retry()).collect();
    assert!(reload(&bench, &[], 2, Policy::default()).balancer.may_retry().is_none());
}

#[test]
fn an_instance_that_joins_starts_slowly() {
    let mut bench = Bench::new(1, Policy::default());
    bench.pass(60_000);
    let next = reload(&bench, &[(0, 0)], 2, Policy::default());
    let weights: Vec<u32> = next.snapshot().iter().map(|it| it.weight_percent).collect();
    assert_eq!(weights, [100, 10]);
    let share = next.share(1_000);
    assert!(share[1] > 0 && share[1] < 200, "{share:?}");
}

#[test]
fn with_checks_an_instance_that_joins_starts_slowly_once_one_has_passed() {
    let mut bench = Bench::new(1, with_checks());
    bench.check(0, true);
    bench.pass(100_000);
    let mut next = reload(&bench, &[(0, 0)], 2, with_checks());
    assert_eq!(names(&next), ["healthy", "starting"]);
    for _ in 0..5 {
        next.check(1, false);
    }
    assert_eq!(next.state(1), State::Starting, "its start period begins now");
    next.pass(20_000);
    next.check(1, true);
    assert_eq!(next.snapshot()[1].weight_percent, 10);
}

#[test]
fn a_start_period_is_not_begun_anew() {
    let mut bench = Bench::new(1, with_checks());
    bench.pass(89_000);
    let mut next = reload(&bench, &[(0, 0)], 1, with_checks());
    next.pass(1_000);
    for _ in 0..3 {
        next.check(0, false);
    }
    assert_eq!(next.state(0), State::Unhealthy);
}

#[test]
fn when_checks_are_taken_away_nobody_stays_unhealthy() {
    let bench = Bench::new(2, with_checks());
    bench.check(0, true);
    for _ in 0..3 {
        bench.check(0, false);
    }
    let next = reload(&bench, &[(0, 0), (1, 1)], 2, Policy::default());
    assert_eq!(names(&next), ["healthy", "healthy"]);
    assert_eq!(next.snapshot()[0].weight_percent, 10, "it came back, in a way");
}

#[test]
fn ejections_beyond_the_new_share_are_lifted() {
    let mut bench = Bench::new(4, Policy::default());
    bench.fail(0, 5);
    bench.pass(1_000);
    bench.fail(1, 5);
    let next = reload(&bench, &[(0, 0), (1, 1)], 2, Policy::default());
    assert_eq!(names(&next), ["healthy", "ejected"], "the one that ends first is lifted");
    assert_eq!(names(&reload(&bench, &[(0, 1)], 1, Policy::default())), ["healthy"]);
    assert_eq!(
        names(&bench),
        ["ejected", "ejected", "healthy", "healthy"],
        "nothing changes for the old requests"
    );
}

#[test]
fn what_old_requests_report_stays_with_the_old_balancer() {
    let bench = Bench::new(2, Policy::default());
    let old: Vec<_> = (0..5).map(|_| bench.pick_of(0)).collect();
    let next = reload(&bench, &[(0, 0), (1, 1)], 2, Policy::default());
    for pick in &old {
        pick.report(bench.now, Outcome::Failed);
    }
    assert_eq!(bench.state(0).name(), "ejected");
    assert_eq!(next.state(0), State::Healthy);
}

#[test]
fn numbers_that_do_not_exist_are_new_instances() {
    let bench = Bench::new(1, Policy::default());
    let next = reload(&bench, &[(0, 9), (7, 0)], 1, Policy::default());
    assert_eq!(names(&next), ["healthy"]);
}
