//! The protocol from the head of a request to the fields of its answer.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod answers;
mod appends;
mod junk;
mod mixed;
mod refusals;
mod resumable;
mod support;
mod tus;
