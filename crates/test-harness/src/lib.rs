#![doc = include_str!("../README.md")]
#![expect(clippy::panic, reason = "only tests use this crate: a set-up that fails has to fail the test, loudly")]

mod admin;
mod chaos_proxy;
mod database;
mod environment;
mod migration_digest;
mod port;
mod process;
mod wait;

pub use chaos_proxy::ChaosProxy;
pub use database::{Database, connect};
pub use environment::{nats_url, postgres_url, redis_url};
pub use port::free_port;
pub use process::Process;
pub use wait::wait_until;
