//! Who gets the next request.

use load_balance::{NoInstance, Policy};

use super::{Bench, with_checks};

#[test]
fn equal_instances_take_turns() {
    for instances in 1..=3 {
        let share = Bench::new(instances, Policy::default()).share(instances * 100);
        assert_eq!(share, vec![100; instances]);
    }
}

#[test]
fn turns_are_even_when_the_request_before_is_always_under_way() {
    let bench = Bench::new(3, Policy::default());
    let mut share = [0; 3];
    let mut before = bench.pick();
    for _ in 0..300 {
        let next = bench.pick();
        share[next.index()] += 1;
        before = next;
    }
    drop(before);
    assert_eq!(share, [100; 3]);
}

#[test]
fn turns_are_even_when_one_of_three_is_out() {
    let bench = Bench::new(3, Policy::default());
    bench.fail(1, 5);
    let share = bench.share(2_000);
    assert_eq!(share[1], 0);
    assert!(share[0].abs_diff(share[2]) < 300, "{share:?}");
}

#[test]
fn many_equal_instances_are_picked_evenly() {
    let share = Bench::new(10, Policy::default()).share(20_000);
    assert!(share.iter().all(|count| count.abs_diff(2_000) < 300), "{share:?}");
}

#[test]
fn many_are_picked_evenly_when_some_are_out() {
    let bench = Bench::new(10, Policy::default());
    for index in [0, 1, 2, 9] {
        bench.fail(index, 5);
    }
    let share = bench.share(18_000);
    assert!(share[3..9].iter().all(|count| count.abs_diff(3_000) < 400), "{share:?}");
    assert_eq!(share.iter().sum::<usize>(), share[3..9].iter().sum::<usize>());
}

#[test]
fn of_three_the_least_loaded_gets_the_request() {
    let bench = Bench::new(3, Policy::default());
    let busy = [bench.pick_of(0), bench.pick_of(0), bench.pick_of(1)];
    assert_eq!(bench.pick().index(), 2);
    let more = bench.pick_of(2);
    let next = (bench.pick(), bench.pick());
    assert_ne!(next.0.index(), 0, "two are under way there");
    assert_ne!(next.1.index(), 0, "two are under way there");
    drop((busy, more));
}

#[test]
fn the_most_loaded_of_many_is_never_picked() {
    let bench = Bench::new(8, Policy::default());
    let _busy = [bench.pick_of(5), bench.pick_of(5)];
    assert_eq!(bench.share(1_000)[5], 0);
}

#[test]
fn held_requests_spread_over_all() {
    let bench = Bench::new(20, Policy::default());
    let _held: Vec<_> = (0..400).map(|_| bench.pick()).collect();
    let loads: Vec<u32> = bench.snapshot().iter().map(|it| it.in_flight).collect();
    assert!(loads.iter().all(|load| (14..=26).contains(load)), "{loads:?}");
}

#[test]
fn an_untried_instance_comes_before_a_tried_one() {
    for instances in [2, 3, 4, 9] {
        let bench = Bench::new(instances, Policy::default());
        for _ in 0..100 {
            let mut tried = Vec::new();
            for _ in 0..instances {
                let index = bench.balancer.pick(bench.now, &tried).unwrap().index();
                assert!(!tried.contains(&index));
                tried.push(index);
            }
            assert!(bench.balancer.pick(bench.now, &tried).is_ok(), "then a tried one is picked again");
        }
    }
}

#[test]
fn a_healthy_one_that_was_tried_comes_before_an_unhealthy_one() {
    let bench = Bench::new(2, with_checks());
    bench.check(0, true);
    assert_eq!(bench.balancer.pick(bench.now, &[0]).unwrap().index(), 0);
}

#[test]
fn one_that_refused_a_connection_comes_after_all_others() {
    for instances in [2, 3, 4, 9] {
        let bench = Bench::new(instances, with_checks());
        bench.check(0, true);
        for _ in 0..50 {
            assert_eq!(bench.balancer.pick_reachable(bench.now, &[], &[]).unwrap().index(), 0);
            assert_ne!(bench.balancer.pick_reachable(bench.now, &[0], &[0]).unwrap().index(), 0);
        }
        let all: Vec<usize> = (0..instances).collect();
        assert!(bench.balancer.pick_reachable(bench.now, &all, &all).unwrap().is_unfit());
    }
}

#[test]
fn without_panic_routing_nobody_is_left_when_those_in_health_cannot_be_reached() {
    let mut policy = with_checks();
    policy.balance.panic_routing = false;
    let bench = Bench::new(1, policy);
    bench.check(0, true);
    let refused = bench.balancer.pick_reachable(bench.now, &[0], &[0]).unwrap_err();
    assert_eq!(refused, NoInstance::NoneHealthy);
    assert_eq!(bench.balancer.load().active, 0);
}

#[test]
fn without_instances_nobody_is_healthy() {
    let bench = Bench::new(0, Policy::default());
    assert_eq!(bench.balancer.pick(bench.now, &[]).unwrap_err(), NoInstance::NoneHealthy);
}

#[test]
fn when_all_are_unhealthy_all_get_requests() {
    let mut bench = Bench::new(2, with_checks());
    bench.pass(90_000);
    for index in [0, 0, 0, 1, 1, 1] {
        bench.check(index, false);
    }
    assert!(bench.pick().is_unfit());
    assert_eq!(bench.share(100), [50, 50]);
    assert_eq!(bench.balancer.load().active, 0);
}

#[test]
fn when_all_are_unhealthy_and_panic_routing_is_off_none_gets_any() {
    let mut policy = with_checks();
    policy.balance.panic_routing = false;
    let mut bench = Bench::new(5, policy);
    assert!(!bench.pick().is_unfit(), "starting is not unhealthy");
    bench.pass(90_000);
    for index in 0..15 {
        bench.check(index % 5, false);
    }
    assert_eq!(bench.balancer.pick(bench.now, &[]).unwrap_err(), NoInstance::NoneHealthy);
    assert_eq!(bench.balancer.load().active, 0);
}
