//! What the sender of a request can see of its body while hyper owns it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use telemetry::request::{Entered, Part, RequestStats};
use tokio::time::Instant;

use super::BodyFault;

/// How far a request body has come.
#[derive(Debug)]
pub(crate) struct Progress {
    last_step: Cell<Instant>,
    complete: Cell<bool>,
    waits_for_client: Cell<Option<Instant>>,
    /// Whose body it is, and the part of its account while the client is waited for.
    request: Option<Arc<RequestStats>>,
    waiting: RefCell<Option<Entered>>,
    /// Spent waiting for the client so far, the wait under way excepted.
    waited: Cell<Duration>,
    passed: Cell<u64>,
    fault: Cell<Option<BodyFault>>,
    cancelled: Cell<bool>,
    /// Who sends the body, while it waits for a piece.
    sender: RefCell<Option<Waker>>,
}

impl Progress {
    pub(super) fn new(complete: bool) -> Self {
        Self {
            last_step: Cell::new(Instant::now()),
            complete: Cell::new(complete),
            waits_for_client: Cell::new(None),
            request: if complete { None } else { telemetry::request::current() },
            waiting: RefCell::default(),
            waited: Cell::new(Duration::ZERO),
            passed: Cell::new(0),
            fault: Cell::new(None),
            cancelled: Cell::new(false),
            sender: RefCell::default(),
        }
    }

    /// Notes one look for the next piece, and whether it has to come from the client.
    pub(super) fn step(&self, pending: bool) {
        let now = Instant::now();
        self.last_step.set(now);
        if let Some(since) = self.waits_for_client.take() {
            self.waited.set(self.waited.get() + now.duration_since(since));
        }
        self.waits_for_client.set(pending.then_some(now));
        drop(self.waiting.take());
        let waiting = self.request.as_ref().filter(|_| pending).map(|request| request.enter(Part::Client));
        *self.waiting.borrow_mut() = waiting;
    }

    /// Whether the rest is not wanted any more; otherwise `cx` hears of it when that changes.
    pub(super) fn is_cancelled(&self, cx: &Context<'_>) -> bool {
        let mut sender = self.sender.borrow_mut();
        if !sender.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *sender = Some(cx.waker().clone());
        }
        self.cancelled.get()
    }

    /// Stops a body that is not complete: the exchange is over, or its answer came in place of leave to send.
    pub(crate) fn cancel(&self) {
        if !self.complete.get() {
            self.cancelled.set(true);
            if let Some(sender) = self.sender.take() {
                sender.wake();
            }
        }
    }

    pub(super) fn passed(&self, bytes: usize) -> u64 {
        let passed = self.passed.get().saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.passed.set(passed);
        passed
    }

    pub(super) fn finish(&self) {
        self.complete.set(true);
    }

    pub(super) fn fail(&self, fault: BodyFault) {
        self.fault.set(Some(fault));
    }

    /// When the last piece went on its way.
    pub(crate) fn last_step(&self) -> Instant {
        self.last_step.get()
    }

    /// Whether all of it has been passed on; only then may the connection carry another request.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.get()
    }

    /// Whether the next piece has to come from the client.
    pub(crate) fn waits_for_client(&self) -> bool {
        self.waits_for_client.get().is_some()
    }

    /// When, if nothing more comes, the client has been slower than `min_rate` bytes a second for longer than `grace`
    /// allows. `None` while the client is not waited for.
    pub(crate) fn too_slow_at(&self, min_rate: u64, grace: Duration) -> Option<Instant> {
        let since = self.waits_for_client.get()?;
        let earned = Duration::from_secs(self.passed.get().checked_div(min_rate).unwrap_or(u64::MAX / 2));
        let allowance = grace.saturating_add(earned).saturating_sub(self.waited.get());
        since.checked_add(allowance)
    }

    pub(crate) fn fault(&self) -> Option<BodyFault> {
        self.fault.get()
    }
}

/// Leave to send a body whose client waits for `100 Continue`: given when the upstream says so (RFC 9110 §10.1.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Permission(Arc<Given>);

#[derive(Debug, Default)]
struct Given {
    given: AtomicBool,
    waker: AtomicWaker,
}

impl Permission {
    pub(crate) fn give(&self) {
        self.0.given.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    pub(crate) fn is_given(&self) -> bool {
        self.0.given.load(Ordering::Acquire)
    }

    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        self.0.waker.register(cx.waker());
        if self.is_given() { Poll::Ready(()) } else { Poll::Pending }
    }
}
