//! The server over real sockets.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod at_once;
mod drain;
mod exchange;
mod harness;
mod http2;
mod informational;
mod limits;
mod refusal;
mod streaming;
mod timeouts;
mod tls;
mod tunnel;
