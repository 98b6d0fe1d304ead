//! A verifier against issuers of every temper, and the middleware in front of a handler.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod middleware;
mod support;
mod tokens;
mod unreachable;
