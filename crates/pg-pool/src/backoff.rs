//! Leaving alone for a while what has just failed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Says whether an attempt is worth its cost. After a failure none is for a time that doubles; then one caller may try
/// while the others still leave it, so that a dead server does not cost everybody the same wait at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    /// `None`: the last attempt succeeded.
    retry_at: Option<Instant>,
}

impl State {
    /// Counts a failure and sets the end of the pause after it.
    fn pause(&mut self, now: Instant) {
        let factor = 2_u32.saturating_pow(self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(now + FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE));
    }
}

impl Backoff {
    /// Whether the caller may try now. Who may after a pause counts as failed until it succeeds.
    pub(crate) fn permits(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.retry_at {
            None => true,
            Some(retry_at) if now < retry_at => false,
            Some(_) => {
                state.pause(now);
                true
            }
        }
    }

    /// Whether there is no pause, without taking the turn.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.state().retry_at.is_none_or(|retry_at| now >= retry_at)
    }

    /// Notes a failure; `true` for the first after a success. Of many at the same time one counts.
    pub(crate) fn failed(&self, now: Instant) -> bool {
        let mut state = self.state();
        let first = state.retry_at.is_none();
        if first {
            state.pause(now);
        }
        first
    }

    /// Notes a success; `true` for the first after a failure.
    pub(crate) fn succeeded(&self) -> bool {
        std::mem::take(&mut *self.state()).retry_at.is_some()
    }

    /// Whole at every step, so poison is ignored.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_pause_one_may_try_and_the_pauses_double() {
        let backoff = Backoff::default();
        let mut now = Instant::now();
        assert!(backoff.permits(now) && backoff.failed(now));
        assert!(!backoff.failed(now), "a failure at the same time is the same failure");
        for pause in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let pause = Duration::from_millis(pause);
            assert!(!backoff.permits(now + pause - Duration::from_millis(1)), "{pause:?}");
            now += pause;
            assert!(backoff.permits(now), "{pause:?}");
            assert!(!backoff.permits(now), "only one may try: {pause:?}");
        }
    }

    #[test]
    fn a_success_ends_it() {
        let backoff = Backoff::default();
        let now = Instant::now();
        backoff.failed(now);
        assert!(!backoff.is_over(now));
        assert!(backoff.succeeded() && !backoff.succeeded());
        assert!(backoff.permits(now) && backoff.permits(now));
    }
}
