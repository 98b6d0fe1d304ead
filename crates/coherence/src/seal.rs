//! What a stored entry keeps to know whether it is current.

use std::fmt;

use crate::clock::Instant;
use crate::groups::Group;
use crate::sync::Arc;
use crate::tracker::{Moment, Tracker};

/// The moment an entry was fetched at and the groups it is part of. A clone shares both.
#[derive(Clone)]
pub struct Seal {
    fetched: Moment,
    /// Reckoned once: caches need a weight that does not change.
    bytes: usize,
    /// The outer count belongs to the clones of this seal, the inner ones say whether a group may be forgotten.
    groups: std::sync::Arc<[Arc<Group>]>,
}

/// Why an entry is not current.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Staleness {
    /// There is no lease to answer under.
    NoLease,
    /// It was fetched before the present lease was granted.
    BeforeLease,
    /// Everything was invalidated after it was fetched.
    InvalidatedAll,
    /// A group of it was invalidated after it was fetched.
    Invalidated {
        /// The first such group.
        group: String,
    },
}

impl fmt::Display for Staleness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLease => f.write_str("no lease"),
            Self::BeforeLease => f.write_str("fetched before the lease"),
            Self::InvalidatedAll => f.write_str("everything was invalidated"),
            Self::Invalidated { group } => write!(f, "{group} was invalidated"),
        }
    }
}

impl Seal {
    pub(crate) fn new(fetched: Moment, groups: Vec<Arc<Group>>) -> Self {
        let bytes = groups.iter().map(share).fold(overhead(), usize::saturating_add);
        Self { fetched, bytes, groups: groups.into() }
    }

    /// Whether the entry may be answered with at `now`, which must not have been read before the request came. `tracker`
    /// is the one that made the seal. A few loads: no look-up, no lock, no allocation.
    #[must_use]
    pub fn is_current(&self, tracker: &Tracker, now: Instant) -> bool {
        // The lease first: see `Tracker::grant`.
        tracker.may_answer(now)
            && tracker.floor() <= self.fetched.0
            && self.groups.iter().all(|group| group.invalidated() <= self.fetched.0)
    }

    /// Why the entry is not current; `None` if it is.
    #[must_use]
    pub fn why_not(&self, tracker: &Tracker, now: Instant) -> Option<Staleness> {
        if !tracker.may_answer(now) {
            return Some(Staleness::NoLease);
        }
        if tracker.floor() > self.fetched.0 {
            let before_lease = tracker.granted() > self.fetched.0;
            return Some(if before_lease { Staleness::BeforeLease } else { Staleness::InvalidatedAll });
        }
        let changed = self.groups.iter().find(|group| group.invalidated() > self.fetched.0)?;
        Some(Staleness::Invalidated { group: changed.name().to_owned() })
    }

    /// When the entry was fetched.
    #[must_use]
    pub fn fetched(&self) -> Moment {
        self.fetched
    }

    /// Memory the seal takes beyond its own size: its list, and a share of each group, by how many seals shared it when this
    /// one was made. Never changes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The names of its groups, each with whether it was invalidated since the entry was fetched.
    pub fn states(&self) -> impl Iterator<Item = (&str, bool)> {
        self.groups.iter().map(|group| (group.name(), group.invalidated() > self.fetched.0))
    }

    /// The names of its groups, in the order they were admitted.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| group.name())
    }
}

/// The counts of the list.
fn overhead() -> usize {
    2 * size_of::<usize>()
}

fn share(group: &Arc<Group>) -> usize {
    // The map is the reference that is no seal.
    let sharers = Arc::strong_count(group).saturating_sub(1).max(1);
    size_of::<usize>().saturating_add(group.bytes().div_ceil(sharers))
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal")
            .field("fetched", &self.fetched.0)
            .field("groups", &self.groups().collect::<Vec<_>>())
            .finish()
    }
}
