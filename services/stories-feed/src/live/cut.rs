//! How a socket's conversation is ended from outside, even while it waits for its client.

use std::sync::OnceLock;

use tokio::sync::Notify;

/// Why a conversation is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// More is waiting for the client than is kept for it.
    Slow,
    /// The person does not belong to the gym any more, or may not sign in.
    NotAMember,
    /// This process ends, or the room has lost its way.
    Restart,
}

/// Set once; the first reason stands.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    end: OnceLock<End>,
    bell: Notify,
}

impl Cut {
    /// Ends the conversation. Whether this was the first reason.
    pub(crate) fn set(&self, end: End) -> bool {
        let is_first = self.end.set(end).is_ok();
        // Kept for the one who waits, should it not wait yet.
        self.bell.notify_one();
        is_first
    }

    /// Waits until it is to end. For one waiter.
    pub(crate) async fn made(&self) -> End {
        loop {
            if let Some(end) = self.end.get() {
                return *end;
            }
            self.bell.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_reason_stands_whether_it_was_waited_for_or_not() {
        let cut = Cut::default();
        assert!(cut.set(End::Slow) && !cut.set(End::Restart));
        assert_eq!((cut.made().await, cut.made().await), (End::Slow, End::Slow));
    }
}
