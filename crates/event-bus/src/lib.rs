#![doc = include_str!("../README.md")]

mod bus;
mod consumer;
pub mod dead_letter;
mod delivery;
mod envelope;
mod outbox;
mod publish;
mod pull;
mod relay;
mod session;
mod spans;
mod stream;

pub use bus::{Bus, BusConfig, BusError};
pub use consumer::{Consumer, ConsumerSpec, Start};
pub use delivery::{Delivery, HandlerError, Headers};
pub use outbox::{OutboxMessage, enqueue};
pub use relay::{Pass, Relay, RelayError, Waker};
pub use stream::StreamSpec;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The table `outbox` and its indexes. Run with the service's own migrations.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Turns true once, when the process is to stop.
pub type Shutdown = tokio::sync::watch::Receiver<bool>;

/// Ends when the process is to stop; also when nobody is left who could say so.
pub(crate) async fn stopped(shutdown: &mut Shutdown) {
    // An error means the sender is gone: stopping is the only sensible reading.
    let _ = shutdown.wait_for(|stop| *stop).await;
}
