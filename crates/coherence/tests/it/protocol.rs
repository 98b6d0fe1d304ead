//! The whole protocol in small, around the real tracker: writers, the registry of sessions, an edge that changes its session,
//! fetches, waiters and a sweep, in every order. The rule: what was acknowledged before a read began is in its answer.

use std::sync::Arc;

use coherence::clock::Instant;
use coherence::{Moment, Seal, Tracker};

use crate::interleavings::{World, explore};

const NOW: Instant = Instant::from_nanos(1);
const UNTIL: Instant = Instant::from_nanos(10);
const GROUPS: [&str; 2] = ["animals", "animals/42"];

#[derive(Clone, Copy)]
enum Role {
    /// Commits, asks the registry who holds a lease, tells them, is acknowledged.
    Writer,
    /// Loses its lease, leaves the registry, joins it anew, is granted.
    Edge,
    /// Begins, reads the database, stores.
    Fetch,
    /// The same, but stores nothing.
    Read,
    /// Arrives, answers from the cache.
    Reader,
    /// Arrives, takes the answer of the fetch if it may.
    Waiter,
    Sweep,
    /// Somebody else's writes to the same groups, told at once.
    Noise,
}

impl Role {
    fn steps(self) -> usize {
        match self {
            Self::Writer | Self::Edge => 4,
            Self::Fetch => 3,
            Self::Read | Self::Reader | Self::Waiter => 2,
            Self::Sweep | Self::Noise => 1,
        }
    }
}

struct Small {
    roles: &'static [Role],
    tracker: Arc<Tracker>,
    database: u64,
    acknowledged: u64,
    member: bool,
    /// Whether the edge was a member when the writer asked.
    listed: bool,
    cached: Option<(u64, Seal)>,
    /// Since when the fetch is under way, and what it read.
    fetch: Option<Moment>,
    read: Option<u64>,
    /// What a reader must see at least: what was acknowledged when it came.
    reader: u64,
    waiter: (Option<Moment>, u64),
}

impl Small {
    /// An edge in its first session, with an answer stored in it.
    fn new(roles: &'static [Role]) -> Self {
        let tracker = Tracker::leased();
        tracker.grant(UNTIL);
        let cached = tracker.admit(tracker.begin(NOW).unwrap(), &GROUPS).map(|seal| (0, seal));
        Self {
            roles,
            tracker,
            database: 0,
            acknowledged: 0,
            member: true,
            listed: false,
            cached,
            fetch: None,
            read: None,
            reader: 0,
            waiter: (None, 0),
        }
    }

    fn writer(&mut self, at: usize) {
        match at {
            0 => self.database = 1,
            1 => self.listed = self.member,
            2 if self.listed => {
                self.tracker.invalidate(&["animals/42"]);
            }
            2 => {}
            _ => self.acknowledged = 1,
        }
    }

    fn edge(&mut self, at: usize) {
        match at {
            0 => self.tracker.lose(),
            1 => self.member = false,
            2 => self.member = true,
            _ => self.tracker.grant(UNTIL),
        }
    }

    fn fetch(&mut self, at: usize) {
        match at {
            0 => self.fetch = self.tracker.begin(NOW),
            1 => self.read = Some(self.database),
            _ => {
                let admitted = self.fetch.and_then(|fetched| self.tracker.admit(fetched, &GROUPS));
                if let (Some(seal), Some(read)) = (admitted, self.read) {
                    self.cached = Some((read, seal));
                }
            }
        }
    }

    fn reader(&mut self, at: usize) {
        match at {
            0 => self.reader = self.acknowledged,
            _ => self.answer_from_memory(self.reader),
        }
    }

    fn answer_from_memory(&self, at_least: u64) {
        if let Some((value, seal)) = &self.cached {
            assert!(!seal.is_current(&self.tracker, NOW) || *value >= at_least);
        }
    }

    /// Waits until the fetch has its answer.
    fn waiter(&mut self, at: usize) -> bool {
        if at == 0 {
            self.waiter = (self.tracker.begin(NOW), self.acknowledged);
            return true;
        }
        let (Some(joined), at_least) = self.waiter else { return true };
        let Some(read) = self.read else { return false };
        let shares = self.fetch.is_some_and(|fetched| self.tracker.may_share(fetched, joined, &GROUPS));
        assert!(!shares || read >= at_least);
        true
    }
}

impl World for Small {
    fn step(&mut self, thread: usize, at: usize) -> bool {
        match self.roles[thread] {
            Role::Writer => self.writer(at),
            Role::Edge => self.edge(at),
            Role::Fetch | Role::Read => self.fetch(at),
            Role::Reader => self.reader(at),
            Role::Waiter => return self.waiter(at),
            Role::Sweep => {
                self.tracker.sweep();
            }
            Role::Noise => {
                self.tracker.invalidate(&GROUPS);
            }
        }
        true
    }

    fn check(&mut self) {
        self.answer_from_memory(self.acknowledged);
    }
}

fn explore_small(roles: &'static [Role]) -> usize {
    let lengths: Vec<_> = roles.iter().map(|role| role.steps()).collect();
    explore(&lengths, || Small::new(roles))
}

#[test]
fn no_answer_from_memory_is_older_than_what_was_acknowledged() {
    assert_eq!(explore_small(&[Role::Writer, Role::Edge, Role::Reader]), 3150);
    assert_eq!(explore_small(&[Role::Writer, Role::Fetch, Role::Reader, Role::Sweep]), 12_600);
}

#[test]
fn no_fetch_is_stored_as_current_that_missed_a_write() {
    assert_eq!(explore_small(&[Role::Writer, Role::Edge, Role::Fetch, Role::Sweep]), 138_600);
}

#[test]
fn no_waiter_shares_what_is_older_than_what_was_acknowledged() {
    assert!(explore_small(&[Role::Writer, Role::Edge, Role::Read, Role::Waiter]) > 10_000);
    assert!(explore_small(&[Role::Writer, Role::Read, Role::Waiter, Role::Sweep, Role::Noise]) > 10_000);
}
