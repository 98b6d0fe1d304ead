//! The digest of a set of records, kept up to date by each write (C-D3).
//!
//! The digest of a set is the sum of the hashes of its (id, version) pairs, in four lanes modulo 2^64: adding and
//! removing one record costs one addition, the order does not matter, and two copies of a model are equal when
//! their digests are (an additive multiset hash). It detects drift; it is no defence against a party that
//! chooses ids in order to collide.

use std::fmt;

use uuid::Uuid;

/// Number of leaf buckets that a model's records are spread over, by the hash of their id: three hexadecimal digits.
pub(crate) const BUCKETS: i16 = 4096;
/// Digits of a bucket's name.
pub(crate) const BUCKET_DIGITS: usize = 3;

/// Digest of a set of (id, version) pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Digest([u64; 4]);

impl Digest {
    /// Adds a record to the set.
    pub(crate) fn add(&mut self, id: Uuid, version: i64) {
        self.merge(&Self::of(id, version));
    }

    /// Takes a record out of the set.
    pub(crate) fn remove(&mut self, id: Uuid, version: i64) {
        for (lane, other) in self.0.iter_mut().zip(Self::of(id, version).0) {
            *lane = lane.wrapping_sub(other);
        }
    }

    /// Adds all records of another, disjoint set.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (lane, other) in self.0.iter_mut().zip(other.0) {
            *lane = lane.wrapping_add(other);
        }
    }

    /// The digest as stored: 32 bytes, lanes in big-endian order.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_be_bytes()).collect()
    }

    /// Reads what [`Digest::to_bytes`] wrote; an empty slice is the empty set.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let (lanes, rest) = bytes.as_chunks::<8>();
        let lanes: [[u8; 8]; 4] = lanes.try_into().ok()?;
        rest.is_empty().then(|| Self(lanes.map(u64::from_be_bytes)))
    }

    fn of(id: Uuid, version: i64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(id.as_bytes());
        hasher.update(&version.to_be_bytes());
        Self::from_bytes(hasher.finalize().as_bytes()).unwrap_or_default()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|lane| write!(f, "{lane:016x}"))
    }
}

/// The leaf bucket of a record: the first twelve bits of the BLAKE3 hash of its id's sixteen bytes.
pub(crate) fn bucket(id: Uuid) -> i16 {
    let hash = blake3::hash(id.as_bytes());
    let [first, second, ..] = *hash.as_bytes();
    (i16::from(first) << 4) | i16::from(second >> 4)
}

/// The buckets under a prefix of zero to three hexadecimal digits, or `None` where it is no such prefix.
pub(crate) fn buckets_under(prefix: &str) -> Option<std::ops::Range<i16>> {
    if prefix.len() > BUCKET_DIGITS || !prefix.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let width = BUCKETS >> (4 * prefix.len());
    let first = if prefix.is_empty() { 0 } else { i16::from_str_radix(prefix, 16).ok()? * width };
    Some(first..first + width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_changes_does_not_matter_and_removal_undoes() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (mut one, mut two) = (Digest::default(), Digest::default());
        one.add(a, 1);
        one.add(b, 7);
        two.add(b, 3);
        two.add(b, 7);
        two.remove(b, 3);
        two.add(a, 1);
        assert_eq!(one, two);
        assert_ne!(one, Digest::default());
        assert_eq!(Digest::from_bytes(&one.to_bytes()), Some(one));
        assert_eq!(one.to_string().len(), 64);
    }

    #[test]
    fn prefixes_split_the_buckets_in_sixteenths() {
        assert_eq!(buckets_under(""), Some(0..4096));
        assert_eq!(buckets_under("f"), Some(3840..4096));
        assert_eq!(buckets_under("0a"), Some(160..176));
        assert_eq!(buckets_under("fff"), Some(4095..4096));
        for bad in ["g", "ffff", "F", "+1"] {
            assert_eq!(buckets_under(bad), None);
        }
        assert!((0..100u128).all(|n| (0..BUCKETS).contains(&bucket(Uuid::from_u128(n)))));
    }
}
