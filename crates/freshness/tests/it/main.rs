//! Reads, writes and faults against a real Redis and a real NATS.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod edge;
mod faults;
mod reads;
mod world;
mod writes;
