//! Whose each instant of a request is.
//!
//! Parts of a request overlap: statements run beside each other, a call goes on while its connection is opened. Their lengths
//! added up would be more than the request took. So nothing is added up: at each beginning and end of a part the time since
//! the last one is given to one part, the first in rank of those under way. What the parts got is then the length of the union
//! of all, whatever their number, and the account needs no more room for a thousand statements than for one.
//!
//! Times are nanoseconds since the request began.

use std::ops::Range;

use super::part::{Part, PerPart, Spent};

/// Stretches of the past that can still be claimed; a poll in which more parts begin and end is claimed from its end.
const RECENT: usize = 8;

/// A stretch of time with one owner.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    owner: Option<Part>,
    from: u64,
    to: u64,
}

/// The account while the request runs.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    under_way: PerPart<u32>,
    spent: Spent,
    settled: u64,
    /// Without gaps, the last ends at `settled`; empty ones come first.
    recent: [Stretch; RECENT],
}

impl Ledger {
    pub(super) fn enter(&mut self, part: Part, at: u64) {
        self.settle(at);
        self.spent.seen.change(part, |_| true);
        self.under_way.change(part, |count| count.saturating_add(1));
    }

    pub(super) fn leave(&mut self, part: Part, at: u64) {
        self.settle(at);
        self.under_way.change(part, |count| count.saturating_sub(1));
    }

    /// Says now, at `at`, of a time of the past that it was this part's, if no higher one has it.
    pub(super) fn claim(&mut self, part: Part, time: Range<u64>, at: u64) {
        self.settle(at);
        self.spent.seen.change(part, |_| true);
        for past in std::mem::take(&mut self.recent) {
            let (begin, end) = (past.from.max(time.start), past.to.min(time.end));
            let outranked = past.owner.is_none_or(|owner| (owner as usize) > (part as usize));
            if begin >= end || !outranked {
                self.remember(past);
                continue;
            }
            let nanos = end - begin;
            if let Some(owner) = past.owner {
                self.spent.nanos.change(owner, |spent| spent.saturating_sub(nanos));
            }
            self.spent.nanos.change(part, |spent| spent.saturating_add(nanos));
            self.remember(Stretch { to: begin, ..past });
            self.remember(Stretch { owner: Some(part), from: begin, to: end });
            self.remember(Stretch { from: end, ..past });
        }
    }

    /// What each part has got by `at`; what is under way is counted until then.
    pub(super) fn spent_by(&self, at: u64) -> Spent {
        let mut spent = self.spent;
        if let Some(owner) = self.owner() {
            spent.nanos.change(owner, |spent| spent.saturating_add(at.saturating_sub(self.settled)));
        }
        spent
    }

    fn owner(&self) -> Option<Part> {
        Part::ALL.into_iter().find(|part| self.under_way.of(*part) > 0)
    }

    /// Gives the time since the last change to its owner. Two threads may come in another order than they read the clock.
    fn settle(&mut self, at: u64) {
        let at = at.max(self.settled);
        let owner = self.owner();
        if let Some(owner) = owner {
            self.spent.nanos.change(owner, |spent| spent.saturating_add(at - self.settled));
        }
        self.remember(Stretch { owner, from: self.settled, to: at });
        self.settled = at;
    }

    fn remember(&mut self, stretch: Stretch) {
        if stretch.from >= stretch.to {
            return;
        }
        if let Some(last) = self.recent.last_mut()
            && last.owner == stretch.owner
            && last.to == stretch.from
        {
            last.to = stretch.to;
            return;
        }
        self.recent.rotate_left(1);
        if let Some(last) = self.recent.last_mut() {
            *last = stretch;
        }
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
