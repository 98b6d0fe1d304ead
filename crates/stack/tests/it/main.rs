//! The launcher, run for real: every test has a state directory and ports of its own.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod backup;
mod identity;
mod launcher;
mod locking;
mod support;
