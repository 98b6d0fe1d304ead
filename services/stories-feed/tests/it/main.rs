//! The service through its own front door: a real server with a database of its own for each test.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod authorization;
mod demands;
mod edge;
mod events;
mod feed;
mod fixtures;
mod graphql;
mod harness;
mod live;
mod people;
mod schema;
mod stories;
mod timing;
