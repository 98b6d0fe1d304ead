//! Every interleaving of the real code, and every order its atomics allow, by loom.
//!
//! An acknowledgement is a flag that is released and acquired: what a message on the wire does. The database is a number
//! that orders nothing by itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::Ordering;

use loom::model::Builder;
use loom::sync::atomic::AtomicBool;
use loom::thread;

use crate::clock::Instant;
use crate::seal::Seal;
use crate::sync::{Arc, AtomicU64};
use crate::tracker::Tracker;

const NOW: Instant = Instant::from_nanos(10);
const UNTIL: Instant = Instant::from_nanos(100);
const LATER: Instant = Instant::from_nanos(200);

fn explore(model: impl Fn() + Sync + Send + 'static) {
    explore_within(None, model);
}

/// With a bound on how often a thread is interrupted, for what would take a minute otherwise.
fn explore_within(interruptions: Option<usize>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = interruptions;
    builder.check(model);
}

fn leased() -> Arc<Tracker> {
    let tracker = Tracker::new(true);
    tracker.grant(UNTIL);
    Arc::new(tracker)
}

/// Does `job` on a thread of its own.
fn with(tracker: &Arc<Tracker>, job: impl FnOnce(&Tracker) + 'static) -> thread::JoinHandle<()> {
    let tracker = Arc::clone(tracker);
    thread::spawn(move || job(&tracker))
}

#[test]
fn an_invalidation_prevents_the_store_of_what_was_under_way_even_if_it_is_forgotten_meanwhile() {
    explore(|| {
        let tracker = leased();
        let fetched = tracker.begin(NOW).unwrap();
        let writer = with(&tracker, |tracker| {
            tracker.invalidate(&["a"]);
        });
        let sweeper = with(&tracker, |tracker| {
            tracker.sweep();
        });
        let seal = tracker.admit(fetched, &["a"]);
        writer.join().unwrap();
        sweeper.join().unwrap();
        assert!(!seal.is_some_and(|seal| seal.is_current(&tracker, NOW)));
    });
}

#[test]
fn a_swept_group_is_still_the_one_its_seal_refers_to() {
    explore(|| {
        let tracker = leased();
        let fetched = tracker.begin(NOW).unwrap();
        let first = tracker.admit(fetched, &["a"]).unwrap();
        let sweeper = with(&tracker, |tracker| {
            tracker.sweep();
        });
        let dropper = thread::spawn(move || drop(first));
        let seal = tracker.admit(fetched, &["a"]).unwrap();
        sweeper.join().unwrap();
        dropper.join().unwrap();
        assert!(seal.is_current(&tracker, NOW));
        assert_eq!(tracker.invalidate(&["a"]), 1);
        assert!(!seal.is_current(&tracker, NOW));
    });
}

/// Reads the database and seals what it says.
fn fetch(tracker: &Tracker, database: &AtomicU64) -> (u64, Option<Seal>) {
    let Some(fetched) = tracker.begin(NOW) else { return (0, None) };
    let read = database.load(Ordering::Relaxed);
    (read, tracker.admit(fetched, &["a"]))
}

fn assert_current_is(value: u64, tracker: &Tracker, (read, seal): (u64, Option<Seal>)) {
    assert!(read == value || !seal.is_some_and(|seal| seal.is_current(tracker, NOW)));
}

#[test]
fn what_is_current_was_read_after_the_write() {
    explore(|| {
        let tracker = leased();
        let database = Arc::new(AtomicU64::new(0));
        let written = Arc::clone(&database);
        let writer = with(&tracker, move |tracker| {
            written.store(1, Ordering::Relaxed);
            tracker.invalidate(&["a"]);
        });
        let sealed = fetch(&tracker, &database);
        writer.join().unwrap();
        assert_current_is(1, &tracker, sealed);
    });
}

#[test]
fn after_the_acknowledgement_nobody_answers_with_what_was_before() {
    explore(|| {
        let tracker = leased();
        let seal = tracker.admit(tracker.begin(NOW).unwrap(), &["a", "b"]).unwrap();
        let acknowledged = Arc::new(AtomicBool::new(false));
        let acknowledge = Arc::clone(&acknowledged);
        let writer = with(&tracker, move |tracker| {
            assert_eq!(tracker.invalidate(&["b"]), 1);
            acknowledge.store(true, Ordering::Release);
        });
        let must_see = acknowledged.load(Ordering::Acquire);
        assert!(!(must_see && seal.is_current(&tracker, NOW)));
        writer.join().unwrap();
    });
}

/// A write that this edge is not told of, since it has no session, is acknowledged between two sessions.
fn between_sessions(again: impl Fn(&Tracker) + Copy + Send + Sync + 'static, now: Instant) {
    explore(move || {
        let tracker = leased();
        let seal = tracker.admit(tracker.begin(NOW).unwrap(), &["a"]).unwrap();
        let acknowledged = Arc::new(AtomicBool::new(false));
        let acknowledge = Arc::clone(&acknowledged);
        let edge = with(&tracker, move |tracker| {
            tracker.lose();
            acknowledge.store(true, Ordering::Release);
            again(tracker);
        });
        let must_see = acknowledged.load(Ordering::Acquire);
        assert!(!(must_see && seal.is_current(&tracker, now)));
        edge.join().unwrap();
        assert!(tracker.may_answer(now));
        assert!(!seal.is_current(&tracker, now));
    });
}

#[test]
fn a_new_lease_brings_its_floor() {
    between_sessions(|tracker| tracker.grant(UNTIL), NOW);
}

#[test]
fn an_extension_brings_the_floor_of_its_grant() {
    let again = |tracker: &Tracker| {
        tracker.grant(UNTIL);
        tracker.extend(LATER);
    };
    between_sessions(again, UNTIL);
}

#[test]
fn a_fetch_across_two_sessions_is_not_current() {
    explore(|| {
        let tracker = leased();
        let database = Arc::new(AtomicU64::new(0));
        let written = Arc::clone(&database);
        let edge = with(&tracker, move |tracker| {
            tracker.lose();
            written.store(1, Ordering::Relaxed);
            tracker.grant(UNTIL);
        });
        let sealed = fetch(&tracker, &database);
        edge.join().unwrap();
        assert_current_is(1, &tracker, sealed);
    });
}

#[test]
fn a_fetch_amid_a_write_a_change_of_sessions_and_a_sweep_is_current_only_if_it_is_new() {
    explore_within(Some(4), || {
        let tracker = leased();
        let database = Arc::new(AtomicU64::new(0));
        let written = Arc::clone(&database);
        let edge = with(&tracker, move |tracker| {
            tracker.sweep();
            tracker.lose();
            tracker.grant(UNTIL);
        });
        let writer = with(&tracker, move |tracker| {
            written.store(1, Ordering::Relaxed);
            tracker.invalidate(&["a"]);
        });
        let sealed = fetch(&tracker, &database);
        edge.join().unwrap();
        writer.join().unwrap();
        assert_current_is(1, &tracker, sealed);
    });
}

#[test]
fn who_came_after_the_acknowledgement_does_not_share_what_was_fetched_before() {
    explore(|| {
        let tracker = leased();
        let fetched = tracker.begin(NOW).unwrap();
        let acknowledged = Arc::new(AtomicBool::new(false));
        let acknowledge = Arc::clone(&acknowledged);
        let writer = with(&tracker, move |tracker| {
            tracker.invalidate(&["a"]);
            acknowledge.store(true, Ordering::Release);
        });
        let sweeper = with(&tracker, |tracker| {
            tracker.sweep();
        });
        let must_see = acknowledged.load(Ordering::Acquire);
        let joined = tracker.begin(NOW).unwrap();
        assert!(!(must_see && tracker.may_share(fetched, joined, &["a"])));
        writer.join().unwrap();
        sweeper.join().unwrap();
    });
}

#[test]
fn who_came_after_a_gap_in_the_lease_does_not_share_what_was_fetched_before() {
    explore(|| {
        let tracker = leased();
        let fetched = tracker.begin(NOW).unwrap();
        let acknowledged = Arc::new(AtomicBool::new(false));
        let acknowledge = Arc::clone(&acknowledged);
        let edge = with(&tracker, move |tracker| {
            tracker.lose();
            acknowledge.store(true, Ordering::Release);
            tracker.grant(UNTIL);
        });
        let must_see = acknowledged.load(Ordering::Acquire);
        let shares = tracker.begin(NOW).is_some_and(|joined| tracker.may_share(fetched, joined, &["a"]));
        assert!(!(must_see && shares));
        edge.join().unwrap();
    });
}

#[test]
fn a_lost_lease_is_not_extended() {
    explore(|| {
        let tracker = leased();
        let late = with(&tracker, |tracker| tracker.extend(LATER));
        tracker.lose();
        late.join().unwrap();
        assert!(!tracker.may_answer(NOW));
    });
}

#[test]
fn a_purge_of_everything_does_not_lower_the_floor_of_a_grant() {
    explore(|| {
        let tracker = leased();
        let purger = with(&tracker, Tracker::invalidate_all);
        let fetched = tracker.begin(NOW).unwrap();
        tracker.grant(UNTIL);
        purger.join().unwrap();
        assert!(tracker.admit(fetched, &[]).is_none());
    });
}
