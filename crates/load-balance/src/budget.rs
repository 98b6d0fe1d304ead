//! How much is under way at an upstream, and how much more may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::config::BalanceConfig;

/// Counters of the whole upstream; a balancer that carries on for another shares them with it.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counters {
    active: AtomicU32,
    retries: AtomicU32,
    /// Who had the last turn among equals.
    last: AtomicUsize,
}

impl Counters {
    /// Whose turn it is among `equals`, which ascend: the next one after the last. A count of turns would not do: where one
    /// instance is always busy with the request before, its remainder can pass by another for ever.
    pub(crate) fn turn(&self, equals: &[usize]) -> Option<usize> {
        let last = self.last.load(Ordering::Relaxed);
        let next = equals.iter().find(|index| **index > last).or_else(|| equals.first()).copied()?;
        self.last.store(next, Ordering::Relaxed);
        Some(next)
    }

    /// Requests under way.
    pub(crate) fn active(&self) -> u32 {
        self.active.load(Ordering::Relaxed)
    }

    /// Retries under way.
    pub(crate) fn retries(&self) -> u32 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Counts one more request, unless `max` are under way; `max` 0 is no bound.
    pub(crate) fn enter(&self, max: u32) -> bool {
        let max = if max == 0 { u32::MAX } else { max };
        raise(&self.active, || max)
    }

    pub(crate) fn leave(&self) {
        self.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Adds one while the counter is below the limit. Compare-and-swap rather than add-and-undo: the limit is never exceeded,
/// not even for a moment in which another thread would be refused for nothing.
fn raise(counter: &AtomicU32, limit: impl Fn() -> u32) -> bool {
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count < limit()).then_some(count + 1))
        .is_ok()
}

/// Retries that may be under way beside `active` requests.
pub(crate) fn retry_limit(config: &BalanceConfig, active: u32) -> u32 {
    let share = u64::from(active) * u64::from(config.retry_budget_percent) / 100;
    u32::try_from(share).unwrap_or(u32::MAX).max(config.retry_budget_min)
}

/// Leave for one retry. Hold it until the retry has ended: the budget counts the permits that exist.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once bounds nothing"]
pub struct RetryPermit {
    counters: Arc<Counters>,
}

impl RetryPermit {
    pub(crate) fn take(counters: &Arc<Counters>, config: &BalanceConfig) -> Option<Self> {
        raise(&counters.retries, || retry_limit(config, counters.active()))
            .then(|| Self { counters: Arc::clone(counters) })
    }
}

impl Drop for RetryPermit {
    fn drop(&mut self) {
        self.counters.retries.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_a_share_of_the_active_requests_and_never_below_the_minimum() {
        let config = BalanceConfig::default();
        assert_eq!([0, 15, 20, 100, 1_000].map(|active| retry_limit(&config, active)), [3, 3, 4, 20, 200]);
        let none = BalanceConfig { retry_budget_percent: 0, retry_budget_min: 0, ..config };
        assert_eq!(retry_limit(&none, u32::MAX), 0);
    }
}
