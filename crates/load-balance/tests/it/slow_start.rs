//! A returned instance is loaded step by step.

use load_balance::Policy;

use super::{Bench, with_checks};

/// Instance 0 has just come back.
fn after_a_return(instances: usize) -> Bench {
    let mut bench = Bench::new(instances, Policy::default());
    bench.fail(0, 5);
    bench.pass(30_000);
    bench
}

#[test]
fn the_weight_grows_from_a_tenth_to_the_whole() {
    let mut bench = after_a_return(2);
    let mut weights = Vec::new();
    for _ in 0..=5 {
        weights.push(bench.snapshot()[0].weight_percent);
        bench.pass(2_500);
    }
    assert_eq!(weights, [10, 32, 55, 77, 100, 100]);
}

#[test]
fn the_share_grows_when_one_request_follows_the_other() {
    for instances in [2, 3, 6] {
        let mut bench = after_a_return(instances);
        let mut shares = Vec::new();
        for _ in 0..=4 {
            shares.push(bench.share(6_000)[0]);
            bench.pass(2_500);
        }
        assert!(shares.is_sorted(), "{instances} instances: {shares:?}");
        assert!(shares[0] > 0 && shares[0] < 6_000 / instances / 3, "{instances} instances: {shares:?}");
        let even = 6_000 / instances;
        assert!(shares[4].abs_diff(even) < even / 5, "{instances} instances: {shares:?}");
    }
}

#[test]
fn the_share_grows_under_load() {
    let mut bench = after_a_return(2);
    let mut loads = Vec::new();
    for _ in 0..=4 {
        let held: Vec<_> = (0..220).map(|_| bench.pick()).collect();
        loads.push(bench.snapshot()[0].in_flight);
        drop(held);
        bench.pass(2_500);
    }
    assert!((18..=22).contains(&loads[0]), "a tenth of the other's: {loads:?}");
    assert!(loads.is_sorted() && (109..=111).contains(&loads[4]), "{loads:?}");
}

#[test]
fn it_applies_after_checks_have_brought_an_instance_back() {
    let mut bench = Bench::new(2, with_checks());
    for index in 0..2 {
        bench.check(index, true);
    }
    bench.pass(60_000);
    for passed in [false, false, false, true, true] {
        bench.check(0, passed);
    }
    let weights: Vec<u32> = bench.snapshot().iter().map(|it| it.weight_percent).collect();
    assert_eq!(weights, [10, 100]);
}

#[test]
fn it_begins_when_both_ejection_and_illness_are_over() {
    let mut bench = Bench::new(2, with_checks());
    for index in 0..2 {
        bench.check(index, true);
    }
    bench.fail(0, 5);
    for passed in [false, false, false, true, true] {
        bench.check(0, passed);
    }
    bench.pass(30_000);
    assert_eq!(bench.snapshot()[0].weight_percent, 10);
}

#[test]
fn without_it_a_returned_instance_has_its_whole_share_at_once() {
    let mut policy = Policy::default();
    policy.balance.slow_start_ms = 0;
    let mut bench = Bench::new(2, policy);
    bench.fail(0, 5);
    bench.pass(30_000);
    assert_eq!(bench.share(100), [50, 50]);
}
