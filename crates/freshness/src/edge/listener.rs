//! The half of an edge that applies what it is told.

use std::time::SystemTime;

use broadcast::{Message, Subscription};
use futures_util::StreamExt as _;

use crate::edge::Edge;
use crate::edge::message::{Invalidation, PurgeOrder, borrowed};

impl Edge {
    /// Ends when the connection to NATS is closed for good.
    pub(super) async fn listen(&self, mut invalidations: Subscription, mut purges: Subscription) {
        loop {
            tokio::select! {
                message = invalidations.next() => match message {
                    Some(message) => self.on_invalidation(message).await,
                    None => return,
                },
                message = purges.next() => match message {
                    Some(message) => self.on_purge(message).await,
                    None => return,
                },
            }
        }
    }

    async fn on_invalidation(&self, message: Message) {
        match serde_json::from_slice::<Invalidation>(&message.payload) {
            Ok(invalidation) => {
                let groups = borrowed(&invalidation.groups);
                let known = self.tracker.invalidate(&groups);
                self.confirm(&message).await;
                self.observer.invalidated(&groups, known, invalidation.age(SystemTime::now()));
            }
            // It is not known what changed: everything may have. Unconfirmed, since the writer meant something else; it
            // revokes the session and a new one begins.
            Err(error) => self.forget_everything(&error),
        }
    }

    async fn on_purge(&self, message: Message) {
        match serde_json::from_slice::<PurgeOrder>(&message.payload) {
            Ok(PurgeOrder::Groups(groups)) => {
                self.tracker.invalidate(&borrowed(&groups));
                self.confirm(&message).await;
                self.observer.purged(Some(groups.len()));
            }
            Ok(PurgeOrder::All) => {
                self.tracker.invalidate_all();
                self.confirm(&message).await;
                self.observer.purged(None);
            }
            Err(error) => self.forget_everything(&error),
        }
    }

    fn forget_everything(&self, error: &serde_json::Error) {
        self.tracker.invalidate_all();
        self.observer.unreadable();
        tracing::error!(
            error = error as &dyn std::error::Error,
            "an invalidation makes no sense: all is forgotten"
        );
    }

    /// Says that the message was applied, which it must have been.
    async fn confirm(&self, message: &Message) {
        let (Some(reply), Some(session)) = (&message.reply, self.session()) else { return };
        // Not sent, it is not heard, and the writer waits until the lease has run out: as it must be without NATS.
        if let Err(error) = self.broadcast.publish(reply, None, session.into()).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "an invalidation is not confirmed");
        }
    }
}
