//! What real and broken bodies turn out to be.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod checkpoints;
mod cutting;
mod media;
mod structure;
mod truncation;
mod wrong_types;
