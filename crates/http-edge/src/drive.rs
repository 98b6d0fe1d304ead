//! Polling a connection to its end, with the times that it is given.
//!
//! One timer serves a connection. It is set anew only when it fires too early or something shorter begins, so that a request
//! costs no operation on the timer wheel.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};

use crate::config::EdgeConfig;
use crate::state::ConnectionState;

/// An idle connection stays so long after a drain began: a request that was sent before the client could know is answered.
const DRAIN_GRACE: Duration = Duration::from_millis(500);
/// What `keep_alive_secs` becomes while nearly all connections are taken.
const CROWDED_KEEP_ALIVE: Duration = Duration::from_secs(1);

/// How long a client may keep the server waiting.
pub(crate) struct Patience {
    pub(crate) header: Duration,
    keep_alive: Duration,
    send: Duration,
    /// Nearly all connections are taken.
    pub(crate) crowded: Cell<bool>,
}

/// What a client was too slow with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// The head of a request, or the next request.
    Request,
    /// Taking what it asked for.
    Answer,
}

/// How driving a connection ended.
pub(crate) enum End<T> {
    Done(T),
    Overdue(Overdue),
    /// The client cancels what it asks for, over and over.
    Abusive,
}

/// A connection of hyper that can be asked to come to an end.
pub(crate) trait Drainable: Future {
    /// Finishes what is under way and nothing more.
    fn finish_up(self: Pin<&mut Self>);
}

impl Patience {
    pub(crate) fn new(config: &EdgeConfig) -> Self {
        Self {
            header: Duration::from_millis(config.header_timeout_ms),
            keep_alive: Duration::from_secs(config.keep_alive_secs),
            send: Duration::from_millis(config.send_timeout_ms),
            crowded: Cell::new(false),
        }
    }

    /// When the client is overdue if nothing happens before.
    fn due(&self, state: &ConnectionState) -> Option<(Instant, Overdue)> {
        if let Some(blocked) = state.blocked.get(state) {
            return Some((blocked + self.send, Overdue::Answer));
        }
        if let Some(head) = state.head.get(state) {
            // The first head counts from when the connection was made.
            let since = if state.served() == 0 { state.idle.get(state).unwrap_or(head) } else { head };
            return Some((since + self.header, Overdue::Request));
        }
        let idle = state.idle.get(state)?;
        let most = if state.draining.load(Relaxed) {
            DRAIN_GRACE.min(self.keep_alive)
        } else if self.crowded.get() {
            CROWDED_KEEP_ALIVE.min(self.keep_alive)
        } else {
            self.keep_alive
        };
        let most = if state.served() == 0 { most.min(self.header) } else { most };
        Some((idle + most, Overdue::Request))
    }
}

/// Drives `connection` until it is done or its client overdue. When `when_busy`, a drain waits for a request whose answer can
/// still say that it is the last before it asks the connection to finish (see [`Drainable`]); else it asks at once.
pub(crate) async fn drive<C: Drainable + Unpin>(
    connection: &mut C,
    state: &ConnectionState,
    patience: &Patience,
    when_busy: bool,
    max_requests: u64,
) -> End<C::Output> {
    let mut timer = Timer { sleep: None };
    let mut told = false;
    poll_fn(|cx| {
        state.task.register(cx.waker());
        if let Poll::Ready(output) = Pin::new(&mut *connection).poll(cx) {
            return Poll::Ready(End::Done(output));
        }
        let finish = state.draining.load(Relaxed) && (!when_busy || state.owes_head());
        let enough = max_requests > 0 && state.served() >= max_requests;
        if !told && (finish || enough) {
            told = true;
            Pin::new(&mut *connection).finish_up();
            if let Poll::Ready(output) = Pin::new(&mut *connection).poll(cx) {
                return Poll::Ready(End::Done(output));
            }
        }
        if state.cancels_too_much() {
            return Poll::Ready(End::Abusive);
        }
        match patience.due(state) {
            Some((at, overdue)) if timer.reached(at, cx) => Poll::Ready(End::Overdue(overdue)),
            _ => Poll::Pending,
        }
    })
    .await
}

struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Whether the time has come; else the task is woken then, or earlier.
    fn reached(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at.into())));
        if at < sleep.deadline().into_std() {
            sleep.as_mut().reset(at.into());
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline().into_std() >= at {
                return true;
            }
            sleep.as_mut().reset(at.into());
        }
        false
    }
}
