//! What a request may be waiting for.

use std::time::Duration;

/// What an instant of a request was spent on. Where several would claim one, the first of this list has it: what stands
/// further down may go on around what stands further up, as a call does around its connection being opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A poll of the request's own task held its thread.
    Blocked,
    /// The request's task was ready, and nobody polled it.
    Late,
    /// A statement was with the database.
    Database,
    /// A command was with Redis.
    Redis,
    /// A connection was waited for: to the database one of the pool, to an upstream one that was being opened.
    Pool,
    /// A write was committed, and not yet known wherever older answers are kept.
    Announce,
    /// Another request was fetching the same.
    CacheWait,
    /// Work that is bounded had no room.
    Queue,
    /// The client had more to send.
    Client,
    /// Another service was asked.
    Upstream,
}

/// How many there are.
pub(super) const PARTS: usize = 10;

impl Part {
    /// All of them, in order.
    pub const ALL: [Self; PARTS] = [
        Self::Blocked,
        Self::Late,
        Self::Database,
        Self::Redis,
        Self::Pool,
        Self::Announce,
        Self::CacheWait,
        Self::Queue,
        Self::Client,
        Self::Upstream,
    ];

    /// Its name in `Server-Timing`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Late => "late",
            Self::Database => "db",
            Self::Redis => "redis",
            Self::Pool => "pool",
            Self::Announce => "announce",
            Self::CacheWait => "cache_wait",
            Self::Queue => "queue",
            Self::Client => "recv",
            Self::Upstream => "upstream",
        }
    }
}

/// One value for each part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PerPart<T>([T; PARTS]);

impl<T: Copy + Default> PerPart<T> {
    pub(super) fn of(&self, part: Part) -> T {
        self.0.get(part as usize).copied().unwrap_or_default()
    }

    pub(super) fn change(&mut self, part: Part, change: impl FnOnce(T) -> T) {
        if let Some(value) = self.0.get_mut(part as usize) {
            *value = change(*value);
        }
    }
}

/// How long each part took. No instant is counted twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub(super) nanos: PerPart<u64>,
    pub(super) seen: PerPart<bool>,
}

impl Spent {
    /// Time spent on this part.
    #[must_use]
    pub fn on(&self, part: Part) -> Duration {
        Duration::from_nanos(self.nanos.of(part))
    }

    /// Whether the request had this part at all, however short, or with all of its time given to others.
    #[must_use]
    pub fn has(&self, part: Part) -> bool {
        self.seen.of(part)
    }

    /// Time spent on any part.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Part::ALL.into_iter().map(|part| self.on(part)).sum()
    }
}
