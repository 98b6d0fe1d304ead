//! Ejection and return.

use std::time::Duration;

use load_balance::{Outcome, Policy, State, Transition};

use super::{Bench, with_checks};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ejected(lasts: u64, ejections: u32) -> Option<Transition> {
    Some(Transition::Ejected { lasts: seconds(lasts), ejections })
}

#[test]
fn failures_in_a_row_eject_and_time_brings_back() {
    let mut bench = Bench::new(2, Policy::default());
    assert_eq!(bench.fail(0, 4), None);
    assert_eq!(bench.fail(0, 1), ejected(30, 1));
    assert_eq!(bench.state(0), State::Ejected { remaining: seconds(30) });
    assert_eq!(bench.share(100), [0, 100]);
    bench.pass(29_999);
    assert_eq!(bench.share(100), [0, 100]);
    bench.pass(1);
    assert_eq!(bench.state(0), State::Healthy);
    assert!(bench.share(1_000)[0] > 0);
}

#[test]
fn an_answer_starts_the_count_anew() {
    let bench = Bench::new(2, Policy::default());
    for _ in 0..5 {
        assert_eq!(bench.fail(0, 4), None);
        bench.pick_of(0).report(bench.now, Outcome::Answered);
    }
    assert_eq!(bench.snapshot()[0].consecutive_failures, 0);
}

#[test]
fn a_request_without_a_report_says_nothing() {
    let bench = Bench::new(2, Policy::default());
    bench.fail(0, 4);
    drop(bench.pick_of(0));
    assert_eq!(bench.snapshot()[0].consecutive_failures, 4);
}

#[test]
fn each_ejection_lasts_longer_up_to_the_longest() {
    let mut bench = Bench::new(2, Policy::default());
    for round in 1..=12 {
        let lasts = (30 * u64::from(round)).min(300);
        assert_eq!(bench.fail(0, 5), ejected(lasts, round));
        bench.pass(lasts * 1_000);
    }
}

#[test]
fn quiet_periods_after_the_return_take_ejections_back() {
    let mut bench = Bench::new(2, Policy::default());
    for round in 1..=3 {
        bench.fail(0, 5);
        bench.pass(30_000 * round);
    }
    assert_eq!(bench.snapshot()[0].ejections, 3);
    bench.pass(120_000);
    assert_eq!(bench.snapshot()[0].ejections, 1);
    assert_eq!(bench.fail(0, 5), ejected(60, 2));
}

#[test]
fn a_single_instance_is_never_ejected() {
    let bench = Bench::new(1, Policy::default());
    assert_eq!(bench.fail(0, 100), None);
    assert_eq!(bench.state(0), State::Healthy);
}

#[test]
fn no_more_than_the_share_is_ejected() {
    let bench = Bench::new(5, Policy::default());
    let out = (0..5).filter(|index| (0..20).any(|_| bench.fail(*index, 1).is_some())).count();
    assert_eq!(out, 2);
}

#[test]
fn the_last_fit_instance_is_never_ejected() {
    let bench = Bench::new(3, with_checks());
    bench.check(1, true);
    assert_eq!(bench.fail(1, 5), None, "the others are starting");
    assert_eq!(bench.state(1), State::Healthy);
}

#[test]
fn an_instance_that_had_to_stay_goes_when_another_is_back() {
    let mut bench = Bench::new(2, Policy::default());
    bench.fail(0, 5);
    assert_eq!(bench.fail(1, 7), None);
    bench.pass(30_000);
    assert_eq!(bench.fail(1, 3), ejected(30, 1), "with its tenth failure");
}

#[test]
fn zero_failures_or_zero_percent_eject_nobody() {
    let mut policy = Policy::default();
    policy.outlier.consecutive_failures = 0;
    assert_eq!(Bench::new(2, policy).fail(0, 50), None);
    let mut policy = Policy::default();
    policy.outlier.max_ejected_percent = 0;
    assert_eq!(Bench::new(2, policy).fail(0, 50), None);
}

#[test]
fn requests_sent_before_an_ejection_do_not_count_after_it() {
    let mut bench = Bench::new(2, Policy::default());
    let hanging: Vec<_> = (0..10).map(|_| bench.pick_of(0)).collect();
    bench.fail(0, 5);
    bench.pass(30_000);
    for pick in hanging {
        assert_eq!(pick.report(bench.now, Outcome::Failed), None);
    }
    assert_eq!(bench.snapshot()[0].consecutive_failures, 0);
}

#[test]
fn passed_checks_do_not_end_an_ejection() {
    let bench = Bench::new(2, with_checks());
    bench.check(0, true);
    bench.check(1, true);
    bench.fail(0, 5);
    bench.check(0, true);
    assert_eq!(bench.state(0), State::Ejected { remaining: seconds(30) });
}
