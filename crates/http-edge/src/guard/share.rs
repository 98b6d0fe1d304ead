//! One connection's share of its worker: so many bytes, then it is the others' turn.
//!
//! A client with a fast line can always send more; without a bound its connection would be served as long as it does.

use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};

use crate::state::ConnectionState;

/// What passes in one turn, both ways together: some tens of microseconds' work.
const BYTES_IN_A_TURN: usize = 64 * 1024;

/// What a connection has had of its turn.
#[derive(Debug, Default)]
pub(super) struct Share {
    spent: usize,
    pause: Option<Arc<Pause>>,
}

/// From the end of a turn until the worker has looked who else has sent something. Tasks that wake one another, as those of a body on its way
/// do, would keep it from that for sixty-one turns, and being woken says nothing about it; so the end is noted here.
#[derive(Debug)]
struct Pause {
    over: AtomicBool,
    task: Waker,
}

impl Wake for Pause {
    fn wake(self: Arc<Self>) {
        self.over.store(true, Relaxed);
        self.task.wake_by_ref();
    }
}

impl Share {
    /// The bytes that are left of this turn, of which there is at least one; else the task is woken for its next turn, behind those that wait
    /// and those who have sent something meanwhile.
    pub(super) fn poll(&mut self, state: &ConnectionState, cx: &Context<'_>) -> Poll<usize> {
        // A tunnel is no longer driven by turns; the one who joins it with the other side is.
        if state.tunnel.load(Relaxed) {
            return Poll::Ready(usize::MAX);
        }
        if let Some(pause) = &self.pause {
            if !pause.over.load(Relaxed) {
                return Poll::Pending;
            }
            *self = Self::default();
        }
        if self.spent < BYTES_IN_A_TURN {
            return Poll::Ready(BYTES_IN_A_TURN - self.spent);
        }
        let pause = Arc::new(Pause { over: AtomicBool::new(false), task: cx.waker().clone() });
        self.pause = Some(Arc::clone(&pause));
        // Threads of others that wait for this processor, of an upstream perhaps, go first as well.
        std::thread::yield_now();
        // The runtime wakes who yields only after it has looked.
        let yielded = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&Waker::from(pause)));
        yielded.map(|()| BYTES_IN_A_TURN)
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.spent = self.spent.saturating_add(bytes);
    }

    /// Notes what was written.
    pub(super) fn note(&mut self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(bytes)) => self.spend(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.rest(),
        }
    }

    /// The connection waits for its client: that is the end of a turn, too.
    pub(super) fn rest(&mut self) {
        self.spent = 0;
    }
}
