//! How many listen at the same time, in one process and to the assets of one owner: each costs a connection, a subscription and
//! a look at the database twice a second at most.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use problem::{Problem, registry};
use service_error::ServiceError;

/// At most so many in a process.
const MAX_LISTENERS: usize = 512;
/// At most so many to the assets of one owner, by whatever right: nobody can keep the others out.
const MAX_LISTENERS_PER_OWNER: usize = 16;
/// Asked of who finds no place, in seconds.
const RETRY_AFTER_SECS: &str = "5";

/// The places of a process. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listeners(Arc<Mutex<Places>>);

#[derive(Debug, Default)]
struct Places {
    all: usize,
    by_owner: HashMap<String, usize>,
}

/// A place among the listeners, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    listeners: Listeners,
    owner: String,
}

impl Listeners {
    /// Takes a place for who listens to an asset of this owner.
    ///
    /// # Errors
    /// `unavailable` when all are taken, `too_many_requests` when all of this owner are.
    pub(super) fn enter(&self, owner: &str) -> Result<Place, ServiceError> {
        let mut places = self.places();
        if places.all >= MAX_LISTENERS {
            return Err(refused(Problem::new(&registry::UNAVAILABLE), "as many listen as can be served"));
        }
        let own = places.by_owner.get(owner).copied().unwrap_or_default();
        if own >= MAX_LISTENERS_PER_OWNER {
            let detail = "as many listen to assets of this owner as may at once";
            return Err(refused(Problem::new(&registry::TOO_MANY_REQUESTS), detail));
        }
        places.all += 1;
        places.by_owner.insert(owner.to_owned(), own + 1);
        drop(places);
        Ok(Place { listeners: self.clone(), owner: owner.to_owned() })
    }

    /// Every change leaves the counts whole, so poison is ignored.
    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(problem: Problem, why: &str) -> ServiceError {
    let detail = format!("{why}; read the timeline from time to time instead");
    problem.detail(detail).header("Retry-After", RETRY_AFTER_SECS).into()
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.listeners.places();
        places.all = places.all.saturating_sub(1);
        if let Entry::Occupied(mut own) = places.by_owner.entry(std::mem::take(&mut self.owner)) {
            match own.get().saturating_sub(1) {
                // Names of owners must not pile up.
                0 => drop(own.remove()),
                left => *own.get_mut() = left,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_cannot_take_all_places() {
        let listeners = Listeners::default();
        let mut held: Vec<_> =
            (0..MAX_LISTENERS_PER_OWNER).map(|_| listeners.enter("ada").unwrap()).collect();
        assert_eq!(listeners.enter("ada").unwrap_err().code(), "too_many_requests");
        assert!(listeners.enter("bob").is_ok());
        held.pop();
        assert!(listeners.enter("ada").is_ok(), "a place is free again when its listener leaves");
    }

    #[test]
    fn a_process_has_so_many_places_and_those_that_are_left_leave_nothing_behind() {
        let listeners = Listeners::default();
        let held: Vec<_> =
            (0..MAX_LISTENERS).map(|number| listeners.enter(&number.to_string()).unwrap()).collect();
        assert_eq!(listeners.enter("one more").unwrap_err().code(), "unavailable");
        drop(held);
        let places = listeners.places();
        assert_eq!((places.all, places.by_owner.len()), (0, 0));
    }
}
