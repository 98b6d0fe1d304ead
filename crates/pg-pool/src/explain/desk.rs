//! Which statements are explained, and when: one at a time, seldom, and each text once in a while.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

/// Between the beginnings of two.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// How long a text is not explained again: plans change with statistics, not with requests.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(10 * 60);
/// Texts remembered; the oldest is forgotten first.
pub(super) const MAX_KNOWN: usize = 256;

/// Why one is not explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Its text was, a while ago.
    Known,
    /// Another one is.
    Busy,
    /// Another one was, a moment ago.
    TooSoon,
}

/// Who was let in.
#[derive(Debug, Default)]
pub(super) struct Desk {
    is_busy: bool,
    last: Option<Instant>,
    /// Hashes of texts, in the order of their turns. Two texts of one hash cost a plan, and nothing else.
    known: VecDeque<(u64, Instant)>,
}

impl Desk {
    /// Lets a statement in; its place is taken until [`done`](Self::done).
    pub(super) fn admit(&mut self, sql: &str, now: Instant) -> Result<(), Refused> {
        while self.known.front().is_some_and(|(_, at)| now.duration_since(*at) >= AGAIN_AFTER) {
            self.known.pop_front();
        }
        let mut hasher = DefaultHasher::new();
        sql.hash(&mut hasher);
        let hash = hasher.finish();
        if self.known.iter().any(|(known, _)| *known == hash) {
            return Err(Refused::Known);
        }
        if self.is_busy {
            return Err(Refused::Busy);
        }
        if self.last.is_some_and(|last| now.duration_since(last) < PAUSE) {
            return Err(Refused::TooSoon);
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((hash, now));
        (self.is_busy, self.last) = (true, Some(now));
        Ok(())
    }

    /// The one that was let in is through.
    pub(super) fn done(&mut self) {
        self.is_busy = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_not_too_often() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        assert_eq!(desk.admit("a", now), Ok(()));
        assert_eq!(desk.admit("b", now + PAUSE), Err(Refused::Busy));
        desk.done();
        assert_eq!(desk.admit("b", now + PAUSE - Duration::from_millis(1)), Err(Refused::TooSoon));
        assert_eq!(desk.admit("b", now + PAUSE), Ok(()));
    }

    #[test]
    fn a_text_has_its_turn_once_in_a_while() {
        let (mut desk, now) = (Desk::default(), Instant::now());
        for (after, expected) in
            [(Duration::ZERO, Ok(())), (AGAIN_AFTER / 2, Err(Refused::Known)), (AGAIN_AFTER, Ok(()))]
        {
            assert_eq!(desk.admit("a", now + after), expected);
            desk.done();
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut desk, mut now) = (Desk::default(), Instant::now());
        // Nothing runs out on the way: the clock goes on by as little as it may.
        desk.known = (0..MAX_KNOWN as u64).map(|number| (number, now)).collect();
        now += PAUSE;
        assert_eq!(desk.admit("a", now), Ok(()));
        assert_eq!(desk.known.len(), MAX_KNOWN);
        assert_eq!(desk.known.front().map(|(hash, _)| *hash), Some(1));
    }
}
