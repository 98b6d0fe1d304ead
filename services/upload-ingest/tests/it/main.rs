//! The service through its own front door: a real server with a database and a store of its own for each test.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod assets;
mod authorization;
mod harness;
mod live;
mod media;
mod shelf;
mod stopping;
mod submitting;
mod tus;
mod view;
mod worker;
