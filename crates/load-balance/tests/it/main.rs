//! The rules of the balancer, told through its public surface. Time is a number here: nothing waits for a clock.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod bounds;
mod choice;
mod health;
mod invariants;
mod outlier;
mod reload;
mod slow_start;

use std::time::{Duration, Instant};

use load_balance::{Balancer, InstanceSnapshot, Outcome, Pick, Policy, State, Transition};

/// A balancer with a clock that is moved by hand.
struct Bench {
    balancer: Balancer,
    now: Instant,
}

impl Bench {
    fn new(instances: usize, policy: Policy) -> Self {
        let now = Instant::now();
        Self { balancer: Balancer::new(instances, policy, now), now }
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }

    fn pick(&self) -> Pick {
        self.balancer.pick(self.now, &[]).unwrap()
    }

    /// A pick of this very instance, found by trying again.
    fn pick_of(&self, index: usize) -> Pick {
        let others: Vec<usize> = (0..self.balancer.instances()).filter(|other| *other != index).collect();
        let pick = self.balancer.pick(self.now, &others).unwrap();
        assert_eq!(pick.index(), index);
        pick
    }

    /// `times` requests to one instance fail; the last transition.
    fn fail(&self, index: usize, times: u32) -> Option<Transition> {
        (0..times).fold(None, |last, _| self.pick_of(index).report(self.now, Outcome::Failed).or(last))
    }

    fn check(&self, index: usize, passed: bool) -> Option<Transition> {
        self.balancer.checked(index, self.now, passed)
    }

    fn snapshot(&self) -> Vec<InstanceSnapshot> {
        self.balancer.snapshot(self.now)
    }

    fn state(&self, index: usize) -> State {
        self.snapshot()[index].state
    }

    /// How often each instance is picked when one request follows the other.
    fn share(&self, requests: usize) -> Vec<usize> {
        let mut counts = vec![0; self.balancer.instances()];
        for _ in 0..requests {
            counts[self.pick().index()] += 1;
        }
        counts
    }
}

/// Active checks with everything else as by default.
fn with_checks() -> Policy {
    let mut policy = Policy::default();
    policy.health.path = Some("/readyz".to_owned());
    policy
}
