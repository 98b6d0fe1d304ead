//! Leaving a failing origin alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many origins are followed; calls to further ones are not guarded.
const MAX_ORIGINS: usize = 256;

/// When an origin counts as failing, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Failures in a row; 0 switches the guard off.
    pub(crate) failures: u32,
    pub(crate) pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Calls pass; so many failures in a row so far.
    Closed { failures: u32 },
    /// No call passes before this moment; the first one after it is the probe.
    Open { until: Instant },
    /// One probe is under way; its outcome decides.
    Probing,
}

/// One origin's guard. Time comes from outside.
#[derive(Debug)]
struct Breaker {
    rule: Rule,
    state: State,
}

impl Breaker {
    /// `Ok(true)` for a probe, `Ok(false)` for an ordinary call, `Err` with the wait when no call may be made.
    fn admit(&mut self, now: Instant) -> Result<bool, Duration> {
        match self.state {
            State::Closed { .. } => Ok(false),
            State::Open { until } if now < until => Err(until.duration_since(now)),
            State::Open { .. } => {
                self.state = State::Probing;
                Ok(true)
            }
            State::Probing => Err(self.rule.pause),
        }
    }

    /// Notes how a call ended; `None` when it was given up on before there was an outcome.
    fn ended(&mut self, probe: bool, outcome: Option<bool>, now: Instant) {
        self.state = match (self.state, outcome) {
            (State::Closed { .. }, Some(true)) => State::Closed { failures: 0 },
            (State::Closed { failures }, Some(false)) => {
                let failures = failures.saturating_add(1);
                if failures >= self.rule.failures {
                    State::Open { until: now + self.rule.pause }
                } else {
                    State::Closed { failures }
                }
            }
            (State::Probing, Some(true)) if probe => State::Closed { failures: 0 },
            (State::Probing, Some(false)) if probe => State::Open { until: now + self.rule.pause },
            // The next call probes in its stead.
            (State::Probing, None) if probe => State::Open { until: now },
            // Stragglers from before the pause decide nothing.
            (state, _) => state,
        };
    }
}

/// The guards of all origins of one client.
#[derive(Debug)]
pub(crate) struct Breakers {
    rule: Rule,
    origins: Mutex<HashMap<String, Arc<Mutex<Breaker>>>>,
}

impl Breakers {
    pub(crate) fn new(rule: Rule) -> Self {
        Self { rule, origins: Mutex::default() }
    }

    /// Asks to call an origin; `Err` with the time to wait when it is being left alone.
    pub(crate) fn admit(&self, origin: &str, now: Instant) -> Result<Permit, Duration> {
        let Some(breaker) = self.of(origin) else { return Ok(Permit { breaker: None, probe: false }) };
        let probe = breaker.lock().unwrap_or_else(PoisonError::into_inner).admit(now)?;
        Ok(Permit { breaker: Some(breaker), probe })
    }

    fn of(&self, origin: &str) -> Option<Arc<Mutex<Breaker>>> {
        if self.rule.failures == 0 {
            return None;
        }
        let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = origins.get(origin) {
            return Some(Arc::clone(known));
        }
        if origins.len() >= MAX_ORIGINS {
            return None;
        }
        let breaker = Breaker { rule: self.rule, state: State::Closed { failures: 0 } };
        let breaker = Arc::new(Mutex::new(breaker));
        origins.insert(origin.to_owned(), Arc::clone(&breaker));
        Some(breaker)
    }
}

/// Leave to make one attempt. Dropping it without [`Permit::ended`] means the attempt was given up on.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Option<Arc<Mutex<Breaker>>>,
    probe: bool,
}

impl Permit {
    /// Reports the attempt's outcome: whether the origin served.
    pub(crate) fn ended(mut self, served: bool, now: Instant) {
        if let Some(breaker) = self.breaker.take() {
            breaker.lock().unwrap_or_else(PoisonError::into_inner).ended(self.probe, Some(served), now);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(breaker) = self.breaker.take() {
            breaker.lock().unwrap_or_else(PoisonError::into_inner).ended(self.probe, None, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { failures: 3, pause: Duration::from_secs(5) };

    fn failing(now: Instant) -> Breakers {
        let breakers = Breakers::new(RULE);
        for _ in 0..RULE.failures {
            breakers.admit("a", now).unwrap().ended(false, now);
        }
        breakers
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_starts_the_row_anew() {
        let now = Instant::now();
        let breakers = Breakers::new(RULE);
        for served in [false, false, true, false, false] {
            breakers.admit("a", now).unwrap().ended(served, now);
        }
        assert!(breakers.admit("a", now).is_ok());
        breakers.admit("a", now).unwrap().ended(false, now);
        assert_eq!(breakers.admit("a", now).unwrap_err(), RULE.pause);
        assert!(breakers.admit("b", now).is_ok(), "another origin is not affected");
    }

    #[test]
    fn after_the_pause_one_probe_decides() {
        let now = Instant::now();
        let later = now + RULE.pause;
        let breakers = failing(now);
        let probe = breakers.admit("a", later).unwrap();
        assert!(breakers.admit("a", later).is_err(), "only one probe at a time");
        probe.ended(false, later);
        assert_eq!(breakers.admit("a", later).unwrap_err(), RULE.pause);

        breakers.admit("a", later + RULE.pause).unwrap().ended(true, later);
        assert!(breakers.admit("a", later).is_ok());
        assert!(breakers.admit("a", later).is_ok());
    }

    #[test]
    fn a_probe_given_up_on_makes_room_for_the_next() {
        let now = Instant::now().checked_sub(RULE.pause * 2).unwrap();
        let breakers = failing(now);
        drop(breakers.admit("a", now + RULE.pause).unwrap());
        assert!(breakers.admit("a", Instant::now()).is_ok());
    }

    #[test]
    fn a_straggler_does_not_end_the_pause() {
        let now = Instant::now();
        let breakers = Breakers::new(RULE);
        let straggler = breakers.admit("a", now).unwrap();
        for _ in 0..RULE.failures {
            breakers.admit("a", now).unwrap().ended(false, now);
        }
        straggler.ended(true, now);
        assert!(breakers.admit("a", now).is_err());
    }
}
