//! One writer at a time for each upload, within this process: who comes later asks who is there to stop, and waits for it.
//!
//! Between processes the epoch in the database does the same (`store::uploads`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use problem::Problem;
use service_error::ServiceError;
use tokio::sync::{OwnedMutexGuard, watch};
use uuid::Uuid;

use crate::problems;

/// How long the writer that is there may take to make durable what it has. A disk that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(20);

/// The uploads that somebody writes to, or waits to.
#[derive(Clone, Default)]
pub(super) struct Writers(Arc<Mutex<HashMap<Uuid, Weak<Slot>>>>);

struct Slot {
    /// Held by the writer.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// How many have asked for the turn so far. A writer that sees more than when it came stops.
    asked: watch::Sender<u64>,
}

/// The right to write to an upload; free again when dropped.
pub(super) struct Turn {
    slot: Arc<Slot>,
    _held: OwnedMutexGuard<()>,
    came: u64,
}

impl Writers {
    /// Becomes the upload's writer, after the one that is there has stopped.
    ///
    /// # Errors
    /// `upload_taken_over` when it does not stop in time, or somebody else asks meanwhile.
    pub(super) async fn enter(&self, upload: Uuid) -> Result<Turn, ServiceError> {
        let slot = self.slot(upload);
        let mut came = 0;
        slot.asked.send_modify(|asked| {
            *asked += 1;
            came = *asked;
        });
        let held = tokio::time::timeout(PATIENCE, Arc::clone(&slot.turn).lock_owned()).await;
        let turn = match held {
            Ok(held) => Turn { slot, _held: held, came },
            Err(_) => return Err(taken_over()),
        };
        if turn.is_wanted() { Err(taken_over()) } else { Ok(turn) }
    }

    /// Asks the writer that is there, if any, to stop, and waits for it, but not for ever.
    pub(super) async fn release(&self, upload: Uuid) {
        let Some(slot) = self.slots().get(&upload).and_then(Weak::upgrade) else { return };
        slot.asked.send_modify(|asked| *asked += 1);
        // A writer that is slow to stop changes nothing for who only wants to know how far it is: what is durable is known.
        let _ = tokio::time::timeout(PATIENCE, slot.turn.lock()).await;
    }

    fn slot(&self, upload: Uuid) -> Arc<Slot> {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(&upload).and_then(Weak::upgrade) {
            return slot;
        }
        // The rare moment at which an upload comes anew is the moment to forget those that nobody writes to any more.
        slots.retain(|_, slot| slot.strong_count() > 0);
        let slot = Arc::new(Slot { turn: Arc::default(), asked: watch::Sender::new(0) });
        slots.insert(upload, Arc::downgrade(&slot));
        slot
    }

    /// Every change leaves the map whole, so poison is ignored.
    fn slots(&self) -> MutexGuard<'_, HashMap<Uuid, Weak<Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Whether somebody else wants to write.
    pub(super) fn is_wanted(&self) -> bool {
        *self.slot.asked.borrow() > self.came
    }

    /// Ends when somebody else wants to write.
    pub(super) fn wanted(&self) -> impl Future<Output = ()> + use<> {
        let (mut asked, came) = (self.slot.asked.subscribe(), self.came);
        async move {
            // A sender that is gone is a turn that has ended: there is nobody left to stop.
            if asked.wait_for(|asked| *asked > came).await.is_err() {
                std::future::pending().await
            }
        }
    }
}

/// Another request goes on with the upload.
pub(super) fn taken_over() -> ServiceError {
    Problem::new(&problems::UPLOAD_TAKEN_OVER).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_later_gets_the_turn_and_who_was_there_hears_of_it() {
        let writers = Writers::default();
        let upload = Uuid::from_u128(1);
        let first = writers.enter(upload).await.unwrap();
        assert!(!first.is_wanted());
        let second = tokio::spawn({
            let writers = writers.clone();
            async move { writers.enter(upload).await.map(|turn| turn.came) }
        });
        first.wanted().await;
        assert!(first.is_wanted());
        drop(first);
        assert_eq!(second.await.unwrap().ok(), Some(2));
        assert!(writers.slots().get(&upload).unwrap().upgrade().is_none(), "nobody writes any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_does_not_stop_keeps_its_turn() {
        let writers = Writers::default();
        let upload = Uuid::from_u128(1);
        let _first = writers.enter(upload).await.unwrap();
        assert_eq!(writers.enter(upload).await.err().unwrap().code(), "upload_taken_over");
        writers.release(upload).await;
        writers.release(Uuid::from_u128(2)).await;
    }
}
