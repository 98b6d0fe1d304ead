//! How a message leaves: written in the customer's language at the moment it is sent, handed to whoever carries it.
//!
//! | module | what it does |
//! |---|---|
//! | `content`, `templates` | what is said |
//! | `spool` | each message becomes a file, for development |
//! | `smtp` | mail |
//! | `webhook` | a gateway of text messages is told by HTTP |
//!
//! A message may be handed over more than once, where nobody knows what became of an attempt. Its id stays the same, so that a carrier
//! that looks at it takes it once. Neither recipients nor texts are ever logged.

pub(crate) mod content;
mod smtp;
mod spool;
pub(crate) mod templates;
mod webhook;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::config::{MessagesConfig, Sender as Kind};
use crate::domain::named::named;

named! {
    /// What a message leaves by.
    Channel {
        /// A text message.
        Sms = "sms",
        /// Mail.
        Email = "email",
        /// WhatsApp.
        Whatsapp = "whatsapp",
        /// A push message.
        Push = "push",
        /// A call, made by somebody at the desk and only noted here.
        Call = "call",
    }
}

/// A message as it leaves.
#[derive(Clone)]
pub(crate) struct Outgoing {
    /// The same however often it is handed over.
    pub(crate) id: Uuid,
    /// What it leaves by.
    pub(crate) channel: Channel,
    /// Number or address.
    pub(crate) recipient: String,
    /// Name of its language.
    pub(crate) language: &'static str,
    /// What it is about, for mail.
    pub(crate) subject: String,
    /// What it says.
    pub(crate) body: String,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Outgoing")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// It was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The carrier's name for it.
    pub(crate) provider_id: Option<String>,
    /// What the carrier asks for it, in minor units.
    pub(crate) cost_minor: Option<i64>,
}

/// It was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message was not taken: {code}")]
pub(crate) struct NotTaken {
    /// Why.
    pub(crate) code: &'static str,
    /// Whether trying again is of no use.
    pub(crate) is_final: bool,
    /// How long to wait at least, where the carrier has said so.
    pub(crate) retry_after: Option<Duration>,
}

impl NotTaken {
    /// It will not be taken ever.
    pub(crate) fn ever(code: &'static str) -> Self {
        Self { code, is_final: true, retry_after: None }
    }

    /// It may be taken later.
    pub(crate) fn now(code: &'static str) -> Self {
        Self { code, is_final: false, retry_after: None }
    }
}

/// Carries messages.
pub(crate) trait Sender: Send + Sync {
    /// Hands one over.
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, Result<Taken, NotTaken>>;
}

/// Who carries what.
#[derive(Clone)]
pub(crate) struct Senders {
    mail: Arc<dyn Sender>,
    others: Arc<dyn Sender>,
}

impl Senders {
    /// As the settings say. Connects to nothing yet.
    ///
    /// # Errors
    /// Where they do not fit together.
    pub(crate) fn new(config: &MessagesConfig) -> anyhow::Result<Self> {
        let others: Arc<dyn Sender> = match config.sender {
            Kind::Spool => Arc::new(spool::Spool::new(&config.spool_directory)),
            Kind::Smtp | Kind::Webhook => match webhook::Webhook::new(config)? {
                Some(webhook) => Arc::new(webhook),
                None => Arc::new(NoRoute),
            },
        };
        let mail = match config.sender {
            Kind::Smtp => Arc::new(smtp::Smtp::new(config)?),
            Kind::Spool | Kind::Webhook => Arc::clone(&others),
        };
        Ok(Self { mail, others })
    }

    /// Hands a message to whoever carries its kind.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub(crate) async fn send(&self, message: &Outgoing) -> Result<Taken, NotTaken> {
        match message.channel {
            Channel::Email => self.mail.send(message).await,
            _ => self.others.send(message).await,
        }
    }
}

/// Nobody carries this.
struct NoRoute;

impl Sender for NoRoute {
    fn send<'a>(&'a self, _message: &'a Outgoing) -> BoxFuture<'a, Result<Taken, NotTaken>> {
        Box::pin(async { Err(NotTaken::ever("no_route")) })
    }
}
