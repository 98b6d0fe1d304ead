//! Where NATS is, and who we are there.

use std::fmt;
use std::time::Duration;

use async_nats::ServerAddr;
use serde::{Deserialize, Serialize};

use crate::BroadcastError;

/// Where NATS is.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct NatsConfig {
    /// `nats://[user:password@]host:port` or `nats://token@host:port`, several separated by commas; the first credentials are
    /// used for all, as they are written. Default `nats://127.0.0.1:4222`.
    pub url: String,
    /// How long to wait for the answer to a request, in milliseconds. Default 5000. Too short and a slow disk looks like an
    /// outage; too long and an outage is noticed late.
    pub request_timeout_ms: u64,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self { url: "nats://127.0.0.1:4222".to_owned(), request_timeout_ms: 5000 }
    }
}

/// The address may hold a password: only what follows the last `@` is shown.
impl fmt::Debug for NatsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsConfig")
            .field("url", &self.hosts())
            .field("request_timeout_ms", &self.request_timeout_ms)
            .finish()
    }
}

impl NatsConfig {
    /// The servers without their credentials: what may be shown.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        self.url.split(',').map(|url| url.rsplit_once('@').map_or(url, |(_, host)| host)).collect()
    }

    /// Everything that keeps this configuration from being used, as `key: reason`.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if addresses(&self.url).is_err() {
            faults.push("url: not the address of a NATS server".to_owned());
        }
        if self.request_timeout_ms == 0 {
            faults.push("request_timeout_ms: must be above zero".to_owned());
        }
        faults
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

/// A user with a password, or a token alone.
type Credentials = (String, Option<String>);

/// The servers of a list of addresses, and the credentials of the first that has some. The client itself leaves those of the
/// address unused.
pub(crate) fn addresses(list: &str) -> Result<(Vec<ServerAddr>, Option<Credentials>), BroadcastError> {
    let servers: Vec<ServerAddr> = list
        .split(',')
        .map(|url| url.trim().parse::<ServerAddr>().map_err(|error| BroadcastError::Address(error.into())))
        .collect::<Result<_, _>>()?;
    let credentials = servers.iter().find_map(|server| {
        let user = server.username()?.to_owned();
        Some((user, server.password().map(str::to_owned)))
    });
    Ok((servers, credentials))
}

#[cfg(test)]
mod tests {
    use super::NatsConfig;

    #[test]
    fn a_password_in_the_address_is_not_shown() {
        let config =
            NatsConfig { url: "nats://catalog:secret@nats:4222".to_owned(), ..NatsConfig::default() };
        let shown = format!("{config:?}");
        assert!(shown.contains("nats:4222") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_configuration_names_its_faults() {
        assert_eq!(NatsConfig::default().faults(), [""; 0]);
        let config = NatsConfig { url: "nats://a b".to_owned(), request_timeout_ms: 0 };
        assert_eq!(config.faults().len(), 2, "{:?}", config.faults());
    }
}
