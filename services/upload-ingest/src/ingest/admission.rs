//! How many uploads may be receiving at once: in the process, and for each owner (U-D8).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use problem::{Problem, registry};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use service_error::ServiceError;

use crate::config::IngestConfig;
use crate::problems;

/// Asked of clients that find no place: about what an upload takes.
const RETRY_AFTER_SECS: &str = "2";

/// The places.
pub(super) struct Admission {
    held: Arc<Held>,
    most: usize,
    most_per_owner: usize,
}

struct Held {
    places: Mutex<Places>,
    gauge: Gauge,
    refused: Family<Refused, Counter>,
}

/// Whose places were taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Refused {
    /// `process` or `owner`.
    places: &'static str,
}

#[derive(Default)]
struct Places {
    all: usize,
    by_owner: HashMap<String, usize>,
}

/// A place among the uploads that are receiving; free again when dropped.
pub(crate) struct Place {
    held: Arc<Held>,
    owner: String,
}

impl Admission {
    pub(super) fn new(config: &IngestConfig, gauge: Gauge, refused: Family<Refused, Counter>) -> Self {
        let held = Arc::new(Held { places: Mutex::default(), gauge, refused });
        Self { held, most: config.max_receiving, most_per_owner: config.max_receiving_per_owner }
    }

    /// Takes a place, or says at once that there is none: who waits in a queue holds a connection, and sends all the same.
    pub(super) fn enter(&self, owner: &str) -> Result<Place, ServiceError> {
        let mut places = self.held.places();
        if places.all >= self.most {
            self.held.refused.get_or_create(&Refused { places: "process" }).inc();
            return Err(Problem::new(&registry::UNAVAILABLE)
                .detail("as many uploads are under way as can be served well")
                .header("Retry-After", RETRY_AFTER_SECS)
                .into());
        }
        let own = places.by_owner.get(owner).copied().unwrap_or_default();
        if own >= self.most_per_owner {
            self.held.refused.get_or_create(&Refused { places: "owner" }).inc();
            return Err(Problem::new(&problems::TOO_MANY_UPLOADS)
                .detail(format!("at most {} uploads of yours may be under way", self.most_per_owner))
                .header("Retry-After", RETRY_AFTER_SECS)
                .into());
        }
        places.all += 1;
        places.by_owner.insert(owner.to_owned(), own + 1);
        drop(places);
        self.held.gauge.inc();
        Ok(Place { held: Arc::clone(&self.held), owner: owner.to_owned() })
    }
}

impl Held {
    /// Every change leaves the counts whole, so poison is ignored.
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.held.places();
        places.all = places.all.saturating_sub(1);
        if let Entry::Occupied(mut own) = places.by_owner.entry(std::mem::take(&mut self.owner)) {
            match own.get().saturating_sub(1) {
                // Names of owners must not pile up.
                0 => drop(own.remove()),
                left => *own.get_mut() = left,
            }
        }
        drop(places);
        self.held.gauge.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(most: usize, most_per_owner: usize) -> Admission {
        let config = IngestConfig {
            max_receiving: most,
            max_receiving_per_owner: most_per_owner,
            ..IngestConfig::default()
        };
        Admission::new(&config, Gauge::default(), Family::default())
    }

    fn code(refused: Result<Place, ServiceError>) -> Option<&'static str> {
        refused.err().map(|error| error.code())
    }

    #[test]
    fn one_owner_cannot_take_all_places() {
        let admission = admission(3, 2);
        let held: Vec<_> = (0..2).map(|_| admission.enter("a").unwrap()).collect();
        assert_eq!(code(admission.enter("a")), Some("too_many_uploads"));
        let other = admission.enter("b").unwrap();
        assert_eq!(code(admission.enter("c")), Some("unavailable"));
        drop(held);
        drop(other);
        assert!(admission.enter("c").is_ok());
    }

    #[test]
    fn a_place_that_is_left_leaves_nothing_behind() {
        let admission = admission(10, 10);
        for round in 0..100 {
            drop(admission.enter(&format!("owner {round}")).unwrap());
        }
        let places = admission.held.places();
        assert_eq!((places.all, places.by_owner.len()), (0, 0));
        assert_eq!(admission.held.gauge.get(), 0);
    }
}
