//! More keys than there are places.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use rate_limit::{Key, Limiter, PolicyConfig};

use crate::{built, named};

/// One unit comes back every `secs`, and fifteen keys have a place.
fn small(burst: u32, secs: u64) -> Limiter {
    built(PolicyConfig { burst: Some(burst), max_keys: 1, ..PolicyConfig::new("p", 1, secs) })
}

fn address(number: u32) -> Key<'static> {
    Key::address(std::net::Ipv4Addr::from(number).into())
}

#[test]
fn a_flood_of_keys_does_not_reset_the_key_under_attack() {
    let limiter = small(10, 3600);
    let now = Instant::now();
    assert!(limiter.check_at(named("mara"), 10, now).is_allowed());
    for number in 0..10_000 {
        let _ = limiter.check_at(address(number), 1, now);
        assert!(!limiter.check_at(named("mara"), 1, now).is_allowed(), "after {number} strangers");
    }
    assert!(limiter.crowded() > 0);
}

#[test]
fn a_forgotten_key_comes_back_with_no_more_than_it_had() {
    let limiter = small(10, 3600);
    let now = Instant::now();
    assert!(limiter.check_at(named("mara"), 4, now).is_allowed());
    for number in 0..15 {
        assert!(
            limiter.check_at(address(number), 5, now).is_allowed(),
            "mara's place is the least and goes first"
        );
    }
    assert!(limiter.check_at(named("mara"), 0, now).remaining() <= 6);
}

#[test]
fn a_stranger_passes_while_any_place_has_units_left() {
    let limiter = small(10, 3600);
    let now = Instant::now();
    for number in 0..14 {
        assert!(limiter.check_at(address(number), 10, now).is_allowed());
    }
    let passed = (100..200).filter(|number| limiter.check_at(address(*number), 1, now).is_allowed()).count();
    assert_eq!(passed, 10, "the last place has ten units for all strangers together");
}

#[test]
fn places_are_free_again_when_their_quota_is() {
    let limiter = small(10, 1);
    let mut now = Instant::now();
    for number in 0..5_000u32 {
        if number % 15 == 0 {
            now += Duration::from_secs(1);
        }
        assert!(limiter.check_at(address(number), 1, now).is_allowed(), "stranger {number}");
    }
    assert_eq!(limiter.crowded(), 0, "what fits is nobody's loss");
}

#[test]
fn a_flood_that_fits_refuses_nobody() {
    let limiter = built(PolicyConfig { max_keys: 60_000, ..PolicyConfig::new("p", 100, 60) });
    let start = Instant::now();
    for number in 0..600_000u32 {
        let now = start + Duration::from_micros(20) * number;
        assert!(limiter.check_at(address(number), 1, now).is_allowed(), "stranger {number}");
    }
    assert!(limiter.places() < 60_015);
}

proptest! {
    #[test]
    fn no_flood_wins_back_a_unit(history in vec((0..40u32, 0..3u64, 1..6u32), 1..600)) {
        let limiter = small(12, 5);
        let mut now = Instant::now();
        let mut passed: HashMap<u32, Vec<(Instant, u128)>> = HashMap::new();
        for (who, pause, cost) in history {
            now += Duration::from_secs(pause);
            if limiter.check_at(address(who), cost, now).is_allowed() {
                passed.entry(who).or_default().push((now, u128::from(cost)));
            }
        }
        for times in passed.values() {
            for first in 0..times.len() {
                let mut units = 0;
                for (at, cost) in &times[first..] {
                    units += cost;
                    let elapsed = u128::from(at.duration_since(times[first].0).as_secs());
                    prop_assert!(units * 5 <= 12 * 5 + elapsed);
                }
            }
        }
    }
}
