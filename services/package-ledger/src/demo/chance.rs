//! Chance that falls the same each time: SplitMix64, with a sequence of its own for everything that has a name and a number, so that
//! what is drawn for one thing does not change what is drawn for another. Nothing here is secret.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What the published demo data are drawn by.
const SEED: u64 = 0x5eed_2026_11aa_0001;

/// A sequence of draws.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    /// That of the `number`th thing of this name.
    pub(super) fn of(name: &str, number: u64) -> Self {
        // FNV-1a of the name.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // Mixed once, or the sequences of neighbours would be the same, one draw apart.
        Self(Self(SEED ^ hash ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93)).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one; 0 below 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        let scaled = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u32::try_from(scaled).unwrap_or_default()
    }

    /// A number from `least` to `most`.
    pub(super) fn between(&mut self, least: u32, most: u32) -> u32 {
        least + self.below(most.saturating_sub(least).saturating_add(1))
    }

    /// Whether it falls on this many of a thousand.
    pub(super) fn permille(&mut self, share: u32) -> bool {
        self.below(1000) < share
    }

    /// One of these; none of none.
    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let place = self.below(u32::try_from(all.len()).unwrap_or(u32::MAX));
        all.get(usize::try_from(place).unwrap_or(usize::MAX))
    }

    /// The place of one of these weights, each as likely as it weighs.
    pub(super) fn weighted(&mut self, weights: impl IntoIterator<Item = u32> + Clone) -> usize {
        let total = weights.clone().into_iter().fold(0_u32, u32::saturating_add);
        let mut left = self.below(total);
        for (place, weight) in weights.into_iter().enumerate() {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return place,
            }
        }
        0
    }

    /// So many decimal digits.
    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count).filter_map(|_| char::from_digit(self.below(10), 10)).collect()
    }

    /// Sixteen bytes.
    pub(super) fn bytes(&mut self) -> [u8; 16] {
        let (first, second) = (self.next(), self.next());
        ((u128::from(first) << 64) | u128::from(second)).to_be_bytes()
    }

    /// An id (UUID version 7) of something that was made then.
    pub(super) fn id(&mut self, at: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let mut random = [0; 10];
        for (place, byte) in random.iter_mut().zip(self.bytes()) {
            *place = byte;
        }
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_draws_the_same_each_time_and_its_neighbour_something_else() {
        let draw = |name: &str, number| {
            let mut chance = Chance::of(name, number);
            [chance.below(1_000_000), chance.below(1_000_000), chance.below(1_000_000)]
        };
        assert_eq!(draw("a", 1), draw("a", 1));
        assert_ne!(draw("a", 1), draw("b", 1));
        let (first, second) = (draw("a", 1), draw("a", 2));
        assert!(first.iter().all(|drawn| !second.contains(drawn)), "{first:?} {second:?}");
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut chance = Chance::of("bounds", 0);
        assert!((0..1000).all(|_| (3..=5).contains(&chance.between(3, 5))));
        let drawn: Vec<usize> = (0..1000).map(|_| chance.weighted([1, 0, 3])).collect();
        let thirds = drawn.iter().filter(|place| **place == 2).count();
        assert!(!drawn.contains(&1) && (700..800).contains(&thirds), "{thirds}");
        assert_eq!((chance.below(0), chance.pick::<u8>(&[]), chance.digits(5).len()), (0, None, 5));
        let at = DateTime::from_timestamp_millis(1_795_000_000_123).unwrap();
        assert_eq!(chance.id(at).get_timestamp().unwrap().to_unix().0, 1_795_000_000);
    }
}
