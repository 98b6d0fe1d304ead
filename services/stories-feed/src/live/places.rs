//! How many sockets are open at the same time, in one process and of one person: each costs memory here and at the gateway.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use uuid::Uuid;

/// The places of a process. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    taken: Arc<Mutex<Taken>>,
    max: usize,
    max_per_person: usize,
    open: Gauge,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_person: HashMap<Uuid, usize>,
}

/// A socket's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    person: Uuid,
}

impl Places {
    /// So many, counted by `open`.
    pub(super) fn new(max: usize, max_per_person: usize, open: Gauge) -> Self {
        Self { taken: Arc::default(), max, max_per_person, open }
    }

    /// A place for a socket of this person, if there is one.
    pub(super) fn enter(&self, person: Uuid) -> Option<Place> {
        let mut taken = self.taken();
        let own = taken.by_person.get(&person).copied().unwrap_or_default();
        if taken.all >= self.max || own >= self.max_per_person {
            return None;
        }
        taken.all += 1;
        taken.by_person.insert(person, own + 1);
        drop(taken);
        self.open.inc();
        Some(Place { places: self.clone(), person })
    }

    /// Every change leaves the counts whole, so poison is ignored.
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Entry::Occupied(mut own) = taken.by_person.entry(self.person) {
            match own.get().saturating_sub(1) {
                // Persons must not pile up.
                0 => drop(own.remove()),
                left => *own.get_mut() = left,
            }
        }
        drop(taken);
        self.places.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_so_many_places_and_the_process_has() {
        let open = Gauge::default();
        let places = Places::new(3, 2, open.clone());
        let [ada, bob] = [1, 2].map(Uuid::from_u128);
        let held = (places.enter(ada).unwrap(), places.enter(ada).unwrap());
        assert!(places.enter(ada).is_none(), "as many as a person may have");
        let bobs = places.enter(bob).unwrap();
        assert!(places.enter(bob).is_none(), "as many as there are");
        drop(held);
        assert!(places.enter(bob).is_some());
        drop(bobs);
        let taken = places.taken();
        assert_eq!((taken.all, taken.by_person.len(), open.get()), (0, 0, 0), "nothing is left behind");
    }
}
