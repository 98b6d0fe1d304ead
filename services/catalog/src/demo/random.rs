//! SplitMix64: a few lines that give the same numbers for the same seed on every machine and in every version, which
//! a library's "standard" generator does not promise. For demo data only; nothing here is secret.

/// A sequence of numbers from a seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// A sequence of its own for each part of the data, so that a change in one part leaves the others as they were.
    pub(crate) fn new(seed: u64, part: &str) -> Self {
        // FNV-1a of the part's name.
        let name = part.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(seed ^ name)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `bound`; 0 where the bound is 0. The bias of less than `bound`·2⁻⁶⁴ does
    /// not matter here.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let scaled = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u32::try_from(scaled).unwrap_or(0)
    }

    /// A number between two bounds, both included.
    pub(crate) fn between(&mut self, least: u32, greatest: u32) -> u32 {
        least + self.below(greatest.saturating_sub(least).saturating_add(1))
    }

    /// True in so many cases of a thousand.
    pub(crate) fn permille(&mut self, cases: u32) -> bool {
        self.below(1000) < cases
    }

    /// One of the items, each as likely as the others; `None` where there are none.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let place = self.below(u32::try_from(items.len()).unwrap_or(u32::MAX));
        items.get(usize::try_from(place).unwrap_or(usize::MAX))
    }

    /// One of the items, the earlier ones much more often: half of all picks fall on the first eighth.
    pub(crate) fn pick_skewed<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        // The cube of a fraction, in 16 bits: 0 ≤ draw < 2¹⁶, so the product stays below 2⁴⁸.
        let draw = u64::from(self.below(1 << 16));
        let cube = draw * draw * draw;
        let place = (u128::from(cube) * u128::from(count)) >> 48;
        items.get(usize::try_from(place).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // SplitMix64 from state 1234567, as in the reference implementation's test vector.
        let mut random = Random(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut random = Random::new(1, "test");
        let drawn: Vec<u32> = (0..1000).map(|_| random.between(3, 5)).collect();
        assert!(
            (3..=5).all(|value| drawn.contains(&value)) && drawn.iter().all(|value| (3..=5).contains(value))
        );
        assert_eq!((random.below(0), random.between(7, 7), random.pick::<u8>(&[])), (0, 7, None));
        let skewed = (0..1000).filter(|_| random.pick_skewed(&[0, 1, 2, 3, 4, 5, 6, 7]) == Some(&0)).count();
        assert!((450..550).contains(&skewed), "{skewed}");
    }
}
