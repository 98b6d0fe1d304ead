//! The chain of custody: everything that happened to a package, each event with the hash of the one before (P-D4).
//!
//! Whoever has the events of a package and the hash of its last one (the head) can tell that none was changed, left out, added or
//! moved, and that the files that go with them are the same. What follows is all that a verifier has to know.
//!
//! # Encoding, version 1
//! `hash = SHA-256(` the following, one after the other `)`, where integers are big-endian, `text(x)` is the length of `x` in UTF-8
//! bytes as 8 bytes and then those bytes, and ids are their 16 bytes:
//!
//! | # | What | Bytes |
//! |---|---|---|
//! | 1 | `text("aldia package-ledger custody event")` | 8 + 34 |
//! | 2 | version | 1: `01` |
//! | 3 | `prev_hash` | 32 |
//! | 4 | `package_id` | 16 |
//! | 5 | `seq`, counts from 1 | 8 |
//! | 6 | `text(kind)` | 8 + n |
//! | 7 | `from`: `00` if there is none, else `01` and `text(from)` | 1 or 9 + n |
//! | 8 | `text(to)` | 8 + n |
//! | 9 | `actor_id`: `00` if there is none, else `01` and the id | 1 or 17 |
//! | 10 | `text(actor_role)` | 8 + n |
//! | 11 | `at`: microseconds since 1970-01-01T00:00:00Z, two's complement | 8 |
//! | 12 | `text(data)`, the data as canonical JSON | 8 + n |
//! | 13 | number of `digests` | 8 |
//! | 14 | each digest, the SHA-256 of a file | 32 each |
//!
//! `prev_hash` of the first event is `SHA-256(text("aldia package-ledger custody genesis"), 01, package_id)`: the chain of one
//! package cannot be passed off as that of another.
//!
//! Canonical JSON has no blanks; members are in the order of the bytes of their names; strings escape `"`, `\` and the control
//! characters below U+0020 alone (`\b \t \n \f \r`, else `\u00xx` in lower case); numbers are integers from -2⁶³ to 2⁶⁴-1 in
//! decimal. Anything else is not recorded.
//!
//! # Export
//! One line for each event, in the order of the chain, package after package. A line is the canonical JSON of an object with the
//! members `actor_id`, `actor_role`, `at_micros`, `data`, `digests`, `from`, `hash`, `kind`, `package_id`, `prev_hash`, `seq`,
//! `to`; hashes and digests are hexadecimal and ids hyphenated, both in lower case; what there is not is `null`.

pub(crate) mod audit;
pub(crate) mod canonical;
pub(crate) mod export;
pub(crate) mod verify;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub(crate) use canonical::NotCanonical;
pub(crate) use verify::{Break, Fault};

use super::named::named;
use super::person::Role;
use super::status::Status;

const EVENT: &str = "aldia package-ledger custody event";
const GENESIS: &str = "aldia package-ledger custody genesis";
const VERSION: u8 = 1;

named! {
    /// As what somebody acts.
    ActorRole {
        /// As whom the package is for.
        Customer = "customer",
        /// At the desk.
        Operator = "operator",
        /// As its administrator.
        Admin = "admin",
        /// Nobody: the service itself.
        System = "system",
    }
}

impl ActorRole {
    /// That of a role; none of one that changes nothing.
    pub(crate) fn of(role: Role) -> Option<Self> {
        match role {
            Role::Customer => Some(Self::Customer),
            Role::Operator => Some(Self::Operator),
            Role::Admin => Some(Self::Admin),
            Role::Auditor => None,
        }
    }
}

/// What happened, before it has its place in the chain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventDraft {
    /// What.
    pub(crate) kind: String,
    /// Status before it; none at the beginning.
    pub(crate) from: Option<Status>,
    /// Status after it.
    pub(crate) to: Status,
    /// Who did it; nobody where the service did.
    pub(crate) actor_id: Option<Uuid>,
    /// As what.
    pub(crate) actor_role: ActorRole,
    /// When, in microseconds since 1970.
    pub(crate) at: i64,
    /// What else is known of it: an object, without floats.
    pub(crate) data: Value,
    /// SHA-256 of each file that goes with it.
    pub(crate) digests: Vec<[u8; 32]>,
}

/// A link of the chain.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventRecord {
    /// The package.
    pub(crate) package_id: Uuid,
    /// Counts from 1 without gaps.
    pub(crate) seq: i32,
    /// What.
    pub(crate) kind: String,
    /// Status before it; none at the beginning.
    pub(crate) from: Option<Status>,
    /// Status after it.
    pub(crate) to: Status,
    /// Who did it; nobody where the service did.
    pub(crate) actor_id: Option<Uuid>,
    /// As what.
    pub(crate) actor_role: ActorRole,
    /// When, in microseconds since 1970.
    pub(crate) at: i64,
    /// What else is known of it.
    pub(crate) data: Value,
    /// SHA-256 of each file that goes with it.
    pub(crate) digests: Vec<[u8; 32]>,
    /// Hash of the event before; of the first one derived from the package.
    pub(crate) prev_hash: [u8; 32],
    /// Of this one.
    pub(crate) hash: [u8; 32],
}

/// The end of a chain: what has to be known of it to go on with it, or to tell that it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The package.
    pub(crate) package_id: Uuid,
    /// Number of events.
    pub(crate) seq: i32,
    /// Hash of the last one.
    pub(crate) hash: [u8; 32],
}

impl Head {
    /// That of a package to which nothing has happened yet.
    pub(crate) fn genesis(package_id: Uuid) -> Self {
        let mut hasher = Sha256::new();
        text(&mut hasher, GENESIS);
        hasher.update([VERSION]);
        hasher.update(package_id.as_bytes());
        Self { package_id, seq: 0, hash: hasher.finalize().into() }
    }
}

impl EventRecord {
    /// The end of the chain while this is the last event.
    pub(crate) fn head(&self) -> Head {
        Head { package_id: self.package_id, seq: self.seq, hash: self.hash }
    }

    /// Its hash as it should be.
    ///
    /// # Errors
    /// [`NotCanonical`] if its data are not such as are recorded.
    fn computed_hash(&self) -> Result<[u8; 32], NotCanonical> {
        let data = canonical::object(&self.data)?;
        let mut hasher = Sha256::new();
        text(&mut hasher, EVENT);
        hasher.update([VERSION]);
        hasher.update(self.prev_hash);
        hasher.update(self.package_id.as_bytes());
        hasher.update(i64::from(self.seq).to_be_bytes());
        text(&mut hasher, &self.kind);
        match self.from {
            None => hasher.update([0]),
            Some(status) => {
                hasher.update([1]);
                text(&mut hasher, status.as_str());
            }
        }
        text(&mut hasher, self.to.as_str());
        match self.actor_id {
            None => hasher.update([0]),
            Some(id) => {
                hasher.update([1]);
                hasher.update(id.as_bytes());
            }
        }
        text(&mut hasher, self.actor_role.as_str());
        hasher.update(self.at.to_be_bytes());
        text(&mut hasher, &data);
        length(&mut hasher, self.digests.len());
        for digest in &self.digests {
            hasher.update(digest);
        }
        Ok(hasher.finalize().into())
    }
}

fn length(hasher: &mut Sha256, length: usize) {
    hasher.update(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
}

fn text(hasher: &mut Sha256, text: &str) {
    length(hasher, text.len());
    hasher.update(text.as_bytes());
}

/// The next link of the chain that ends with this head.
///
/// # Errors
/// [`NotCanonical`] if the data are not such as can be recorded, or the chain can have no more events.
pub(crate) fn link(prev: &Head, draft: EventDraft) -> Result<EventRecord, NotCanonical> {
    let mut record = EventRecord {
        package_id: prev.package_id,
        seq: prev.seq.checked_add(1).ok_or(NotCanonical::TooLong)?,
        kind: draft.kind,
        from: draft.from,
        to: draft.to,
        actor_id: draft.actor_id,
        actor_role: draft.actor_role,
        at: draft.at,
        data: draft.data,
        digests: draft.digests,
        prev_hash: prev.hash,
        hash: [0; 32],
    };
    record.hash = record.computed_hash()?;
    Ok(record)
}

#[cfg(test)]
mod tests;
