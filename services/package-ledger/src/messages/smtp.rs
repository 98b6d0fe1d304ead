//! Mail, by SMTP.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::BoxFuture;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

use super::{NotTaken, Outgoing, Sender, Taken};
use crate::config::MessagesConfig;

/// An SMTP server. Each mail has a connection of its own: there is none that could have gone stale.
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

impl Smtp {
    /// That of the settings.
    ///
    /// # Errors
    /// Where its address or that of the desk is none.
    pub(super) fn new(config: &MessagesConfig) -> anyhow::Result<Self> {
        let from: Mailbox = config.mail_from.parse().context("messages.mail_from is no address")?;
        let timeout = Duration::from_millis(config.timeout_ms);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(config.smtp_url.expose_secret())
            // What is wrong is not told: it might be told with the password.
            .map_err(|_| anyhow::anyhow!("messages.smtp_url is no URL of an SMTP server"))?
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(timeout))
            .build();
        Ok(Self { transport, from, timeout })
    }

    fn mail(&self, message: &Outgoing) -> Result<Message, NotTaken> {
        let address: Address = message.recipient.parse().map_err(|_| NotTaken::ever("recipient_unusable"))?;
        // A server that sees the same id again knows that it has the mail.
        let id = format!("<{}@{}>", message.id, self.from.email.domain());
        let header = |name: &'static str, value: &str| {
            HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
        };
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(&message.subject)
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN)
            .raw_header(header("Content-Language", message.language))
            // RFC 3834: no out-of-office answers.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .body(message.body.clone())
            .map_err(|_| NotTaken::ever("message_unusable"))
    }

    async fn hand_over(&self, message: &Outgoing) -> Result<Taken, NotTaken> {
        let mail = self.mail(message)?;
        let sent = tokio::time::timeout(self.timeout, self.transport.send(mail));
        match sent.await {
            Err(_) => Err(NotTaken::now("timeout")),
            // Its words may name the recipient, so they go nowhere.
            Ok(Err(error)) => Err(refused(&error)),
            Ok(Ok(_)) => Ok(Taken::default()),
        }
    }
}

fn refused(error: &lettre::transport::smtp::Error) -> NotTaken {
    if error.is_permanent() {
        NotTaken::ever("smtp_refused")
    } else if error.is_transient() {
        NotTaken::now("smtp_deferred")
    } else if error.is_timeout() {
        NotTaken::now("timeout")
    } else if error.is_tls() {
        NotTaken::now("tls_failed")
    } else {
        NotTaken::now("unreachable")
    }
}

impl Sender for Smtp {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, Result<Taken, NotTaken>> {
        Box::pin(self.hand_over(message))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    fn smtp(url: &str, from: &str) -> anyhow::Result<Smtp> {
        Smtp::new(&MessagesConfig {
            smtp_url: SecretString::from(url.to_owned()),
            mail_from: from.to_owned(),
            ..MessagesConfig::default()
        })
    }

    #[test]
    fn a_server_may_be_spoken_to_in_the_clear_or_in_private() {
        for url in [
            "smtp://mail.example.org",
            "smtp://u:p@mail.example.org:587?tls=required",
            "smtps://mail.example.org",
        ] {
            assert!(smtp(url, "aldia <desk@localhost>").is_ok(), "{url}");
        }
        let refused = smtp("http://user:hunter2@mail.example.org", "desk@localhost").err().unwrap();
        assert!(!format!("{refused:#}").contains("hunter2"));
        assert!(smtp("smtp://mail.example.org", "nobody").is_err());
    }

    #[test]
    fn an_address_that_is_none_is_never_tried_again() {
        let message = Outgoing {
            id: uuid::Uuid::nil(),
            channel: super::super::Channel::Email,
            recipient: "ana@".to_owned(),
            language: "es",
            subject: String::new(),
            body: String::new(),
        };
        let refused = smtp("smtp://mail.example.org", "desk@localhost").unwrap().mail(&message).unwrap_err();
        assert_eq!(refused, NotTaken::ever("recipient_unusable"));
    }
}
