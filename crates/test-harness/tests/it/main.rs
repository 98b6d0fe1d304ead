//! The harness against the real servers of the run.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test like the tests themselves")]

mod chaos_proxy;
mod cluster;
mod database;
mod otlp_receiver;
mod process;
mod schema;
mod test_issuer;
