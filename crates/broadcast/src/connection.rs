//! The connection of a process to NATS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event};
use bytes::Bytes;
use tokio::sync::watch;

use crate::config::{NatsConfig, addresses};
use crate::subscription::Subscription;

/// Between two attempts to reconnect: short, since others wait; the server is ours.
const RECONNECT: Duration = Duration::from_millis(250);
/// A server that answers none of three of these is taken for gone.
const PING: Duration = Duration::from_secs(5);
/// Longest that handing a message to the connection may take. It takes no time unless the connection is choked.
const HAND_OVER: Duration = Duration::from_millis(200);

/// What can go wrong between this process and NATS.
#[derive(Debug, thiserror::Error)]
pub enum BroadcastError {
    /// The configured address cannot be used at all. Fix the configuration.
    #[error("nats address is not usable")]
    Address(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no connection now, or it takes nothing more. Try again later; it is being re-established.
    #[error("nats is not connected")]
    NotConnected,
    /// The client refuses what was asked: a subject it does not allow, a payload above the server's limit.
    #[error("nats request failed: {action}")]
    Refused {
        /// What was asked for.
        action: &'static str,
        /// The client's reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A connection to NATS. Clones share it. It reconnects for ever; while it is away, callers fail fast.
#[derive(Clone)]
pub struct Broadcast {
    client: Client,
    connections: watch::Receiver<u64>,
    interruptions: watch::Receiver<u64>,
}

impl fmt::Debug for Broadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast").field("connected", &self.is_connected()).finish_non_exhaustive()
    }
}

impl Broadcast {
    /// Starts connecting in the background and returns at once: a service starts without NATS.
    ///
    /// # Errors
    /// [`BroadcastError::Address`] when the address is malformed.
    pub async fn connect(config: &NatsConfig) -> Result<Self, BroadcastError> {
        let (connected, connections) = watch::channel(0_u64);
        let (interrupted, interruptions) = watch::channel(0_u64);
        let counts = Arc::new((connected, interrupted));
        let (servers, credentials) = addresses(&config.url)?;
        let options = match credentials {
            Some((user, Some(password))) => ConnectOptions::with_user_and_password(user, password),
            Some((token, None)) => ConnectOptions::with_token(token),
            None => ConnectOptions::new(),
        };
        let client = options
            .retry_on_initial_connect()
            .max_reconnects(None)
            .ping_interval(PING)
            .reconnect_delay_callback(|attempt| if attempt <= 1 { Duration::ZERO } else { RECONNECT })
            .request_timeout(Some(config.request_timeout()))
            .event_callback(move |event| {
                let counts = Arc::clone(&counts);
                async move { on_event(&event, &counts.0, &counts.1) }
            })
            .connect(servers)
            .await
            .map_err(|error| BroadcastError::Address(error.into()))?;
        Ok(Self { client, connections, interruptions })
    }

    /// Whether there is a connection now. For readiness checks.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.client.connection_state(), State::Connected)
    }

    /// Counts connections made: a change means the server may have forgotten what it was asked.
    #[must_use]
    pub fn connections(&self) -> watch::Receiver<u64> {
        self.connections.clone()
    }

    /// Counts occasions on which a subscription may have missed messages: a connection lost, one made, a listener so slow
    /// that messages for it were dropped.
    #[must_use]
    pub fn interruptions(&self) -> watch::Receiver<u64> {
        self.interruptions.clone()
    }

    /// Sends a message to whoever is subscribed to `subject` at this moment. Success means that it was handed to a
    /// connection that is alive, not that anyone heard it. Messages and subscriptions of one connection keep their order.
    ///
    /// # Errors
    /// [`BroadcastError::NotConnected`] at once without a connection, [`BroadcastError::Refused`] for a subject or a payload
    /// that cannot be sent.
    pub async fn publish(
        &self,
        subject: &str,
        reply: Option<&str>,
        payload: Bytes,
    ) -> Result<(), BroadcastError> {
        // The client would keep the message and send it after the outage.
        if !self.is_connected() {
            return Err(BroadcastError::NotConnected);
        }
        let subject = subject.to_owned();
        let handed = async {
            match reply {
                Some(reply) => self.client.publish_with_reply(subject, reply.to_owned(), payload).await,
                None => self.client.publish(subject, payload).await,
            }
        };
        match tokio::time::timeout(HAND_OVER, handed).await {
            Ok(outcome) => outcome
                .map_err(|source| BroadcastError::Refused { action: "publish", source: Box::new(source) }),
            Err(_) => Err(BroadcastError::NotConnected),
        }
    }

    /// Listens to `subject`, wildcards allowed. It may be called without a connection and outlives outages: the server is
    /// told again with every connection, and what was sent in between is missed.
    ///
    /// # Errors
    /// [`BroadcastError::Refused`] for a subject that is not one, [`BroadcastError::NotConnected`] when the connection takes
    /// nothing more.
    pub async fn subscribe(&self, subject: &str) -> Result<Subscription, BroadcastError> {
        match tokio::time::timeout(HAND_OVER, self.client.subscribe(subject.to_owned())).await {
            Ok(Ok(subscriber)) => Ok(Subscription::new(subscriber)),
            Ok(Err(source)) => Err(BroadcastError::Refused { action: "subscribe", source: Box::new(source) }),
            Err(_) => Err(BroadcastError::NotConnected),
        }
    }

    /// A subject that nobody else uses, to be answered at.
    #[must_use]
    pub fn new_inbox(&self) -> String {
        self.client.new_inbox()
    }

    /// The client itself, for what is built on it.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }
}

fn on_event(event: &Event, connected: &watch::Sender<u64>, interrupted: &watch::Sender<u64>) {
    match event {
        Event::Connected => {
            connected.send_modify(|count| *count += 1);
            interrupted.send_modify(|count| *count += 1);
            tracing::info!("nats connected");
        }
        Event::Disconnected => {
            interrupted.send_modify(|count| *count += 1);
            tracing::warn!("nats disconnected");
        }
        Event::SlowConsumer(_) => {
            interrupted.send_modify(|count| *count += 1);
            tracing::warn!(event = %event, "nats messages dropped");
        }
        other => tracing::warn!(event = %other, "nats connection event"),
    }
}
