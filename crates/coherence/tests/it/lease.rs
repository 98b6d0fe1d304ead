//! What a lease allows, and why an entry is not current.

use std::time::Duration;

use coherence::clock::{self, Instant};
use coherence::{LeaseState, Staleness, Tracker};

fn at(nanos: u64) -> Instant {
    Instant::from_nanos(nanos)
}

#[test]
fn a_plain_cache_needs_no_lease_and_cannot_lose_it() {
    let tracker = Tracker::unleased();
    tracker.lose();
    tracker.grant(at(1));
    tracker.extend(at(2));
    assert_eq!((tracker.lease(), tracker.generation()), (LeaseState::NotNeeded, 0));
    assert!(tracker.may_answer(at(1_000_000)));
    let seal = tracker.admit(tracker.begin(at(5)).unwrap(), &["a"]).unwrap();
    assert!(seal.is_current(&tracker, at(6)));
}

#[test]
fn nothing_is_begun_or_answered_without_a_lease() {
    let tracker = Tracker::leased();
    assert_eq!((tracker.lease(), tracker.begin(at(0))), (LeaseState::None, None));
    tracker.grant(at(10));
    assert!(tracker.may_answer(at(9)));
    assert!(!tracker.may_answer(at(10)));
    assert_eq!(tracker.begin(at(10)), None);
}

#[test]
fn a_lease_that_ran_out_is_extended_but_one_that_was_lost_is_not() {
    let tracker = Tracker::leased();
    tracker.extend(at(10));
    assert!(!tracker.may_answer(at(1)));
    tracker.grant(at(10));
    let seal = tracker.admit(tracker.begin(at(1)).unwrap(), &["a"]).unwrap();
    assert_eq!(seal.why_not(&tracker, at(11)), Some(Staleness::NoLease));
    tracker.extend(at(20));
    tracker.extend(at(15));
    assert_eq!(seal.why_not(&tracker, at(19)), None);
    tracker.lose();
    tracker.extend(at(30));
    assert_eq!(seal.why_not(&tracker, at(19)), Some(Staleness::NoLease));
    tracker.grant(at(30));
    assert_eq!(seal.why_not(&tracker, at(19)), Some(Staleness::BeforeLease));
}

#[test]
fn what_is_left_of_a_lease_is_told() {
    let tracker = Tracker::leased();
    tracker.grant(clock::now() + Duration::from_secs(3600));
    let LeaseState::Held { remaining } = tracker.lease() else { panic!("{:?}", tracker.lease()) };
    assert!(remaining <= Duration::from_secs(3600) && remaining > Duration::from_secs(3000));
    tracker.grant(at(1));
    assert_eq!(tracker.lease(), LeaseState::None);
}

#[test]
fn a_fetch_is_not_stored_once_the_lease_changed_hands_or_was_lost() {
    let tracker = Tracker::leased();
    tracker.grant(at(10));
    let fetched = tracker.begin(at(1)).unwrap();
    tracker.lose();
    assert!(tracker.admit(fetched, &["a"]).is_none());
    assert!(!tracker.may_share(fetched, fetched, &["a"]));
    tracker.grant(at(10));
    assert!(tracker.admit(fetched, &["a"]).is_none());
    assert!(!tracker.may_share(fetched, tracker.begin(at(1)).unwrap(), &["a"]));
}

#[test]
fn an_invalidation_stales_its_group_and_no_other() {
    let tracker = Tracker::unleased();
    let fetched = tracker.begin(at(1)).unwrap();
    let lion = tracker.admit(fetched, &["animals", "animals/1"]).unwrap();
    let newt = tracker.admit(fetched, &["animals", "animals/2"]).unwrap();
    assert_eq!(tracker.invalidate(&["animals/2", "animals/3"]), 1);
    assert_eq!(lion.why_not(&tracker, at(1)), None);
    assert_eq!(newt.why_not(&tracker, at(1)), Some(Staleness::Invalidated { group: "animals/2".to_owned() }));
    tracker.invalidate_all();
    assert_eq!(lion.why_not(&tracker, at(1)), Some(Staleness::InvalidatedAll));
    assert_eq!(lion.why_not(&tracker, at(1)).unwrap().to_string(), "everything was invalidated");
}

#[test]
fn a_waiter_shares_what_nothing_invalidated_before_it_came() {
    let tracker = Tracker::unleased();
    let fetched = tracker.begin(at(1)).unwrap();
    tracker.invalidate(&["b"]);
    let joined = tracker.begin(at(1)).unwrap();
    assert!(tracker.may_share(fetched, joined, &["a"]));
    assert!(!tracker.may_share(fetched, joined, &["a", "b"]));
    // Who was there when the fetch began may have its answer, whatever came later.
    tracker.invalidate(&["a"]);
    assert!(tracker.may_share(fetched, fetched, &["a", "b"]));
    assert!(tracker.may_share(joined, fetched, &["a", "b"]));
    assert!(!tracker.may_share(fetched, tracker.begin(at(1)).unwrap(), &["a"]));
}

#[test]
fn a_seal_tells_its_groups_and_a_weight_that_does_not_change() {
    let tracker = Tracker::unleased();
    let fetched = tracker.begin(at(1)).unwrap();
    let first = tracker.admit(fetched, &["animals"]).unwrap();
    let weight = first.bytes();
    assert!(weight > "animals".len());
    let seals: Vec<_> = (0..100).map(|_| tracker.admit(fetched, &["animals"]).unwrap()).collect();
    assert_eq!(first.bytes(), weight);
    assert!(seals[99].bytes() < weight);
    let clone = first.clone();
    assert_eq!((clone.bytes(), clone.fetched()), (weight, fetched));
    assert_eq!(clone.groups().collect::<Vec<_>>(), ["animals"]);
    drop((first, seals));
    assert_eq!(tracker.sweep(), 0);
    drop(clone);
    assert_eq!(tracker.sweep(), 1);
}
