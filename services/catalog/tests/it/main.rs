//! The catalog through its own front door: a real server, a database of its own for each test.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod auth;
mod authorization;
mod bad_input;
mod cache;
mod conformance;
mod delta;
mod events;
mod faults;
mod harness;
mod idempotency;
mod reading;
mod schema;
mod statements;
mod timing;
mod writing;
