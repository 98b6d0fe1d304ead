//! The crate against a real Postgres and a real NATS.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers as well")]

mod consumer;
mod credentials;
mod dead_letters;
mod outages;
mod relay;
mod tracing_context;
mod world;
