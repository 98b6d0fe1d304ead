//! The thread that looks at the others while they poll.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::stack::Frozen;
use crate::strict;
use crate::thread::{self, Slot, UnderWay};

/// How often it looks. A stack can be taken this much after a poll became too long; more often would cost more than it tells.
const PERIOD: Duration = Duration::from_millis(4);
/// From this age on a poll is accounted for; nearly all are shorter.
const NOTEWORTHY: Duration = Duration::from_millis(1);
/// Stacks taken in a minute at most: a program that stalls all the time must not be slowed down by being looked at.
const MAX_STACKS_PER_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_mins(1);
/// A thread that runs, or goes on while it is looked at, is looked at again so often.
const MAX_TRIES: u32 = 8;

/// Starts the thread, once for the process. Where that fails, stalls have neither kind nor stack.
pub(crate) fn ensure_running() {
    static RUNNING: OnceLock<bool> = OnceLock::new();
    RUNNING.get_or_init(|| std::thread::Builder::new().name("stall-watch".to_owned()).spawn(watch).is_ok());
}

fn watch() {
    let mut allowance = Allowance::new();
    loop {
        // It has nothing to be woken for, and a wake-up for nothing only means one look more.
        std::thread::park_timeout(PERIOD);
        thread::living(|slot| look(slot, &mut allowance));
    }
}

fn look(slot: &Slot, allowance: &mut Allowance) {
    let Some(poll) = slot.under_way().filter(|poll| poll.age >= NOTEWORTHY) else { return };
    let mut seen = slot.seen();
    if seen.turn != poll.turn {
        *seen = thread::Seen { turn: poll.turn, ..thread::Seen::default() };
        seen.since = Account::of(slot.directory());
    }
    // Where it waits says more than where it runs.
    let waits = seen.stack.as_ref().is_some_and(|stack| stack.at.is_some());
    if poll.age < poll.limit || waits || seen.tries >= MAX_TRIES || (seen.tries == 0 && !allowance.take()) {
        return;
    }
    seen.tries += 1;
    if let Some(frozen) = freeze(slot, poll) {
        seen.spans = slot.spans.names();
        seen.stack = Some(frozen);
    }
}

fn freeze(slot: &Slot, poll: UnderWay) -> Option<Frozen> {
    let frozen = Frozen::of(slot.directory(), poll.frame);
    // What was read is of this poll only if it is not over.
    frozen.filter(|_| slot.under_way().is_some_and(|now| now.turn == poll.turn))
}

/// How many stacks may still be taken.
#[derive(Debug)]
struct Allowance {
    since: Instant,
    taken: u32,
}

impl Allowance {
    fn new() -> Self {
        Self { since: Instant::now(), taken: 0 }
    }

    fn take(&mut self) -> bool {
        if self.since.elapsed() >= MINUTE {
            *self = Self::new();
        }
        let granted = self.taken < MAX_STACKS_PER_MINUTE || strict::is_on();
        self.taken = self.taken.saturating_add(u32::from(granted));
        granted
    }
}
