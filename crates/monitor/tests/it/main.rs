//! The binary, run for real against servers that speak HTTP, Postgres and Redis.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test, and in its helpers, a panic is the report"
)]

mod databases;
mod services;
mod support;
mod traces;
