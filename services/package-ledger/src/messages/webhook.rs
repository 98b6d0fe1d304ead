//! A gateway of messages, told by HTTP.
//!
//! A message is posted as JSON under its id as `Idempotency-Key`. 2xx: it was taken; `id` and `cost_minor` of the answer are kept where
//! they are there. 429, 408, 425 and 5xx: later, and not before `Retry-After`. Anything else: never.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use http::header::{HeaderName, RETRY_AFTER};
use http_client::{Answer, Client, ClientConfig, HttpError, Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{NotTaken, Outgoing, Sender, Taken};
use crate::config::MessagesConfig;

/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// Longest name of a message that is kept; the table has the same bound.
const MAX_PROVIDER_ID_CHARS: usize = 200;
/// Longest pause that a gateway may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// A gateway.
pub(super) struct Webhook {
    client: Client,
    url: SecretString,
}

/// What a gateway says of a message that it has taken.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    id: Option<String>,
    cost_minor: Option<i64>,
}

impl Webhook {
    /// That of the settings, if they name one.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub(super) fn new(config: &MessagesConfig) -> Result<Option<Self>, HttpError> {
        if config.webhook_url.expose_secret().is_empty() {
            return Ok(None);
        }
        let client = Client::new(ClientConfig {
            timeout_ms: config.timeout_ms,
            max_answer_bytes: MAX_ANSWER_BYTES,
            // Each message has pauses of its own, and an attempt that is not made would be counted all the same.
            max_retries: 0,
            breaker_failures: 0,
            ..ClientConfig::default()
        })?;
        Ok(Some(Self { client, url: config.webhook_url.clone() }))
    }

    async fn post(&self, message: &Outgoing) -> Result<Taken, NotTaken> {
        let Outgoing { id, channel, recipient, language, subject, body } = message;
        let answer = self
            .client
            .request(Method::POST, self.url.expose_secret())
            .header(HeaderName::from_static("idempotency-key"), &id.to_string())
            .json(&json!({
                "id": id, "channel": channel, "recipient": recipient, "language": language, "subject": subject, "text": body,
            }))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        judged(&answer, pg_pool::now())
    }
}

fn failed(error: &HttpError) -> NotTaken {
    match error {
        HttpError::Timeout { .. } => NotTaken::now("timeout"),
        HttpError::Url | HttpError::Call(_) => NotTaken::ever("message_unusable"),
        // What it said may have been that it took the message.
        HttpError::TooLarge { .. } => NotTaken::now("answer_too_large"),
        _ => NotTaken::now("unreachable"),
    }
}

fn judged(answer: &Answer, now: DateTime<Utc>) -> Result<Taken, NotTaken> {
    let status = answer.status;
    if status.is_success() {
        let Said { id, cost_minor } = answer.json().unwrap_or_default();
        let fits = |id: &String| (1..=MAX_PROVIDER_ID_CHARS).contains(&id.chars().count());
        return Ok(Taken { provider_id: id.filter(fits), cost_minor: cost_minor.filter(|cost| *cost >= 0) });
    }
    let asks_for_patience = status == StatusCode::TOO_MANY_REQUESTS;
    let may_pass = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY);
    if !(status.is_server_error() || asks_for_patience || may_pass) {
        return Err(NotTaken::ever("gateway_refused"));
    }
    let code = if asks_for_patience { "gateway_busy" } else { "gateway_failed" };
    let said = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Err(NotTaken { retry_after: said.and_then(|text| pause(text, now)), ..NotTaken::now(code) })
}

/// `Retry-After`: seconds, or an instant (RFC 9110, 10.2.3).
fn pause(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    let asked = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default(),
    };
    Some(asked.min(MAX_PAUSE))
}

impl Sender for Webhook {
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, Result<Taken, NotTaken>> {
        Box::pin(self.post(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_in_seconds_or_as_an_instant_and_has_a_bound() {
        let now = DateTime::parse_from_rfc3339("2026-12-01T10:00:00Z").unwrap().to_utc();
        assert_eq!(pause("120", now), Some(Duration::from_secs(120)));
        assert_eq!(pause("Tue, 01 Dec 2026 10:01:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(pause("Tue, 01 Dec 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(pause("99999999", now), Some(MAX_PAUSE));
        assert_eq!(pause("soon", now), None);
    }
}
