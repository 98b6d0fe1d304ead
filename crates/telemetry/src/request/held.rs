//! Threads that were held by a poll, as those notice it that were ready meanwhile.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How soon after its thread is free again whoever was ready meanwhile has been polled.
const SOON: Duration = Duration::from_millis(10);

/// From when until when a thread was held.
pub(super) type Hold = (Instant, Instant);

thread_local! {
    static LAST: Cell<Option<Hold>> = const { Cell::new(None) };
}

/// Says that a poll, whosever it was, has held the calling thread until now, for so long. A request of the same thread whose
/// wait ends right after that was late for as long: nobody polled it.
pub fn thread_was_held(took: Duration) {
    let now = Instant::now();
    // At the end of a thread there is nobody left to be late.
    let _ = LAST.try_with(|last| last.set(now.checked_sub(took).map(|from| (from, now))));
}

/// From when until when the calling thread was held, if it is free again only just now.
pub(super) fn until_just(now: Instant) -> Option<Hold> {
    let hold = LAST.try_with(Cell::get).ok()??;
    (now.saturating_duration_since(hold.1) <= SOON).then_some(hold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_is_of_its_thread_and_soon_forgotten() {
        thread_was_held(Duration::from_millis(30));
        let now = Instant::now();
        let (from, to) = until_just(now).unwrap();
        assert!(to - from == Duration::from_millis(30) && to <= now);
        assert_eq!(until_just(now + SOON * 2), None);
        assert_eq!(std::thread::spawn(move || until_just(now)).join().unwrap(), None);
    }
}
