//! Whether a chain is whole.

use std::fmt;

use uuid::Uuid;

use super::{EventRecord, Head};

/// Where a chain is broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Break {
    /// The package.
    pub(crate) package_id: Uuid,
    /// The event that is not what it should be: the one expected at this place.
    pub(crate) seq: i32,
    /// What is wrong with it.
    pub(crate) fault: Fault,
}

/// What is wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It belongs to another package.
    ForeignPackage(Uuid),
    /// Another one stands in its place.
    Order {
        /// The number of that one.
        found: i32,
    },
    /// It does not go on from the one before.
    Link,
    /// It is not what was hashed.
    Hash,
    /// Its data are not such as are recorded.
    Data,
    /// A file that goes with it is another one, or not among its files.
    File {
        /// Which of them.
        index: usize,
    },
    /// It is not there, though the chain went on to it.
    MissingTail {
        /// The last one that there should be.
        last: i32,
    },
    /// The chain has ended before it.
    BeyondHead,
    /// It is the last, and not the one that the chain ended with: all of the chain may be another one.
    Head,
    /// Nothing says how its chain ends.
    UnknownHead,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignPackage(id) => write!(formatter, "it belongs to package {id}"),
            Self::Order { found } => write!(formatter, "event {found} stands in its place"),
            Self::Link => formatter.write_str("it does not go on from the event before"),
            Self::Hash => formatter.write_str("it does not have the hash that it says"),
            Self::Data => formatter.write_str("its data are not such as are recorded"),
            Self::File { index } => write!(formatter, "its file {index} is not the one recorded"),
            Self::MissingTail { last } => {
                write!(formatter, "it is missing, and so is all up to event {last}")
            }
            Self::BeyondHead => formatter.write_str("the chain ends before it"),
            Self::Head => formatter.write_str("the chain ends with another event"),
            Self::UnknownHead => formatter.write_str("it is not known how its chain ends"),
        }
    }
}

impl fmt::Display for Break {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "package {}, event {}: {}", self.package_id, self.seq, self.fault)
    }
}

/// Checks a chain up to its head. The head has to come from elsewhere than the events, or nothing is known of how they end.
///
/// # Errors
/// The first [`Break`].
pub(crate) fn verify(chain: &[EventRecord], head: &Head) -> Result<(), Break> {
    let mut reached = Head::genesis(head.package_id);
    for record in chain {
        reached = step(&reached, record)?;
    }
    ends_with(&reached, head)
}

/// Checks one event that should follow.
pub(super) fn step(reached: &Head, record: &EventRecord) -> Result<Head, Break> {
    let expected = reached.seq.saturating_add(1);
    let broken = |fault| Err(Break { package_id: reached.package_id, seq: expected, fault });
    if record.package_id != reached.package_id {
        return broken(Fault::ForeignPackage(record.package_id));
    }
    if record.seq != expected {
        return broken(Fault::Order { found: record.seq });
    }
    if record.prev_hash != reached.hash {
        return broken(Fault::Link);
    }
    match record.computed_hash() {
        Ok(hash) if hash == record.hash => Ok(record.head()),
        Ok(_) => broken(Fault::Hash),
        Err(_) => broken(Fault::Data),
    }
}

/// Checks that a chain has come to its head.
pub(super) fn ends_with(reached: &Head, head: &Head) -> Result<(), Break> {
    let broken = |seq, fault| Err(Break { package_id: head.package_id, seq, fault });
    if reached.seq < head.seq {
        return broken(reached.seq.saturating_add(1), Fault::MissingTail { last: head.seq });
    }
    if reached.seq > head.seq {
        return broken(head.seq.saturating_add(1), Fault::BeyondHead);
    }
    if reached.hash == head.hash { Ok(()) } else { broken(head.seq, Fault::Head) }
}

/// Checks the files of an event by their digests as they are now, in the order of the event. One that is not there any more (photos
/// are kept for a while only) is not judged.
///
/// # Errors
/// The first [`Break`].
pub(crate) fn check_files(record: &EventRecord, found: &[Option<[u8; 32]>]) -> Result<(), Break> {
    let broken =
        |index| Err(Break { package_id: record.package_id, seq: record.seq, fault: Fault::File { index } });
    for (index, (recorded, found)) in record.digests.iter().zip(found).enumerate() {
        if found.is_some_and(|found| found != *recorded) {
            return broken(index);
        }
    }
    // Too many or too few: the first that has no counterpart.
    if found.len() == record.digests.len() { Ok(()) } else { broken(found.len().min(record.digests.len())) }
}
