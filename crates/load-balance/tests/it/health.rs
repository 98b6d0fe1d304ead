//! What active checks decide.

use load_balance::{Policy, State, Transition};

use super::{Bench, with_checks};

#[test]
fn without_checks_all_are_healthy_and_results_are_ignored() {
    let bench = Bench::new(2, Policy::default());
    for _ in 0..10 {
        assert_eq!(bench.check(0, false), None);
    }
    assert_eq!(bench.state(0), State::Healthy);
}

#[test]
fn the_first_passed_check_makes_a_starting_instance_healthy() {
    let bench = Bench::new(1, with_checks());
    assert_eq!(bench.state(0), State::Starting);
    assert_eq!(bench.check(0, true), Some(Transition::BecameHealthy));
    assert_eq!(bench.state(0), State::Healthy);
    assert_eq!(bench.snapshot()[0].weight_percent, 100, "no slow start when the process starts");
}

#[test]
fn a_starting_instance_gets_requests_only_while_none_is_healthy() {
    for instances in [3, 6] {
        let bench = Bench::new(instances, with_checks());
        assert!(bench.share(300).iter().all(|count| *count > 0));
        bench.check(2, true);
        assert_eq!(bench.share(300)[2], 300);
    }
}

#[test]
fn failed_checks_do_not_count_in_the_start_period() {
    let mut bench = Bench::new(1, with_checks());
    for _ in 0..17 {
        assert_eq!(bench.check(0, false), None);
        bench.pass(5_000);
    }
    assert_eq!(bench.state(0), State::Starting);
    bench.pass(5_000);
    let after: Vec<_> = (0..3).map(|_| bench.check(0, false)).collect();
    assert_eq!(after, [None, None, Some(Transition::BecameUnhealthy)], "90 seconds are over");
}

#[test]
fn once_a_check_has_passed_the_start_period_is_over() {
    let bench = Bench::new(1, with_checks());
    bench.check(0, true);
    let after: Vec<_> = (0..4).map(|_| bench.check(0, false)).collect();
    assert_eq!(after, [None, None, Some(Transition::BecameUnhealthy), None]);
    assert_eq!(bench.state(0), State::Unhealthy);
}

#[test]
fn only_results_in_a_row_count() {
    let bench = Bench::new(1, with_checks());
    bench.check(0, true);
    for passed in [false, false, true, false, false, true] {
        assert_eq!(bench.check(0, passed), None);
    }
    for _ in 0..3 {
        bench.check(0, false);
    }
    for passed in [true, false, true, false] {
        assert_eq!(bench.check(0, passed), None);
    }
    assert_eq!(bench.state(0), State::Unhealthy);
    assert_eq!([bench.check(0, true), bench.check(0, true)], [None, Some(Transition::BecameHealthy)]);
}

#[test]
fn an_unhealthy_instance_gets_none_while_another_is_healthy() {
    let bench = Bench::new(2, with_checks());
    bench.check(0, true);
    bench.check(1, true);
    for _ in 0..3 {
        bench.check(0, false);
    }
    assert_eq!(bench.share(100), [0, 100]);
}

#[test]
fn a_check_of_an_unknown_instance_is_ignored() {
    assert_eq!(Bench::new(1, with_checks()).check(7, true), None);
}
