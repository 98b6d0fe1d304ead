//! The arithmetic of a quota, without state.
//!
//! The state of a key is one instant, its *theoretical arrival time* (ITU-T I.371): the moment at which its quota would
//! be full again. Spending a unit moves it one interval ahead; it may lie at most `burst` intervals in the future.

use crate::config::PolicyConfig;

const NANOS: u64 = 1_000_000_000;

/// What a check decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The units are spent and the request may go on.
    Allowed {
        /// Units that could be spent at once from here on (`r`).
        remaining: u32,
        /// Seconds, rounded up, until the whole burst is there again if nothing else is spent (`t`).
        reset_secs: u64,
    },
    /// Nothing is spent and the request must not go on.
    Refused {
        /// Units that are there, fewer than the request costs (`r`).
        remaining: u32,
        /// Seconds, rounded up and at least 1, after which the same request passes if nothing else is spent (`t`).
        retry_after_secs: u64,
    },
}

impl Decision {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// Units that could be spent at once from here on.
    #[must_use]
    pub fn remaining(self) -> u32 {
        match self {
            Self::Allowed { remaining, .. } | Self::Refused { remaining, .. } => remaining,
        }
    }
}

/// A policy in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// Nanoseconds in which one unit comes back, rounded up so that rounding never grants more.
    interval: u64,
    /// Nanoseconds in which an emptied quota is full again.
    tolerance: u64,
    burst: u32,
}

impl Quota {
    /// `config` must be free of faults.
    pub(crate) fn new(config: &PolicyConfig) -> Self {
        let interval = config.window_secs.saturating_mul(NANOS).div_ceil(u64::from(config.quota.max(1)));
        let burst = config.burst();
        Self { interval, tolerance: interval.saturating_mul(u64::from(burst)), burst }
    }

    pub(crate) fn burst(&self) -> u32 {
        self.burst
    }

    /// Decides on `cost` units at `now` for a key whose arrival time is `arrival`, and its new arrival time if any is
    /// spent.
    ///
    /// More than the burst could never pass; such a request costs the whole burst instead.
    pub(crate) fn charge(&self, arrival: u64, now: u64, cost: u32) -> (Decision, Option<u64>) {
        let base = arrival.max(now);
        let horizon = now.saturating_add(self.tolerance);
        let after = base.saturating_add(self.worth(cost));
        if after > horizon {
            let retry_after_secs = (after - horizon).div_ceil(NANOS);
            return (Decision::Refused { remaining: self.units(base, horizon), retry_after_secs }, None);
        }
        let reset_secs = (after - now).div_ceil(NANOS);
        let spent = (cost > 0).then_some(after);
        (Decision::Allowed { remaining: self.units(after, horizon), reset_secs }, spent)
    }

    /// The arrival time of a key that gets `cost` units back.
    pub(crate) fn refund(&self, arrival: u64, cost: u32) -> u64 {
        arrival.saturating_sub(self.worth(cost))
    }

    fn worth(&self, cost: u32) -> u64 {
        self.interval.saturating_mul(u64::from(cost.min(self.burst)))
    }

    fn units(&self, arrival: u64, horizon: u64) -> u32 {
        let units = horizon.saturating_sub(arrival) / self.interval.max(1);
        u32::try_from(units).map_or(self.burst, |units| units.min(self.burst))
    }
}
