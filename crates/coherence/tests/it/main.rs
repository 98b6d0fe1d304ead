//! What is promised of seals, over every order of events and many histories.
#![cfg(not(loom))]
#![cfg_attr(
    not(loom),
    expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")
)]

mod interleavings;
mod lease;
mod model;
mod properties;
mod protocol;
mod threads;
