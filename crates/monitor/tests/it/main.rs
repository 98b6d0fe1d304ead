//! The binary, run for real against servers that speak HTTP, Postgres and Redis.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in a test a panic is the report")]

mod databases;
mod services;
mod support;
