//! Temporary: the live tests by themselves.
#![allow(dead_code, unused, clippy::all, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::allow_attributes)]
mod fixtures;
mod harness;
mod live;
