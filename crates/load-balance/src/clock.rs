//! Times as numbers, so that they fit an atomic.

use std::time::{Duration, Instant};

/// Milliseconds since the balancer was made, plus one: zero is left to say "never".
pub(crate) type Tick = u64;

/// "It never happened."
pub(crate) const NEVER: Tick = 0;

/// Turns the caller's time into ticks. A balancer that carries on for another keeps its clock, so their ticks compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: Instant,
}

impl Clock {
    pub(crate) fn new(epoch: Instant) -> Self {
        Self { epoch }
    }

    pub(crate) fn tick(self, now: Instant) -> Tick {
        millis(now.saturating_duration_since(self.epoch)).saturating_add(1)
    }
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
