//! Real threads: a writer, fetches and readers at once, with sweeps and changes of session between.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;

use coherence::clock::Instant;
use coherence::{Seal, Tracker};

const NOW: Instant = Instant::from_nanos(1);
const UNTIL: Instant = Instant::from_nanos(10);
const WRITES: u64 = 20_000;

#[test]
fn readers_never_see_less_than_what_was_acknowledged_before_they_came() {
    let tracker = Tracker::leased();
    tracker.grant(UNTIL);
    let (database, acknowledged) = (AtomicU64::new(0), AtomicU64::new(0));
    let cached: RwLock<Option<(u64, Seal)>> = RwLock::new(None);
    // Whether the registry lists the edge's session.
    let member = Mutex::new(true);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let at_least = acknowledged.load(Ordering::Acquire);
                    if let Some((value, seal)) = &*cached.read().unwrap()
                        && seal.is_current(&tracker, NOW)
                    {
                        assert!(*value >= at_least);
                        continue;
                    }
                    let Some(fetched) = tracker.begin(NOW) else { continue };
                    let value = database.load(Ordering::Relaxed);
                    let seal = tracker.admit(fetched, &["animals", "animals/42"]);
                    *cached.write().unwrap() = seal.map(|seal| (value, seal));
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                tracker.lose();
                *member.lock().unwrap() = false;
                tracker.sweep();
                *member.lock().unwrap() = true;
                tracker.grant(UNTIL);
                thread::yield_now();
            }
        });
        for version in 1..=WRITES {
            database.store(version, Ordering::Relaxed);
            let listed = *member.lock().unwrap();
            if listed {
                tracker.invalidate(&["animals/42"]);
            }
            acknowledged.store(version, Ordering::Release);
        }
        done.store(true, Ordering::Relaxed);
    });
    let last = cached.into_inner().unwrap();
    assert!(!last.is_some_and(|(value, seal)| seal.is_current(&tracker, NOW) && value < WRITES));
}
