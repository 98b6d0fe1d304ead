//! Which instance gets a request. Reads only, no locks.

use std::sync::atomic::Ordering;

use crate::balancer::Inner;
use crate::clock::Tick;
use crate::instance::{FULL_WEIGHT, Instance, Rank, WHOLE_SHARE, drawn_share};

/// Up to so many equally good instances are all compared; of more, two that are drawn.
const LOOK_AT_ALL: usize = 3;

/// The instance for the next request and its rank, or none when there is none or panic routing is off and all are unfit.
pub(crate) fn choose(
    inner: &Inner,
    now: Tick,
    tried: &[usize],
    unreachable: &[usize],
) -> Option<(usize, Rank)> {
    let look =
        Look { inner, now, tried, unreachable, weighted: now < inner.slow_until.load(Ordering::Acquire) };
    let (index, rank) = if inner.instances.len() <= LOOK_AT_ALL { look.at_all() } else { look.at_two() }?;
    (inner.policy.balance.panic_routing || !rank.is_unfit()).then_some((index, rank))
}

struct Look<'a> {
    inner: &'a Inner,
    now: Tick,
    tried: &'a [usize],
    unreachable: &'a [usize],
    /// Some instance is in slow start, or will be: weights differ.
    weighted: bool,
}

impl Look<'_> {
    fn rank(&self, index: usize, instance: &Instance) -> Rank {
        if self.unreachable.contains(&index) {
            return Rank::Unreachable;
        }
        instance.rank(self.now, self.tried.contains(&index))
    }

    fn score(&self, instance: &Instance) -> u64 {
        if !self.weighted {
            return instance.score(FULL_WEIGHT, WHOLE_SHARE);
        }
        instance.score(instance.weight(self.now, self.inner.policy.balance.slow_start_ms), drawn_share())
    }

    /// The least loaded of the best rank. Those that are equal take turns (the first three of them).
    fn at_all(&self) -> Option<(usize, Rank)> {
        let mut best: Option<(Rank, u64)> = None;
        let mut equals = [0_usize; LOOK_AT_ALL];
        let mut count = 0_usize;
        for (index, instance) in self.inner.instances.iter().enumerate() {
            let this = (self.rank(index, instance), self.score(instance));
            if best.is_none_or(|best| this < best) {
                best = Some(this);
                count = 0;
            }
            if best == Some(this)
                && let Some(slot) = equals.get_mut(count)
            {
                *slot = index;
                count += 1;
            }
        }
        let (rank, _) = best?;
        let index = self.inner.counters.turn(equals.get(..count)?)?;
        Some((index, rank))
    }

    /// The less loaded of two that are drawn from the best rank.
    fn at_two(&self) -> Option<(usize, Rank)> {
        let instances = &self.inner.instances;
        let (first, second) = two_of(instances.len());
        let pair = (instances.get(first)?, instances.get(second)?);
        // Nearly always both are fit. Where they are not, any other pair of the best rank is as likely as this one was, so
        // drawing again favours nobody.
        if self.rank(first, pair.0) == Rank::Fit && self.rank(second, pair.1) == Rank::Fit {
            return Some((self.better((first, pair.0), (second, pair.1)), Rank::Fit));
        }
        self.at_two_of_the_best()
    }

    fn at_two_of_the_best(&self) -> Option<(usize, Rank)> {
        let ranked =
            || self.inner.instances.iter().enumerate().map(|(index, it)| (self.rank(index, it), index, it));
        let mut best = Rank::Unreachable;
        let mut count = 0_usize;
        for (rank, ..) in ranked() {
            if rank < best {
                (best, count) = (rank, 0);
            }
            if rank == best {
                count += 1;
            }
        }
        if count <= LOOK_AT_ALL {
            return self.at_all();
        }
        let (first, second) = two_of(count);
        let nth = |n: usize| {
            ranked().filter(|(rank, ..)| *rank == best).nth(n).map(|(_, index, instance)| (index, instance))
        };
        match (nth(first), nth(second)) {
            (Some(first), Some(second)) => Some((self.better(first, second), best)),
            // Another thread has made one of them worse since they were counted.
            _ => self.at_all(),
        }
    }

    /// The less loaded; of equals the first, which was drawn.
    fn better(&self, first: (usize, &Instance), second: (usize, &Instance)) -> usize {
        if self.score(second.1) < self.score(first.1) { second.0 } else { first.0 }
    }
}

/// Two different numbers below `count`, in an order that is drawn as well; twice zero when there is only one.
fn two_of(count: usize) -> (usize, usize) {
    if count < 2 {
        return (0, 0);
    }
    let first = rand::random_range(0..count);
    let other = rand::random_range(0..count - 1);
    (first, if other < first { other } else { other + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_different_and_every_pair_is_drawn() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..2_000 {
            let (first, second) = two_of(4);
            assert!(first != second && first < 4 && second < 4);
            seen.insert((first, second));
        }
        assert_eq!(seen.len(), 12);
        assert_eq!(two_of(1), (0, 0));
    }
}
