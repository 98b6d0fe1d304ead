//! The other services that a request asked.

use std::sync::Arc;
use std::time::Duration;

/// Peers told apart; calls to further ones count without a name.
pub const MAX_PEERS: usize = 8;

/// Calls to one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The upstream's name, or the origin that was called.
    pub name: Arc<str>,
    /// How often a request was sent to it, failed ones included.
    pub tries: u64,
    /// Until the heads of its answers, together.
    pub took: Duration,
}

pub(super) fn add(peers: &mut Vec<Peer>, name: &Arc<str>, tries: u64, took: Duration) {
    if let Some(known) = peers.iter_mut().find(|known| known.name == *name) {
        known.tries += tries;
        known.took += took;
    } else if peers.len() < MAX_PEERS {
        peers.push(Peer { name: Arc::clone(name), tries, took });
    }
}
