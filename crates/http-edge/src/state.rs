//! What the parts of one connection know of each other: the guard in front of the parser, the service behind it, the task
//! that drives both, and the handles that a handler keeps.
//!
//! All of them run on one worker thread, but hyper asks for `Send` of an IO object that may become a tunnel, and a handle for
//! informational answers is called from callbacks that must be `Send + Sync`. Hence atomics, which nobody contends for, and one
//! mutex around bytes that most connections never have.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

use crate::informational::Queue;

/// So many requests may always be cancelled on a connection; beyond, no more than half. A browser whose user is in a hurry stays
/// below, a client that makes the upstreams work for nothing (rapid reset) does not.
const MANY_CANCELLED: u64 = 200;

/// The state of one connection.
pub(crate) struct ConnectionState {
    /// Times below are counted from here.
    epoch: Instant,
    /// Wakes the task that drives the connection.
    pub(crate) task: AtomicWaker,
    /// Exchanges between "the head was passed to the parser" and "the answer's body was dropped".
    open: AtomicU32,
    /// Requests that reached the handler.
    served: AtomicU64,
    /// Those of them that went away without an answer.
    cancelled: AtomicU64,
    /// The guard keeps bytes of a next request until the exchange in flight is over.
    pub(crate) withheld: AtomicBool,
    /// The request in flight asked for `100 (Continue)`, which hyper sends when its body is read.
    pub(crate) expects_continue: AtomicBool,
    /// The request in flight offers to leave HTTP/1.1.
    pub(crate) offers_upgrade: AtomicBool,
    /// The answer to it is 101.
    pub(crate) switched: AtomicBool,
    /// The 101 was sent: what comes now is another protocol.
    pub(crate) tunnel: AtomicBool,
    /// HTTP/1.1 has ended without a tunnel; who waits for one gets nothing.
    pub(crate) over: AtomicBool,
    /// The body in flight broke the framing rules: where the next request would begin is unknown.
    pub(crate) body_refused: AtomicBool,
    /// Only the end of the connection ends the answer in flight (RFC 9112 §6.3, the last rule), so a cut must not look like one.
    pub(crate) ends_by_close: AtomicBool,
    /// An answer had something to say of the connection; hyper may be about to end it.
    pub(crate) has_spoken: AtomicBool,
    /// The server is going down: answers say `Connection: close`.
    pub(crate) draining: AtomicBool,
    /// The final answer of the exchange with this number has begun; nothing informational may follow.
    answered: AtomicU64,
    pub(crate) idle: Since,
    pub(crate) head: Since,
    pub(crate) blocked: Since,
    pub(crate) has_informational: AtomicBool,
    pub(crate) informational: Mutex<Queue>,
}

/// When a condition began to hold, if it does.
#[derive(Default)]
pub(crate) struct Since(AtomicU64);

impl Since {
    /// Begins at `now` unless it holds already.
    pub(crate) fn begin(&self, state: &ConnectionState) {
        if self.0.load(Relaxed) == 0 {
            self.restart(state);
        }
    }

    /// Begins at `now`.
    pub(crate) fn restart(&self, state: &ConnectionState) {
        let nanos = u64::try_from(state.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.store(nanos.max(1), Relaxed);
    }

    /// Begins anew at `now` where it holds.
    pub(crate) fn move_up(&self, state: &ConnectionState) {
        if self.0.load(Relaxed) != 0 {
            self.restart(state);
        }
    }

    pub(crate) fn end(&self) {
        self.0.store(0, Relaxed);
    }

    pub(crate) fn get(&self, state: &ConnectionState) -> Option<Instant> {
        let nanos = self.0.load(Relaxed);
        (nanos != 0).then(|| state.epoch + Duration::from_nanos(nanos))
    }
}

impl ConnectionState {
    pub(crate) fn new() -> Self {
        let state = Self {
            epoch: Instant::now(),
            task: AtomicWaker::new(),
            open: AtomicU32::new(0),
            served: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            withheld: AtomicBool::new(false),
            expects_continue: AtomicBool::new(false),
            offers_upgrade: AtomicBool::new(false),
            switched: AtomicBool::new(false),
            tunnel: AtomicBool::new(false),
            over: AtomicBool::new(false),
            body_refused: AtomicBool::new(false),
            ends_by_close: AtomicBool::new(false),
            has_spoken: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            idle: Since::default(),
            head: Since::default(),
            blocked: Since::default(),
            has_informational: AtomicBool::new(false),
            informational: Mutex::new(Queue::default()),
        };
        state.idle.restart(&state);
        state
    }

    pub(crate) fn in_flight(&self) -> bool {
        self.open.load(Relaxed) > 0
    }

    /// One exchange more.
    pub(crate) fn begin(&self) {
        self.idle.end();
        self.head.end();
        self.open.fetch_add(1, Relaxed);
    }

    /// One exchange less; the guard may pass what it kept.
    pub(crate) fn finish(&self) {
        if self.open.fetch_sub(1, Relaxed) == 1 {
            self.idle.restart(self);
            if self.withheld.swap(false, Relaxed) {
                self.task.wake();
            }
        }
    }

    /// The number of a request that now reaches the handler, from 1.
    pub(crate) fn count(&self) -> u64 {
        self.served.fetch_add(1, Relaxed) + 1
    }

    /// One request went away without an answer.
    pub(crate) fn cancel(&self) {
        self.cancelled.fetch_add(1, Relaxed);
    }

    /// Whether the client cancels so much of what it asks for that it can only mean harm.
    pub(crate) fn cancels_too_much(&self) -> bool {
        let cancelled = self.cancelled.load(Relaxed);
        cancelled >= MANY_CANCELLED && cancelled * 2 > self.served()
    }

    /// Requests that reached the handler so far.
    pub(crate) fn served(&self) -> u64 {
        self.served.load(Relaxed)
    }

    /// Whether the answer to exchange `number` is the last on its connection; `most` of 0 sets no bound.
    pub(crate) fn is_last(&self, number: u64, most: u64) -> bool {
        (most > 0 && number >= most) || self.draining.load(Relaxed) || self.body_refused.load(Relaxed)
    }

    /// The final answer of exchange `number` is known.
    pub(crate) fn answer(&self, number: u64) {
        self.answered.store(number, Relaxed);
    }

    /// Whether the head of an answer is still to come, and with it the word that it is the last. Where it is out already, the
    /// client may have sent its next request in good faith.
    pub(crate) fn owes_head(&self) -> bool {
        self.in_flight() && self.answered.load(Relaxed) < self.served()
    }

    /// Whether exchange `number` is the one in flight on an HTTP/1.1 connection and still without its final answer.
    pub(crate) fn awaits_answer(&self, number: u64) -> bool {
        self.in_flight() && self.served() == number && self.answered.load(Relaxed) < number
    }
}
