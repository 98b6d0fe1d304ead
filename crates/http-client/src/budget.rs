//! A shared allowance for retries.

use std::sync::Mutex;
use std::sync::PoisonError;

/// What one retry costs.
const RETRY: u32 = 10;
/// What one first attempt pays in: ten of them buy one retry.
const DEPOSIT: u32 = 1;
/// The most that can be saved up, and what a client starts with.
const CAPACITY: u32 = 10 * RETRY;

/// A bucket that calls fill and retries empty.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    saved: Mutex<u32>,
}

impl RetryBudget {
    pub(crate) fn new() -> Self {
        Self { saved: Mutex::new(CAPACITY) }
    }

    /// A first attempt is made.
    pub(crate) fn deposit(&self) {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = saved.saturating_add(DEPOSIT).min(CAPACITY);
    }

    /// Whether one retry may be made; takes its price when so.
    pub(crate) fn withdraw(&self) -> bool {
        let mut saved = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(rest) = saved.checked_sub(RETRY) else { return false };
        *saved = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_calls_buy_one_retry_once_the_savings_are_gone() {
        let budget = RetryBudget::new();
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10);
        (0..9).for_each(|_| budget.deposit());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    #[test]
    fn savings_are_capped() {
        let budget = RetryBudget::new();
        (0..1_000).for_each(|_| budget.deposit());
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10);
    }
}
