//! Ways to break a service's part of the protocol on purpose, so that the checker of staleness can show that it finds each.
//!
//! `ALDIA_SABOTAGE` names one. Without the feature `sabotage`, which nothing that is shipped has, all are constantly off.

use std::time::Duration;

/// How much later a reader fills that does so whatever has changed: long enough for a write to come between, as it would now and then
/// anyway.
pub(crate) const DAWDLE: Duration = Duration::from_millis(40);

#[cfg(feature = "sabotage")]
fn asked(name: &str) -> bool {
    static ASKED: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| std::env::var("ALDIA_SABOTAGE").unwrap_or_default());
    ASKED.as_str() == name
}

#[cfg(not(feature = "sabotage"))]
const fn asked(_name: &str) -> bool {
    false
}

/// A writer neither stamps nor tells anybody after its commit.
pub(crate) fn no_stamp() -> bool {
    asked("no_stamp")
}

/// A writer answers without waiting for the edges.
pub(crate) fn no_ack_wait() -> bool {
    asked("no_ack_wait")
}

/// A reader fills the shared level whatever changed while it loaded.
pub(crate) fn unversioned_fill() -> bool {
    asked("unversioned_fill")
}
