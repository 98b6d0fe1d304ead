//! For tests: no poll may block, and one that does can be asked for.
//!
//! Only what a thread chose counts: it slept, or waited in the kernel for something other than a processor. A test that computes
//! for long in a debug build, on a machine that has other things to do, does not block.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::reporter;
use crate::stall::{Kind, Stall, Task};

/// Stalls that are kept at most; beyond the oldest go.
const MAX_KEPT: usize = 1000;
/// How long the names of a stack may take to be found. A debug build has many of them.
const PATIENCE: Duration = Duration::from_secs(60);

/// A wait for a lock counts from here on: its holder may have been without a processor for less, on a machine with other things to do.
const LOCK: Duration = Duration::from_millis(100);

static ON: AtomicBool = AtomicBool::new(false);
static KEPT: Mutex<VecDeque<Stall>> = Mutex::new(VecDeque::new());

/// From now on, in this process, every poll is accounted for from its beginning, and those that blocked are kept.
pub fn enable() {
    ON.store(true, Ordering::Relaxed);
}

#[inline]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// The stalls of this request in which its thread blocked; they are given out once.
#[must_use]
pub fn take_request(request_id: &str) -> Vec<Stall> {
    take(|stall| stall.request_id.as_deref() == Some(request_id))
}

/// The same of work in the background, whoever it was for.
#[must_use]
pub fn take_jobs() -> Vec<Stall> {
    take(|stall| matches!(stall.task, Task::Job(_)))
}

/// All that nobody has asked for.
#[must_use]
pub fn take_all() -> Vec<Stall> {
    take(|_| true)
}

fn take(wanted: impl Fn(&Stall) -> bool) -> Vec<Stall> {
    reporter::settle(PATIENCE);
    let mut kept = kept();
    let (taken, left): (VecDeque<_>, _) = kept.drain(..).partition(|stall| wanted(stall));
    *kept = left;
    taken.into()
}

pub(crate) fn note(stall: Stall) {
    if !is_on() || stall.kind != Kind::Blocked || !was_seen_to_wait(&stall) {
        return;
    }
    let mut kept = kept();
    if kept.len() >= MAX_KEPT {
        kept.pop_front();
    }
    kept.push_back(stall);
}

/// Whether the watchdog found the thread in the kernel. The account alone is no proof: what a hypervisor takes away from the whole
/// machine is in nobody's account, and looks like waiting.
fn was_seen_to_wait(stall: &Stall) -> bool {
    let waits_in = stall.stack.first().and_then(|frame| frame.strip_prefix("[kernel] "));
    waits_in.is_some_and(|call| !call.starts_with("futex") || stall.spent.off_cpu >= LOCK)
}

/// Whole at every step, so poison is ignored.
fn kept() -> MutexGuard<'static, VecDeque<Stall>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}
