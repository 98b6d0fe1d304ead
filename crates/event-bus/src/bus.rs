//! The connection to NATS and the streams this process has declared.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind, PublishError};
use async_nats::jetstream::{self, publish::PublishAck};
use broadcast::{Broadcast, BroadcastError, NatsConfig};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::stream::StreamSpec;

/// How long [`Bus::ensure_stream`] waits for a connection that is still being made.
const FIRST_CONNECTION: Duration = Duration::from_secs(2);

/// Where NATS is.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BusConfig {
    /// `nats://[user:password@]host:port` or `nats://token@host:port`, several separated by commas; the first credentials are
    /// used for all, as they are written. Default `nats://127.0.0.1:4222`.
    pub url: String,
    /// Copies of each stream in a cluster. Default 1; more than there are servers and streams cannot be declared.
    pub replicas: usize,
    /// How long to wait for the answer to a publication or request, in milliseconds. Default 5000. Too short and a slow
    /// disk looks like an outage; too long and an outage is noticed late.
    pub request_timeout_ms: u64,
}

impl Default for BusConfig {
    fn default() -> Self {
        let NatsConfig { url, request_timeout_ms } = NatsConfig::default();
        Self { url, replicas: 1, request_timeout_ms }
    }
}

impl BusConfig {
    /// The part that says how to connect: for a process that also broadcasts.
    #[must_use]
    pub fn nats(&self) -> NatsConfig {
        NatsConfig { url: self.url.clone(), request_timeout_ms: self.request_timeout_ms }
    }
}

/// The address may hold a password: only what follows the last `@` is shown.
impl fmt::Debug for BusConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusConfig")
            .field("url", &self.nats().hosts())
            .field("replicas", &self.replicas)
            .field("request_timeout_ms", &self.request_timeout_ms)
            .finish()
    }
}

/// What can go wrong between this process and NATS.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The configured address cannot be used at all. Fix the configuration.
    #[error("nats address is not usable")]
    Address(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no connection now. Try again later; it is being re-established.
    #[error("nats is not connected")]
    NotConnected,
    /// The server refuses the stream's configuration, or its subjects overlap with another stream.
    #[error("stream {stream} cannot be declared")]
    Declare {
        /// Name of the stream.
        stream: String,
        /// The server's answer.
        #[source]
        source: Box<CreateStreamError>,
    },
    /// The server did not do what was asked.
    #[error("nats request failed: {action}")]
    Request {
        /// What was asked for.
        action: &'static str,
        /// The client's or server's reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no message with this sequence in the dead-letter stream.
    #[error("no dead letter with sequence {sequence} in {stream}")]
    NoDeadLetter {
        /// Name of the dead-letter stream.
        stream: String,
        /// Sequence asked for.
        sequence: u64,
    },
}

impl BusError {
    pub(crate) fn request(
        action: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Request { action, source: source.into() }
    }
}

/// A connection to NATS. Clones share it. It reconnects for ever; while it is away, callers fail fast.
#[derive(Clone)]
pub struct Bus {
    broadcast: Broadcast,
    jetstream: jetstream::Context,
    replicas: usize,
    declared: Arc<Mutex<Vec<StreamSpec>>>,
}

impl fmt::Debug for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bus").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

impl Bus {
    /// Starts connecting in the background and returns at once: a service starts without NATS.
    ///
    /// # Errors
    /// [`BusError::Address`] when the address is malformed.
    pub async fn connect(config: &BusConfig) -> Result<Self, BusError> {
        let broadcast = Broadcast::connect(&config.nats()).await.map_err(|error| match error {
            BroadcastError::Address(source) => BusError::Address(source),
            other => BusError::Address(other.into()),
        })?;
        Ok(Self::over(broadcast, config))
    }

    /// A bus over a connection that the process already has.
    #[must_use]
    pub fn over(broadcast: Broadcast, config: &BusConfig) -> Self {
        let timeout = Duration::from_millis(config.request_timeout_ms);
        let jetstream =
            jetstream::ContextBuilder::new().timeout(timeout).ack_timeout(timeout).build(broadcast.client());
        Self { broadcast, jetstream, replicas: config.replicas, declared: Arc::default() }
    }

    /// The connection itself, for what is only to be heard now.
    #[must_use]
    pub fn broadcast(&self) -> &Broadcast {
        &self.broadcast
    }

    /// Whether there is a connection now. For readiness checks.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.broadcast.is_connected()
    }

    /// Declares a stream and its dead-letter stream: creates them or changes them to `spec`. When there is no connection
    /// within two seconds the relay or a consumer does it as soon as there is one, so a service starts without NATS.
    ///
    /// # Errors
    /// [`BusError::Declare`] when the server refuses the stream.
    pub async fn ensure_stream(&self, spec: StreamSpec) -> Result<(), BusError> {
        {
            let mut declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
            declared.retain(|known| known.name != spec.name);
            declared.push(spec);
        }
        let mut connections = self.broadcast.connections();
        // The guard that `wait_for` returns must not live across an await.
        let waited =
            tokio::time::timeout(FIRST_CONNECTION, connections.wait_for(|count| *count > 0)).await.is_ok();
        if !waited || !self.is_connected() {
            tracing::warn!("nats is not connected, streams are declared later");
            return Ok(());
        }
        self.ensure_declared().await
    }

    /// Declares every stream of this process again: NATS may have come back with an empty disk.
    pub(crate) async fn ensure_declared(&self) -> Result<(), BusError> {
        let specs = self.declared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for spec in specs {
            for config in [spec.config(self.replicas), spec.dead_config(self.replicas)] {
                let stream = config.name.clone();
                self.jetstream.create_or_update_stream(config).await.map_err(|source| {
                    match source.kind() {
                        CreateStreamErrorKind::TimedOut => BusError::NotConnected,
                        _ => BusError::Declare { stream, source: Box::new(source) },
                    }
                })?;
            }
        }
        Ok(())
    }

    /// Publishes and waits for the acknowledgement.
    pub(crate) async fn publish(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<PublishAck, PublishError> {
        self.jetstream.publish_with_headers(subject, headers, payload).await?.await
    }

    pub(crate) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// Counts connections made: a change means the server may have forgotten what it was asked.
    pub(crate) fn connections(&self) -> watch::Receiver<u64> {
        self.broadcast.connections()
    }
}

#[cfg(test)]
mod tests {
    use super::BusConfig;

    #[test]
    fn a_password_in_the_address_is_not_shown() {
        let config = BusConfig { url: "nats://catalog:secret@nats:4222".to_owned(), ..BusConfig::default() };
        let shown = format!("{config:?}");
        assert!(shown.contains("nats:4222") && !shown.contains("secret"), "{shown}");
    }
}
