//! Random numbers from a seed, so that a run can be had again with the same faults in the same order.

/// SplitMix64: small, fast, and good enough to choose by.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A stream of its own for each purpose and number under one seed.
    pub(crate) fn new(seed: u64, purpose: &str, number: usize) -> Self {
        let start = purpose.bytes().fold(seed ^ 0x51_7c_c1_b7_27_22_0a_95, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut dice = Self(start ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.next();
        dice
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From zero to below `bound`; zero when there is nothing to choose from.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap_or_default()
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high.saturating_sub(low) + 1)
    }

    /// True so often in a hundred.
    pub(crate) fn percent(&mut self, often: u64) -> bool {
        self.next() % 100 < often
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// A random UUID (RFC 9562, version 4).
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_purpose_others() {
        let (mut one, mut again) = (Dice::new(7, "reader", 3), Dice::new(7, "reader", 3));
        let mut other = Dice::new(7, "writer", 3);
        let first: Vec<u64> = (0..4).map(|_| one.next()).collect();
        assert_eq!(first, (0..4).map(|_| again.next()).collect::<Vec<_>>());
        assert_ne!(first, (0..4).map(|_| other.next()).collect::<Vec<_>>());
        assert!((0..100).all(|_| (5..=6).contains(&one.between(5, 6))));
        assert_eq!(one.uuid().len(), 36);
    }
}
