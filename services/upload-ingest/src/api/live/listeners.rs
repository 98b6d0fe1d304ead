//! How many listen at the same time in one process: each costs a connection, a subscription and a look at the database twice a
//! second at most.

use problem::{Problem, registry};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ServiceError;

/// At most so many.
const MAX_LISTENERS: usize = 512;

/// Places of this process.
static PLACES: Semaphore = Semaphore::const_new(MAX_LISTENERS);

/// A place among the listeners, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: SemaphorePermit<'static>,
}

impl Place {
    /// Takes a place.
    ///
    /// # Errors
    /// `unavailable` when all are taken.
    pub(super) fn take() -> Result<Self, ServiceError> {
        Self::among(&PLACES)
    }

    fn among(places: &'static Semaphore) -> Result<Self, ServiceError> {
        places.try_acquire().map(|permit| Self { _permit: permit }).map_err(|_| {
            Problem::new(&registry::UNAVAILABLE)
                .detail("as many listen as can be served; read the timeline from time to time instead")
                .into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_its_listener_leaves() {
        static TWO: Semaphore = Semaphore::const_new(2);
        let (first, second) = (Place::among(&TWO), Place::among(&TWO));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(Place::among(&TWO).unwrap_err().code(), "unavailable");
        drop(first);
        assert!(Place::among(&TWO).is_ok());
    }
}
