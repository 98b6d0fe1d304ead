//! What holds after any series of events.

use load_balance::{Balancer, NoInstance, Outcome, Policy, State};
use proptest::prelude::*;

use super::{Bench, with_checks};

#[derive(Clone, Debug)]
enum Event {
    /// A request; those instances were tried.
    Pick(Vec<usize>),
    /// The oldest request ends, in this way or without a report.
    End(Option<Outcome>),
    Check(usize, bool),
    Pass(u64),
    Retry,
    RetryEnds,
    Reload,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let failing =
        prop_oneof![4 => Just(Some(Outcome::Failed)), 1 => Just(Some(Outcome::Answered)), 1 => Just(None)];
    let event = prop_oneof![
        8 => proptest::collection::vec(0_usize..7, 0..4).prop_map(Event::Pick),
        7 => failing.prop_map(Event::End),
        4 => (0_usize..7, proptest::bool::ANY).prop_map(|(index, passed)| Event::Check(index, passed)),
        1 => (0_u64..100_000).prop_map(Event::Pass),
        2 => Just(Event::Retry),
        1 => Just(Event::RetryEnds),
        1 => Just(Event::Reload),
    ];
    proptest::collection::vec(event, 0..300)
}

fn policy(checks: bool, max_ejected_percent: u32) -> Policy {
    let mut policy = if checks { with_checks() } else { Policy::default() };
    policy.outlier.consecutive_failures = 2;
    policy.outlier.max_ejected_percent = max_ejected_percent;
    policy.balance.max_requests = 20;
    policy
}

fn held_is_sound(bench: &Bench, held: usize, permits: usize) {
    let snapshot = bench.snapshot();
    let load = bench.balancer.load();
    assert_eq!(load.active as usize, held);
    assert_eq!(load.retries as usize, permits);
    assert_eq!(snapshot.iter().map(|it| it.in_flight as usize).sum::<usize>(), held);
    let ejected = snapshot.iter().filter(|it| matches!(it.state, State::Ejected { .. })).count();
    assert!(ejected <= bench.balancer.policy().outlier.allowed(snapshot.len()), "{snapshot:?}");
    assert!(snapshot.iter().all(|it| (10..=100).contains(&it.weight_percent)), "{snapshot:?}");
}

/// The rank of an instance as the README orders them.
fn rank(state: State, tried: bool) -> (u8, bool) {
    let kind = match state {
        State::Healthy => 0,
        State::Starting => 1,
        State::Unhealthy | State::Ejected { .. } => 2,
    };
    (kind, tried)
}

fn pick_is_one_of_the_best(bench: &Bench, tried: &[usize]) -> Option<load_balance::Pick> {
    let before = bench.snapshot();
    let ranks: Vec<_> =
        before.iter().enumerate().map(|(index, it)| rank(it.state, tried.contains(&index))).collect();
    match bench.balancer.pick(bench.now, tried) {
        Ok(pick) => {
            assert_eq!(Some(&ranks[pick.index()]), ranks.iter().min(), "{before:?}, tried {tried:?}");
            Some(pick)
        }
        Err(refused) => {
            assert_eq!(refused, NoInstance::Overloaded);
            assert_eq!(bench.balancer.load().active, 20);
            None
        }
    }
}

fn run(instances: usize, policy: &Policy, events: Vec<Event>) {
    let mut bench = Bench::new(instances, policy.clone());
    let mut held = std::collections::VecDeque::new();
    let mut permits = Vec::new();
    for event in events {
        match event {
            Event::Pick(tried) => held.extend(pick_is_one_of_the_best(&bench, &tried)),
            Event::End(outcome) => {
                if let (Some(pick), Some(outcome)) = (held.pop_front(), outcome) {
                    pick.report(bench.now, outcome);
                }
            }
            Event::Check(index, passed) => {
                bench.check(index, passed);
            }
            Event::Pass(milliseconds) => bench.pass(milliseconds),
            Event::Retry => {
                let before = bench.balancer.load();
                let permit = bench.balancer.may_retry();
                assert_eq!(permit.is_some(), before.retries < before.retry_limit);
                permits.extend(permit);
            }
            Event::RetryEnds => drop(permits.pop()),
            Event::Reload => {
                let stay: Vec<_> = (0..instances).map(|index| (instances - 1 - index, index)).collect();
                bench.balancer =
                    Balancer::carrying_over(&bench.balancer, &stay, instances, policy.clone(), bench.now);
            }
        }
        held_is_sound(&bench, held.len(), permits.len());
    }
    drop((held, permits));
    held_is_sound(&bench, 0, 0);
}

proptest! {
    #[test]
    fn every_pick_is_one_of_the_best_and_every_count_returns(
        instances in 1_usize..7, checks: bool, percent in 0_u32..=100, events in events(),
    ) {
        run(instances, &policy(checks, percent), events);
    }

    #[test]
    fn every_instance_gets_its_turn(instances in 1_usize..12) {
        let share = Bench::new(instances, Policy::default()).share(instances * 400);
        prop_assert!(share.iter().all(|count| count.abs_diff(400) < 150), "{share:?}");
    }
}
