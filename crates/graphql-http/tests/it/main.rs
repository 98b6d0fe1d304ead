//! `docs/GRAPHQL.md` says which requirement each of these tests holds.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::unused_async, reason = "the schema of these tests has nothing to wait for")]

mod bounds;
mod junk;
mod negotiation;
mod requests;
mod results;
mod statuses;
mod statuses_2026;
mod support;
mod table;
mod variables;
