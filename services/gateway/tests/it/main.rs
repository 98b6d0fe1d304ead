//! The gateway against real upstreams on real sockets.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod adjustable;
mod cache;
mod cache_admin;
mod compression;
mod config;
mod docs;
mod documented;
mod door;
mod end_to_end;
mod faults;
mod harness;
mod headers;
mod http;
mod limits;
mod protocols;
mod resilience;
mod routing;
mod running;
mod slow;
mod streaming;
