//! The clock leases are held by.
//!
//! `CLOCK_BOOTTIME` never goes back and, unlike `CLOCK_MONOTONIC`, goes on while the machine is suspended: a lease must not
//! outlast a sleep that the registry's clock did not take part in.

use std::ops::Add;
use std::time::Duration;

/// A point on this machine's boot-time clock, in nanoseconds since boot. Means nothing on another machine, nor after a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The instant this many nanoseconds after boot.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since boot.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not.
    #[must_use]
    pub const fn saturating_sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Stops at the last instant there is, 584 years after boot.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Reads the clock; a call into the vDSO, not into the kernel.
#[must_use]
pub fn now() -> Instant {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    Instant(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_go_back() {
        let first = now();
        assert!(first > Instant::from_nanos(0));
        assert!((0..1000).map(|_| now()).is_sorted());
        assert!(now() >= first);
    }

    #[test]
    fn sums_and_differences_stop_at_the_ends() {
        let (early, late) = (Instant::from_nanos(5), Instant::from_nanos(9));
        assert_eq!(late.saturating_sub(early), Duration::from_nanos(4));
        assert_eq!(early.saturating_sub(late), Duration::ZERO);
        assert_eq!(early + Duration::from_nanos(4), late);
        assert_eq!(late + Duration::MAX, Instant::from_nanos(u64::MAX));
    }
}
