//! Ways to break the edge's part of the protocol on purpose, so that the checker can show that it would notice. Compiled
//! only with the feature `sabotage`; without it every function is a constant.

use std::sync::Arc;

use coherence::Tracker;

#[cfg(feature = "sabotage")]
fn is_on(fault: &str) -> bool {
    std::env::var("ALDIA_SABOTAGE").is_ok_and(|set| set == fault)
}

/// The tracker of a domain; with `ignore_lease`, one that answers whether or not it would hear of a write.
pub(super) fn tracker() -> Arc<Tracker> {
    #[cfg(feature = "sabotage")]
    if is_on("ignore_lease") {
        return Tracker::unleased();
    }
    Tracker::leased()
}

/// Whether answers are stored as of when they came, not of when they were asked for.
pub(super) fn stores_late() -> bool {
    #[cfg(feature = "sabotage")]
    return is_on("store_late");
    #[cfg(not(feature = "sabotage"))]
    false
}
