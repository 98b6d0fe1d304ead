//! A clock that stands still where a test wants it to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};

/// The time of a service: the real one, or what a test says. Copies show the same; microseconds, as the database keeps them.
#[derive(Clone, Debug, Default)]
pub struct TestClock(Arc<Mutex<Option<DateTime<Utc>>>>);

impl TestClock {
    /// What the service takes for the time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let set = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set.unwrap_or_else(|| DateTime::<Utc>::from(SystemTime::now()).trunc_subsecs(6))
    }

    /// Stops it at this instant.
    pub fn set(&self, at: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at.trunc_subsecs(6));
    }

    /// Stops it so much later than it shows.
    pub fn advance(&self, by: TimeDelta) {
        self.set(self.now() + by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_stands_still_once_it_is_set_and_all_its_copies_with_it() {
        let (clock, at) = (TestClock::default(), DateTime::UNIX_EPOCH);
        assert!(clock.now() > at);
        let copy = clock.clone();
        clock.set(at + TimeDelta::nanoseconds(1_999));
        copy.advance(TimeDelta::days(2));
        assert_eq!(clock.now(), at + TimeDelta::days(2) + TimeDelta::microseconds(1));
    }
}
