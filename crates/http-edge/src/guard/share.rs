//! One connection's share of its worker: so many bytes, then it is the others' turn.
//!
//! A client with a fast line can always send more; without a bound its connection would be served as long as it does.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use crate::state::ConnectionState;

/// What passes in one turn, both ways together: well under a millisecond's work.
const BYTES_IN_A_TURN: usize = 256 * 1024;

/// What a connection has had of its turn.
#[derive(Debug, Default)]
pub(super) struct Share {
    turn: u64,
    spent: usize,
}

impl Share {
    /// Ready while something is left of this turn; else the task is woken for its next one, behind those that wait.
    pub(super) fn poll(&mut self, state: &ConnectionState, cx: &Context<'_>) -> Poll<()> {
        // A tunnel is no longer driven by turns; the one who joins it with the other side is.
        if state.tunnel.load(Relaxed) {
            return Poll::Ready(());
        }
        let turn = state.turn.load(Relaxed);
        if turn != self.turn {
            *self = Self { turn, spent: 0 };
        }
        if self.spent < BYTES_IN_A_TURN {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.spent = self.spent.saturating_add(bytes);
    }

    pub(super) fn note(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.spend(*bytes);
        }
    }
}
