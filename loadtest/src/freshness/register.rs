//! What one writer at a time changes, and what of it a read may show: the state that was acknowledged last before the read began, and
//! every one that was asked for after that and before it ended.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No read takes longer: what was over before that is forgotten.
const LONGEST_READ: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
struct Step<T> {
    sent: Instant,
    /// None while it is not known whether it was done.
    acknowledged: Option<Instant>,
    value: T,
    number: u64,
}

#[derive(Debug)]
struct History<T> {
    steps: VecDeque<Step<T>>,
    next: u64,
    /// Nobody writes before: a request that was given up may still arrive.
    rests_until: Option<Instant>,
}

/// A state with its history.
#[derive(Debug)]
pub(crate) struct Register<T> {
    history: Mutex<History<T>>,
    busy: AtomicBool,
}

/// A change that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent(u64);

impl<T: Copy + PartialEq> Register<T> {
    /// In this state since before everything.
    pub(crate) fn new(value: T) -> Self {
        let now = Instant::now();
        let first = Step { sent: now, acknowledged: Some(now), value, number: 0 };
        let history = History { steps: VecDeque::from([first]), next: 1, rests_until: None };
        Self { history: Mutex::new(history), busy: AtomicBool::new(false) }
    }

    fn with<R>(&self, what: impl FnOnce(&mut History<T>) -> R) -> R {
        what(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes it for writing; false while another has it, and while what became of a write may still show.
    pub(crate) fn take(&self) -> bool {
        let rests = self.with(|history| history.rests_until.is_some_and(|until| Instant::now() < until));
        !rests && self.busy.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(crate) fn give_back(&self) {
        self.busy.store(false, Ordering::SeqCst);
    }

    /// A change to this state leaves now.
    pub(crate) fn send(&self, value: T, at: Instant) -> Sent {
        self.with(|history| {
            // All before the last that was acknowledged long ago.
            let old = |step: &Step<T>| step.acknowledged.is_some_and(|then| then + LONGEST_READ < at);
            if let Some(last) = history.steps.iter().rposition(old) {
                history.steps.drain(..last);
            }
            let number = history.next;
            history.next += 1;
            history.steps.push_back(Step { sent: at, acknowledged: None, value, number });
            Sent(number)
        })
    }

    /// It was done.
    pub(crate) fn acknowledge(&self, sent: Sent, at: Instant) {
        self.with(|history| {
            if let Some(step) = history.steps.iter_mut().find(|step| step.number == sent.0) {
                step.acknowledged = Some(at);
            }
        });
    }

    /// It was not done, and will not be.
    pub(crate) fn withdraw(&self, sent: Sent) {
        self.with(|history| history.steps.retain(|step| step.number != sent.0));
    }

    /// Nobody knows whether it was done or will be: nobody writes for so long.
    pub(crate) fn rest(&self, time: Duration) {
        self.with(|history| history.rests_until = Some(Instant::now() + time));
    }

    /// What a read from `began` to `ended` may show.
    pub(crate) fn possible(&self, began: Instant, ended: Instant) -> Possible<T> {
        self.with(|history| {
            let known = |step: &Step<T>| step.acknowledged.is_some_and(|acknowledged| acknowledged <= began);
            let floor = history.steps.iter().rposition(known).unwrap_or(0);
            let later = history.steps.iter().enumerate().skip(floor);
            let states = later.filter(|(place, step)| *place == floor || step.sent <= ended);
            Possible(states.map(|(_, step)| step.value).collect())
        })
    }

    /// The only state that any read may show from now on, where nothing was asked for in a long time.
    pub(crate) fn settled(&self, now: Instant) -> Option<T> {
        self.with(|history| {
            let last = history.steps.back()?;
            let long_ago = last.acknowledged.is_some_and(|then| then + LONGEST_READ < now);
            long_ago.then_some(last.value)
        })
    }

    /// The state that was acknowledged last.
    pub(crate) fn latest(&self) -> Option<T> {
        self.with(|history| {
            let acknowledged = history.steps.iter().rev().find(|step| step.acknowledged.is_some());
            acknowledged.map(|step| step.value)
        })
    }
}

/// States that a read may show: at least one.
#[derive(Clone, Debug)]
pub(crate) struct Possible<T>(Vec<T>);

impl<T: Copy + PartialEq> Possible<T> {
    pub(crate) fn has(&self, value: T) -> bool {
        self.0.contains(&value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = T> + Clone {
        self.0.iter().copied()
    }

    pub(crate) fn is_surely(&self, value: T) -> bool {
        self.0.iter().all(|one| *one == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(register: &Register<u8>, began: Instant, ended: Instant) -> Vec<u8> {
        register.possible(began, ended).iter().collect()
    }

    #[test]
    fn a_read_may_show_what_was_acknowledged_before_it_and_what_was_sent_before_its_end() {
        let register = Register::new(0);
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let one = register.send(1, at(10));
        register.acknowledge(one, at(20));
        let two = register.send(2, at(30));
        register.acknowledge(two, at(40));
        assert_eq!(states(&register, at(0), at(5)), [0]);
        assert_eq!(states(&register, at(0), at(15)), [0, 1]);
        assert_eq!(states(&register, at(20), at(25)), [1]);
        assert_eq!(states(&register, at(25), at(35)), [1, 2]);
        assert_eq!(states(&register, at(40), at(90)), [2]);
    }

    #[test]
    fn what_may_have_been_done_may_show_until_something_later_is_acknowledged() {
        let register = Register::new(0);
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        register.send(1, at(10));
        assert_eq!(states(&register, at(50), at(60)), [0, 1]);
        let two = register.send(2, at(70));
        register.acknowledge(two, at(80));
        assert_eq!(states(&register, at(80), at(90)), [2]);
        assert_eq!(register.latest(), Some(2));
    }

    #[test]
    fn what_was_refused_never_shows() {
        let register = Register::new(0);
        let now = Instant::now();
        let sent = register.send(1, now);
        register.withdraw(sent);
        assert_eq!(states(&register, now, now), [0]);
    }

    #[test]
    fn what_was_acknowledged_long_ago_is_settled_until_something_else_is_asked_for() {
        let register = Register::new(0);
        let start = Instant::now();
        let sent = register.send(1, start);
        assert_eq!(register.settled(start + 2 * LONGEST_READ), None, "its end is not known");
        register.acknowledge(sent, start);
        assert_eq!(register.settled(start + LONGEST_READ), None);
        assert_eq!(register.settled(start + 2 * LONGEST_READ), Some(1));
        register.send(2, start + 2 * LONGEST_READ);
        assert_eq!(register.settled(start + 4 * LONGEST_READ), None);
    }

    #[test]
    fn one_writer_at_a_time_and_none_while_the_end_of_a_write_is_open() {
        let register = Register::new(0);
        assert!(register.take() && !register.take());
        register.rest(Duration::from_secs(60));
        register.give_back();
        assert!(!register.take());
    }
}
