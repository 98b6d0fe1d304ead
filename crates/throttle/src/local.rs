//! The count of this process alone, for as long as Redis is away. Bounded in memory, and stricter when it is full.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Verdict;

/// At most this many keys have a count of their own, fewer where the limit is high: see [`max_keys`].
const MAX_KEYS: usize = 10_000;
/// About what all counts together may take.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// A key beside its instants: its text, its place in the table and the table's free places.
const KEY_BYTES: usize = 256;
/// The key that counts for all others once the table is full. No hashed key is empty.
const EVERYONE_ELSE: &str = "";

pub(crate) struct LocalCounts {
    limit: u32,
    window: Duration,
    max_keys: usize,
    tries: Mutex<HashMap<String, VecDeque<Instant>>>,
}

impl LocalCounts {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        Self { limit, window, max_keys: max_keys(limit), tries: Mutex::new(HashMap::new()) }
    }

    pub(crate) fn check(&self, key: &str, now: Instant) -> Verdict {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let key = if tries.contains_key(key) || self.has_room(&mut tries, now) { key } else { EVERYONE_ELSE };
        let instants = tries.entry(key.to_owned()).or_default();
        while instants.front().is_some_and(|oldest| now.duration_since(*oldest) >= self.window) {
            instants.pop_front();
        }
        let used = u32::try_from(instants.len()).unwrap_or(u32::MAX);
        match instants.front() {
            Some(oldest) if used >= self.limit => {
                Verdict::Refused { retry_after: self.window.saturating_sub(now.duration_since(*oldest)) }
            }
            _ => {
                instants.push_back(now);
                Verdict::Allowed { remaining: self.limit.saturating_sub(used).saturating_sub(1) }
            }
        }
    }

    pub(crate) fn forgive(&self, key: &str) {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Spent keys make room; a key with tries in its window is never pushed out, or a flood of names would reset the count
    /// of the one name under attack.
    fn has_room(&self, tries: &mut HashMap<String, VecDeque<Instant>>, now: Instant) -> bool {
        if tries.len() < self.max_keys {
            return true;
        }
        tries.retain(|_, instants| {
            instants.back().is_some_and(|newest| now.duration_since(*newest) < self.window)
        });
        tries.len() < self.max_keys
    }
}

/// How many keys fit into [`MAX_BYTES`] when each keeps as many instants as the limit allows. A list that grows has up to
/// twice the room it needs.
fn max_keys(limit: u32) -> usize {
    let instants = usize::try_from(limit).unwrap_or(usize::MAX).saturating_mul(2 * size_of::<Instant>());
    (MAX_BYTES / instants.saturating_add(KEY_BYTES)).clamp(1, MAX_KEYS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    #[test]
    fn the_try_after_the_limit_waits_for_the_oldest_to_leave() {
        let counts = LocalCounts::new(2, WINDOW);
        let start = Instant::now();
        assert_eq!(counts.check("a", start), Verdict::Allowed { remaining: 1 });
        assert_eq!(counts.check("a", start + Duration::from_secs(10)), Verdict::Allowed { remaining: 0 });
        assert_eq!(
            counts.check("a", start + Duration::from_secs(20)),
            Verdict::Refused { retry_after: Duration::from_secs(40) }
        );
        assert_eq!(counts.check("a", start + WINDOW), Verdict::Allowed { remaining: 0 });
        assert!(matches!(counts.check("a", start + WINDOW), Verdict::Refused { .. }));
    }

    #[test]
    fn keys_do_not_share_a_count_and_forgiving_clears_one() {
        let counts = LocalCounts::new(1, WINDOW);
        let now = Instant::now();
        assert!(matches!(counts.check("a", now), Verdict::Allowed { .. }));
        assert!(matches!(counts.check("b", now), Verdict::Allowed { .. }));
        counts.forgive("a");
        assert!(matches!(counts.check("a", now), Verdict::Allowed { .. }));
        assert!(matches!(counts.check("b", now), Verdict::Refused { .. }));
    }

    #[test]
    fn the_higher_the_limit_the_fewer_keys_so_that_memory_is_bounded() {
        assert_eq!(max_keys(1), MAX_KEYS);
        assert!(max_keys(10) > 5000);
        assert!(max_keys(1000) > 100);
        assert_eq!(max_keys(u32::MAX), 1);
        for limit in [1_usize, 10, 100, 1000, 10_000] {
            let counts = LocalCounts::new(u32::try_from(limit).unwrap(), WINDOW);
            assert!(counts.max_keys * limit * size_of::<Instant>() <= MAX_BYTES, "{limit}");
        }
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_forgets_none() {
        let mut counts = LocalCounts::new(1, WINDOW);
        counts.max_keys = 3;
        let now = Instant::now();
        assert!(matches!(counts.check("victim", now), Verdict::Allowed { .. }));
        let allowed = (0..100)
            .filter(|n| matches!(counts.check(&format!("flood-{n}"), now), Verdict::Allowed { .. }))
            .count();
        assert_eq!(allowed, 3, "two keys of their own, one shared by the rest");
        assert!(matches!(counts.check("victim", now), Verdict::Refused { .. }));
        assert!(counts.tries.lock().unwrap().len() <= 4);
        assert!(matches!(counts.check("later", now + WINDOW), Verdict::Allowed { .. }));
    }
}
