//! Who sits in a room: the viewers, how each stands to everybody, and the sockets of each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use uuid::Uuid;

use super::cut::{Cut, End};
use super::told::Told;
use crate::domain::audience::Relations;

/// The room's side of a socket.
#[derive(Debug)]
pub(super) struct Listener {
    /// Its number, which no other socket of this process has.
    pub(super) number: u64,
    /// What it is to tell.
    pub(super) queue: Sender<Arc<Told>>,
    /// Ends it.
    pub(super) cut: Arc<Cut>,
}

#[derive(Debug)]
struct Viewer {
    relations: Relations,
    listeners: Vec<Listener>,
}

/// All that listen to one gym.
#[derive(Debug, Default)]
pub(super) struct Seats {
    viewers: HashMap<Uuid, Viewer>,
}

impl Seats {
    /// Whether nobody listens.
    pub(super) fn is_empty(&self) -> bool {
        self.viewers.is_empty()
    }

    /// Everybody who listens.
    pub(super) fn viewers(&self) -> impl Iterator<Item = Uuid> {
        self.viewers.keys().copied()
    }

    /// Whether this viewer listens.
    pub(super) fn has(&self, viewer: Uuid) -> bool {
        self.viewers.contains_key(&viewer)
    }

    /// Gives a viewer's socket a seat. What is known of the viewer is as new as anything said before.
    pub(super) fn take(&mut self, viewer: Uuid, relations: Relations, listener: Listener) {
        match self.viewers.entry(viewer) {
            Entry::Vacant(free) => {
                free.insert(Viewer { relations, listeners: vec![listener] });
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.relations = relations;
                known.listeners.push(listener);
            }
        }
    }

    /// Frees a seat.
    pub(super) fn leave(&mut self, viewer: Uuid, number: u64) {
        if let Entry::Occupied(mut known) = self.viewers.entry(viewer) {
            known.get_mut().listeners.retain(|listener| listener.number != number);
            if known.get().listeners.is_empty() {
                known.remove();
            }
        }
    }

    /// Takes note of how a viewer stands to everybody now; one that is no member any more is sent away.
    pub(super) fn reload(&mut self, viewer: Uuid, relations: Option<Relations>) {
        match (relations, self.viewers.get_mut(&viewer)) {
            (Some(relations), Some(known)) => known.relations = relations,
            (None, Some(_)) => {
                let gone = self.viewers.remove(&viewer);
                gone.into_iter().flat_map(|gone| gone.listeners).for_each(|listener| {
                    listener.cut.set(End::NotAMember);
                });
            }
            (_, None) => {}
        }
    }

    /// Gives an event to the sockets of all who may be told. One that has no room for it loses its seat. Returns how many did.
    pub(super) fn tell(&mut self, event: &Arc<Told>) -> u64 {
        let mut shed = 0;
        self.viewers.retain(|id, viewer| {
            if event.is_for(*id, &viewer.relations) {
                viewer.listeners.retain(|listener| match listener.queue.try_send(Arc::clone(event)) {
                    Ok(()) => true,
                    Err(TrySendError::Full(_)) => {
                        shed += u64::from(listener.cut.set(End::Slow));
                        false
                    }
                    Err(TrySendError::Closed(_)) => false,
                });
            }
            !viewer.listeners.is_empty()
        });
        shed
    }

    /// Whether each socket has room for so many more events, or is gone.
    pub(super) fn have_room(&self, events: usize) -> bool {
        let mut listeners = self.viewers.values().flat_map(|viewer| &viewer.listeners);
        listeners.all(|listener| listener.queue.capacity() >= events || listener.queue.is_closed())
    }

    /// Sends everybody away.
    pub(super) fn clear(&mut self, end: End) {
        for viewer in std::mem::take(&mut self.viewers).into_values() {
            for listener in viewer.listeners {
                listener.cut.set(end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use tokio::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::domain::position::Position;

    fn event(seq: i64) -> Arc<Told> {
        Arc::new(Told::refetch(Position { epoch: Uuid::nil(), seq }, DateTime::UNIX_EPOCH))
    }

    fn listener(number: u64) -> (Listener, Receiver<Arc<Told>>, Arc<Cut>) {
        let (queue, heard) = channel(2);
        let cut = Arc::new(Cut::default());
        (Listener { number, queue, cut: Arc::clone(&cut) }, heard, cut)
    }

    #[tokio::test]
    async fn who_does_not_keep_up_loses_the_seat_and_the_others_hear_all() {
        let mut seats = Seats::default();
        let [slow, quick] = [1, 2].map(Uuid::from_u128);
        let (sleeping, _unread, cut) = listener(1);
        seats.take(slow, Relations::default(), sleeping);
        let (listening, mut heard, _) = listener(2);
        seats.take(quick, Relations::default(), listening);
        let mut shed = Vec::new();
        for seq in 1..=4 {
            shed.push(seats.tell(&event(seq)));
            assert_eq!(heard.recv().await.map(|event| event.position.seq), Some(seq));
        }
        assert_eq!((shed, cut.made().await, seats.has(slow)), (vec![0, 0, 1, 0], End::Slow, false));
    }

    #[tokio::test]
    async fn all_sockets_of_one_that_is_no_member_any_more_are_sent_away() {
        let mut seats = Seats::default();
        let [gone, stays] = [1, 2].map(Uuid::from_u128);
        let mut cuts = Vec::new();
        for (number, viewer) in [(1, gone), (2, gone), (3, stays)] {
            let (listener, _, cut) = listener(number);
            seats.take(viewer, Relations::default(), listener);
            cuts.push(cut);
        }
        seats.reload(gone, None);
        seats.reload(stays, Some(Relations { follows: vec![gone], ..Relations::default() }));
        assert_eq!([cuts[0].made().await, cuts[1].made().await], [End::NotAMember; 2]);
        assert_eq!(seats.viewers[&stays].relations.follows, [gone]);
        seats.leave(stays, 3);
        assert!(seats.is_empty());
    }
}
