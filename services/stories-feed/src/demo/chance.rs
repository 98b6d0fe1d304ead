//! Chance that falls the same each time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What the published demo data are drawn by.
const SEED: &str = "aldia stories-feed demo 2026-11";

/// A drawing of its own for everything that has a name: what is drawn for one thing does not change what is drawn for another.
#[derive(Clone, Debug)]
pub(super) struct Chance(blake3::OutputReader);

impl Chance {
    /// That of the thing of this name.
    pub(super) fn of(name: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(SEED).update(name.as_bytes()).finalize_xof())
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    /// A number below this one; 0 below 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let drawn = u64::from_le_bytes(self.bytes());
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(drawn % bound).unwrap_or_default()
    }

    /// One of these.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// Whether it falls on this many of a hundred.
    pub(super) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    /// An id (UUID version 7) of something that was made then.
    pub(super) fn id(&mut self, at: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_draws_the_same_each_time_and_another_name_something_else() {
        let draw = |name: &str| {
            let mut chance = Chance::of(name);
            [chance.below(1000), chance.below(1000), chance.below(1000)]
        };
        assert_eq!(draw("a"), draw("a"));
        assert_ne!(draw("a"), draw("b"));
        let at = DateTime::from_timestamp_millis(1_795_000_000_123).unwrap();
        assert_eq!(Chance::of("a").id(at).get_timestamp().unwrap().to_unix().0, 1_795_000_000);
    }
}
