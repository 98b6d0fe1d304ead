//! Readers of the same state share one load.
//!
//! A flight is known by its key and its stamp. Who arrives later may join because its own stamp, read on arrival, is the
//! same: no write was stamped in between, so none was confirmed since the load began.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::registry::Stamp;

type Key = (String, Stamp);

/// What followers see.
#[derive(Clone, Debug)]
enum Landing<T> {
    Pending,
    Landed(T),
    Failed,
}

#[derive(Debug)]
pub(crate) struct Flights<T> {
    /// A std mutex: held for a look-up, never across an await.
    flying: Mutex<HashMap<Key, watch::Receiver<Landing<T>>>>,
}

/// A place in a flight.
#[derive(Debug)]
pub(crate) enum Seat<'a, T> {
    /// Has to load.
    Leader(Leader<'a, T>),
    /// Somebody else loads.
    Follower(Follower<T>),
}

/// Loads for all. Dropped without landing, its followers look again.
#[derive(Debug)]
pub(crate) struct Leader<'a, T> {
    flights: &'a Flights<T>,
    key: Key,
    landing: watch::Sender<Landing<T>>,
}

#[derive(Debug)]
pub(crate) struct Follower<T>(watch::Receiver<Landing<T>>);

/// What a follower got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shared<T> {
    Landed(T),
    /// The load failed; its error is the leader's own.
    Failed,
    /// The leader went away.
    Abandoned,
}

impl<T> Flights<T> {
    pub(crate) fn new() -> Self {
        Self { flying: Mutex::new(HashMap::new()) }
    }

    pub(crate) fn board(&self, key: &str, stamp: Stamp) -> Seat<'_, T> {
        let key = (key.to_owned(), stamp);
        match self.flying().entry(key.clone()) {
            Slot::Occupied(flight) => Seat::Follower(Follower(flight.get().clone())),
            Slot::Vacant(free) => {
                let (landing, receiver) = watch::channel(Landing::Pending);
                free.insert(receiver);
                Seat::Leader(Leader { flights: self, key, landing })
            }
        }
    }

    /// Every change leaves the map whole, so poison is ignored.
    fn flying(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Landing<T>>>> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Leader<'_, T> {
    /// Gives the value to all who wait, and to all who come before this is dropped.
    pub(crate) fn land(&self, value: T) {
        self.landing.send_replace(Landing::Landed(value));
    }

    pub(crate) fn fail(self) {
        self.landing.send_replace(Landing::Failed);
    }
}

impl<T> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        self.flights.flying().remove(&self.key);
    }
}

impl<T: Clone> Follower<T> {
    pub(crate) async fn wait(mut self) -> Shared<T> {
        match self.0.wait_for(|landing| !matches!(landing, Landing::Pending)).await.as_deref() {
            Ok(Landing::Landed(value)) => Shared::Landed(value.clone()),
            Ok(_) => Shared::Failed,
            Err(_) => Shared::Abandoned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(byte: u8) -> Stamp {
        Stamp::from_bytes(&[byte; Stamp::BYTES]).unwrap()
    }

    fn leader<T>(seat: Seat<'_, T>) -> Leader<'_, T> {
        let Seat::Leader(leader) = seat else { panic!("somebody else leads") };
        leader
    }

    fn follower<T>(seat: Seat<'_, T>) -> Follower<T> {
        let Seat::Follower(follower) = seat else { panic!("nobody leads") };
        follower
    }

    #[tokio::test]
    async fn those_with_the_same_stamp_share_and_others_do_not() {
        let flights = Flights::new();
        let first = leader(flights.board("a", stamp(1)));
        let second = follower(flights.board("a", stamp(1)));
        let _other_stamp = leader(flights.board("a", stamp(2)));
        let _other_key = leader(flights.board("b", stamp(1)));
        first.land(7);
        let late = follower(flights.board("a", stamp(1)));
        drop(first);
        assert_eq!(second.wait().await, Shared::Landed(7));
        assert_eq!(late.wait().await, Shared::Landed(7));
        let _again = leader(flights.board("a", stamp(1)));
    }

    #[tokio::test]
    async fn followers_of_a_leader_that_went_away_look_again() {
        let flights = Flights::<u8>::new();
        let first = leader(flights.board("a", stamp(1)));
        let second = follower(flights.board("a", stamp(1)));
        drop(first);
        assert_eq!(second.wait().await, Shared::Abandoned);
        let third = leader(flights.board("a", stamp(1)));
        let fourth = follower(flights.board("a", stamp(1)));
        third.fail();
        assert_eq!(fourth.wait().await, Shared::Failed);
        assert!(flights.flying().is_empty());
    }
}
