//! The gateway against real upstreams on real sockets.

mod compression;
mod config;
mod docs;
mod door;
mod faults;
mod harness;
mod headers;
mod routing;
mod running;
mod streaming;
