//! The bound on requests and the budget of retries, with many threads at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

use load_balance::{Load, NoInstance, Outcome, Policy};

use super::Bench;

const THREADS: usize = 8;
const ROUNDS: usize = 3_000;

fn bounded(max_requests: u32) -> Policy {
    let mut policy = Policy::default();
    policy.balance.max_requests = max_requests;
    policy
}

#[test]
fn one_request_too_many_is_refused_until_another_ends() {
    let bench = Bench::new(2, bounded(2));
    let first = bench.pick();
    let _second = bench.pick();
    assert_eq!(bench.balancer.pick(bench.now, &[]).unwrap_err(), NoInstance::Overloaded);
    drop(first);
    assert!(bench.balancer.pick(bench.now, &[]).is_ok());
}

#[test]
fn zero_is_no_bound() {
    let bench = Bench::new(1, bounded(0));
    let held: Vec<_> = (0..5_000).map(|_| bench.pick()).collect();
    assert_eq!(bench.balancer.load().active, 5_000);
    drop(held);
}

#[test]
fn the_budget_follows_the_requests_under_way() {
    let bench = Bench::new(2, Policy::default());
    let few: Vec<_> = (0..10).map_while(|_| bench.balancer.may_retry()).collect();
    assert_eq!(few.len(), 3, "the minimum");
    let _held: Vec<_> = (0..100).map(|_| bench.pick()).collect();
    let more: Vec<_> = (0..100).map_while(|_| bench.balancer.may_retry()).collect();
    assert_eq!(bench.balancer.load(), Load { active: 100, retries: 20, retry_limit: 20 });
    drop((few, more));
    assert_eq!(bench.balancer.load().retries, 0);
}

#[test]
fn no_percentage_and_no_minimum_is_no_retry() {
    let mut policy = Policy::default();
    policy.balance.retry_budget_percent = 0;
    policy.balance.retry_budget_min = 0;
    let bench = Bench::new(2, policy);
    let _held = bench.pick();
    assert!(bench.balancer.may_retry().is_none());
}

#[test]
fn threads_together_never_exceed_the_bound_or_the_budget() {
    let bench = Bench::new(4, bounded(5));
    // At most five under way: the budget is its minimum, three, all the time.
    let (requests, retries) = (AtomicU32::new(0), AtomicU32::new(0));
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (bench, requests, retries, start) = (&bench, &requests, &retries, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let Ok(pick) = bench.balancer.pick(bench.now, &[]) else { continue };
                    assert!(requests.fetch_add(1, Ordering::SeqCst) < 5);
                    if let Some(permit) = bench.balancer.may_retry() {
                        assert!(retries.fetch_add(1, Ordering::SeqCst) < 3);
                        std::thread::yield_now();
                        retries.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                    let failed = (round + thread) % 2 == 0;
                    pick.report(bench.now, if failed { Outcome::Failed } else { Outcome::Answered });
                    requests.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(bench.balancer.load(), Load { active: 0, retries: 0, retry_limit: 3 });
    assert!(bench.snapshot().iter().all(|it| it.in_flight == 0));
}

#[test]
fn threads_together_never_eject_more_than_the_share() {
    let bench = Bench::new(6, Policy::default());
    let start = Barrier::new(THREADS);
    let ejections = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..ROUNDS {
                    if bench.pick().report(bench.now, Outcome::Failed).is_some() {
                        ejections.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(ejections.into_inner(), 3, "half of six, each told once");
    assert_eq!(bench.snapshot().iter().filter(|it| it.state.name() == "ejected").count(), 3);
    assert!(bench.snapshot().iter().all(|it| it.in_flight == 0));
}
