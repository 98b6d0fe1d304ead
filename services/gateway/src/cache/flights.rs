//! Who is fetching what: of many requests for one thing one goes to the upstream, the others wait for what it brings.
//!
//! Nothing is handed over here. Who has waited looks into the store again, so that an answer is only shared if it may be
//! answered with at that moment (G-D1): what a write has overtaken meanwhile is fetched anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http_cache::Key;
use tokio::sync::watch;

/// The fetches under way, over all workers.
#[derive(Default)]
pub(crate) struct Flights {
    under_way: Mutex<HashMap<Key, watch::Receiver<()>>>,
}

/// What a request is to do.
pub(crate) enum Turn {
    /// Fetch; the others wait until this is dropped.
    Lead(Lead),
    /// Wait, and look again.
    Follow(Follow),
}

/// The duty to fetch.
pub(crate) struct Lead {
    flights: Arc<Flights>,
    key: Key,
    /// Closed when this is dropped, however that comes about: a client that leaves keeps nobody waiting.
    _done: watch::Sender<()>,
}

/// A wait for somebody else's fetch.
pub(crate) struct Follow(watch::Receiver<()>);

impl Flights {
    /// Joins the fetch of this key, or begins one.
    pub(crate) fn take(self: &Arc<Self>, key: Key) -> Turn {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = under_way.get(&key) {
            return Turn::Follow(Follow(waiting.clone()));
        }
        let (done, waiting) = watch::channel(());
        under_way.insert(key.clone(), waiting);
        Turn::Lead(Lead { flights: Arc::clone(self), key, _done: done })
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Follow {
    /// Returns when the fetch is over, whatever became of it.
    pub(crate) async fn landed(mut self) {
        // An error says that the sender is gone, which is what is waited for.
        while self.0.changed().await.is_ok() {}
    }
}
