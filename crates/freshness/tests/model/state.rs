//! What the model knows of the world at one moment. Time is counted in ticks that all clocks share; anything may take any
//! number of them.

/// Most of each kind; how many there are is [`Bounds`].
pub(crate) const WRITERS: usize = 2;
pub(crate) const EDGES: usize = 2;
pub(crate) const FETCHES: usize = 2;
/// How much of the world is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) writers: usize,
    pub(crate) edges: usize,
    pub(crate) fetches: usize,
    /// A lease, in ticks. With one it has run out at the next tick; with two it can be renewed in between.
    pub(crate) lease: u8,
    /// How often Redis may come back empty.
    pub(crate) restarts: u8,
    /// How many writers may die, or roll back, or take longer than their mark.
    pub(crate) mishaps: u8,
}

/// One record in one group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct State {
    /// The value in the database; it only grows.
    pub(crate) stored: u8,
    /// The newest value whose write was acknowledged: nobody may be shown an older one from now on.
    pub(crate) acknowledged: u8,
    pub(crate) writers: [Writer; WRITERS],
    pub(crate) edges: [Edge; EDGES],
    pub(crate) fetches: [Fetch; FETCHES],
    pub(crate) redis: Redis,
    pub(crate) restarts: u8,
    pub(crate) mishaps: u8,
    /// A read got an older value than was acknowledged before it started.
    pub(crate) is_stale: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Redis {
    /// The group's version. A number is used again only when nothing in the world bears it: see [`State::forget`].
    pub(crate) version: u8,
    pub(crate) next_version: u8,
    /// The entry: the version it was filled under, and the value.
    pub(crate) entry: Option<(u8, u8)>,
    /// The marks of writers in flight: the version before, and the mark's own.
    pub(crate) marks: [Option<(u8, u8)>; WRITERS],
    /// Of the session that each edge has, if any: one that was given up is nobody's.
    pub(crate) sessions: [Membership; EDGES],
    /// What is left of the time in which leases of an earlier life may still be used.
    pub(crate) quarantine: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Membership {
    #[default]
    None,
    Lease(u8),
    /// Taken away, and perhaps in use for this long.
    Revoked(u8),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    #[default]
    Idle,
    Marked,
    Committed,
    /// The edges are told.
    Stamped,
    Acknowledged,
    RolledBack,
    Dead,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Writer {
    pub(crate) phase: Phase,
    /// What it committed; 0 before.
    pub(crate) value: u8,
    /// Edges whose session was told and has not confirmed. A message that never arrives is lost.
    pub(crate) silent: [bool; EDGES],
    /// What is left to wait for leases to run out.
    pub(crate) wait: u8,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Edge {
    pub(crate) has_session: bool,
    pub(crate) is_granted: bool,
    /// What is left of the lease by the edge's own clock.
    pub(crate) lease: u8,
    pub(crate) call: Option<Call>,
    pub(crate) entry: Option<u8>,
    /// Confirmed and not yet applied: only where the order is broken.
    pub(crate) owes: bool,
}

/// A command to Redis and its answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Call {
    pub(crate) is_join: bool,
    /// Ticks since it was sent.
    pub(crate) age: u8,
    pub(crate) answer: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Stage {
    #[default]
    Idle,
    /// On its way to the service.
    Sent,
    /// The service looked in the shared level and found nothing of use.
    Missed,
    /// It has the value from the database.
    Loaded,
    /// The answer is on its way to the edge.
    Answered,
}

/// A read that the edge could not answer from memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Fetch {
    pub(crate) stage: Stage,
    /// Begun under the present lease, and nothing was invalidated since.
    pub(crate) is_valid: bool,
    /// The version to fill under; none beside a writer in flight.
    pub(crate) stamp: Option<u8>,
    pub(crate) value: u8,
    /// A second reader that would share the answer: what was acknowledged when it came.
    pub(crate) waiter: Option<u8>,
}

impl State {
    pub(crate) fn first() -> Self {
        Self {
            stored: 0,
            acknowledged: 0,
            writers: Default::default(),
            edges: Default::default(),
            fetches: Default::default(),
            redis: Redis { next_version: 1, ..Redis::default() },
            restarts: 0,
            mishaps: 0,
            is_stale: false,
        }
    }

    /// One tick of every clock. False when no clock runs.
    pub(crate) fn tick(&mut self, lease: u8) -> bool {
        let before = self.clone();
        for membership in &mut self.redis.sessions {
            *membership = match *membership {
                Membership::Lease(left) if left > 1 => Membership::Lease(left - 1),
                Membership::Revoked(left) if left > 1 => Membership::Revoked(left - 1),
                _ => Membership::None,
            };
        }
        down(&mut self.redis.quarantine);
        for writer in &mut self.writers {
            down(&mut writer.wait);
        }
        for edge in &mut self.edges {
            down(&mut edge.lease);
            if let Some(call) = &mut edge.call {
                call.age = (call.age + 1).min(lease);
            }
        }
        *self != before
    }
}

impl State {
    /// Makes worlds equal that differ in nothing that can still matter; there are far fewer then.
    pub(crate) fn forget(&mut self) {
        for fetch in &mut self.fetches {
            // Its answer is neither kept nor shared, and it fills nothing: as if it were over.
            if fetch.stage > Stage::Sent && !fetch.is_valid && fetch.stamp.is_none() {
                *fetch = Fetch::default();
            }
            // A waiter that may have any answer, or gets none of this fetch.
            if !fetch.is_valid || fetch.waiter == Some(0) {
                fetch.waiter = None;
            }
        }
        for edge in self.edges.iter_mut().filter(|edge| !edge.is_granted) {
            edge.entry = None;
        }
        for writer in &mut self.writers {
            if matches!(writer.phase, Phase::Acknowledged | Phase::RolledBack) {
                *writer = Writer { phase: Phase::Acknowledged, ..Writer::default() };
            }
        }
        self.forget_versions();
    }

    /// Makes worlds equal that differ only in which writer is which, or which edge.
    pub(crate) fn sort(&mut self, bounds: &Bounds) {
        let mut swapped = self.clone();
        if bounds.writers == WRITERS {
            swapped.writers.swap(0, 1);
            swapped.redis.marks.swap(0, 1);
            if swapped < *self {
                *self = swapped.clone();
            }
        }
        if bounds.fetches == FETCHES {
            swapped = self.clone();
            swapped.fetches.swap(0, 1);
            // With one edge both fetches are its own, otherwise each edge has one.
            if bounds.edges == EDGES {
                swapped.edges.swap(0, 1);
                swapped.redis.sessions.swap(0, 1);
                swapped.writers.iter_mut().for_each(|writer| writer.silent.swap(0, 1));
            }
            if swapped < *self {
                *self = swapped;
            }
        }
    }

    /// Numbers the versions that are left anew, in their order.
    fn forget_versions(&mut self) {
        let redis = &self.redis;
        let restorable = |stamp: u8| {
            stamp == redis.version
                || redis.marks.iter().flatten().any(|(before, own)| stamp == *before || stamp == *own)
        };
        let is_dead = redis.entry.is_some_and(|(stamp, _)| !restorable(stamp));
        let dead_fetches =
            self.fetches.each_ref().map(|fetch| fetch.stamp.is_some_and(|stamp| !restorable(stamp)));
        if is_dead {
            self.redis.entry = None;
        }
        for (fetch, is_dead) in self.fetches.iter_mut().zip(dead_fetches) {
            if is_dead {
                fetch.stamp = None;
            }
        }
        let mut live = vec![self.redis.version];
        live.extend(self.redis.marks.iter().flatten().flat_map(|(before, own)| [*before, *own]));
        live.sort_unstable();
        live.dedup();
        let rank = |version: &mut u8| {
            let place = live.iter().position(|live| live == version);
            *version = place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX);
        };
        rank(&mut self.redis.version);
        if let Some((stamp, _)) = &mut self.redis.entry {
            rank(stamp);
        }
        for (before, own) in self.redis.marks.iter_mut().flatten() {
            rank(before);
            rank(own);
        }
        for stamp in self.fetches.iter_mut().filter_map(|fetch| fetch.stamp.as_mut()) {
            rank(stamp);
        }
        self.redis.next_version = u8::try_from(live.len()).unwrap_or(u8::MAX);
    }
}

fn down(timer: &mut u8) {
    *timer = timer.saturating_sub(1);
}

impl Redis {
    pub(crate) fn new_version(&mut self) -> u8 {
        self.version = self.next_version;
        self.next_version += 1;
        self.version
    }

    pub(crate) fn is_marked(&self) -> bool {
        self.marks.iter().any(Option::is_some)
    }

    /// What a read is answered by the shared level.
    pub(crate) fn hit(&self) -> Option<u8> {
        self.entry.filter(|(stamp, _)| *stamp == self.version && !self.is_marked()).map(|(_, value)| value)
    }
}
