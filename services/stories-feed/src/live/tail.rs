//! The end of a log, kept in memory for those who come back after a cut: a crowd that was cut at once is brought up to date
//! without a statement for each.

use std::collections::VecDeque;
use std::sync::Arc;

use super::told::Told;

/// Most events that are kept, and that anyone can have missed: reading the feed is cheaper than hearing more.
pub(super) const LONGEST_TAIL: usize = 256;

/// Successive events up to the end of the log as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Tail {
    events: VecDeque<Arc<Told>>,
}

impl Tail {
    /// Adds the next event.
    pub(super) fn push(&mut self, event: Arc<Told>) {
        if self.events.len() >= LONGEST_TAIL {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    /// Adds what was before, if it leads up to what is known without a gap; `end` is where the log ends.
    pub(super) fn prepend(&mut self, before: Vec<Told>, end: i64) {
        let mut expected = self.first(end) - 1;
        for event in before.into_iter().rev() {
            if event.position.seq != expected || self.events.len() >= LONGEST_TAIL {
                return;
            }
            expected -= 1;
            self.events.push_front(Arc::new(event));
        }
    }

    /// Position of the first event that is known; the one after the end where none is.
    pub(super) fn first(&self, end: i64) -> i64 {
        self.events.front().map_or(end + 1, |event| event.position.seq)
    }

    /// All events beyond a position; nothing where some of them are not known.
    pub(super) fn since(&self, seq: i64, end: i64) -> Option<impl Iterator<Item = &Arc<Told>>> {
        (seq <= end && self.first(end) <= seq + 1)
            .then(|| self.events.iter().filter(move |event| event.position.seq > seq))
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.events.clear();
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::position::Position;

    fn event(seq: i64) -> Told {
        Told::refetch(Position { epoch: Uuid::nil(), seq }, DateTime::UNIX_EPOCH)
    }

    fn since(tail: &Tail, seq: i64, end: i64) -> Option<Vec<i64>> {
        tail.since(seq, end).map(|events| events.map(|event| event.position.seq).collect())
    }

    #[test]
    fn who_comes_back_gets_all_that_was_missed_or_nothing() {
        let mut tail = Tail::default();
        assert_eq!(since(&tail, 4, 4), Some(vec![]), "nothing was missed");
        assert_eq!(since(&tail, 3, 4), None, "it is not known here");
        assert_eq!(since(&tail, 5, 4), None, "nobody was there yet");
        tail.push(Arc::new(event(5)));
        tail.push(Arc::new(event(6)));
        assert_eq!(since(&tail, 4, 6), Some(vec![5, 6]));
        assert_eq!(since(&tail, 3, 6), None);
        tail.prepend(vec![event(1), event(3), event(4)], 6);
        assert_eq!(since(&tail, 2, 6), Some(vec![3, 4, 5, 6]));
        assert_eq!(since(&tail, 1, 6), None, "2 is missing");
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut tail = Tail::default();
        let last = i64::try_from(LONGEST_TAIL).unwrap() + 1;
        (1..=last).for_each(|seq| tail.push(Arc::new(event(seq))));
        assert_eq!(since(&tail, 0, last), None);
        assert_eq!(since(&tail, 1, last).map(|events| events.len()), Some(LONGEST_TAIL));
        tail.prepend(vec![event(1)], last);
        assert_eq!(tail.first(last), 2);
    }
}
