//! The shell as clients, operators and log readers see it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod answers;
mod deadlines;
mod health;
mod observed;
mod refusals;
mod slow;
mod stalls;
mod stopping;
mod support;
