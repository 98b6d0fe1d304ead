//! Section `auth`: how this service signs people in.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::domain::credential::HashParams;
use crate::domain::session::Lifetimes;

/// How long others may keep the key set: `max-age` of the answer. A new key is published at least this long, and some,
/// before it signs.
pub(crate) const KEY_SET_MAX_AGE_SECS: i64 = 300;
/// How long a replica may be behind what the database says about keys.
pub(crate) const KEY_RELOAD_SECS: i64 = 30;

/// Section `auth`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// What stands in `iss` of every token: the URL under which clients reach this service, without a slash at its end.
    /// The key set and the discovery document must be found below it. Default `http://127.0.0.1:8080`, the gateway.
    pub issuer: String,
    /// What stands in `aud`: the services that take these tokens check it. Default `aldia`.
    pub audience: String,
    /// Seconds an access token lasts. Default 900. Longer means a person who was locked out goes on longer.
    pub access_ttl_secs: u32,
    /// Seconds a refresh token lasts when it is not used. Default 2,592,000 (30 days).
    pub refresh_ttl_secs: u32,
    /// Seconds after which one has to sign in again, however often the session was refreshed. Default 7,776,000 (90 days).
    pub session_max_secs: u32,
    /// Seals the private keys in the database: at least 32 random bytes, base64. No default. Whoever has it and the
    /// database can sign as this service.
    pub master_key: SecretString,
    /// The master key before this one: keys sealed with it can still be opened, new ones are sealed with `master_key`.
    pub previous_master_key: Option<SecretString>,
    /// Seconds after which a signing key gets a successor. Default 2,592,000 (30 days).
    pub key_rotation_secs: u32,
    /// Seconds a new key is published before it signs. Default 600. Must exceed what caches of the key set may add up to, 330.
    pub key_publication_lead_secs: u32,
    /// Passwords.
    pub password: PasswordConfig,
    /// How often one may try.
    pub attempts: AttemptsConfig,
    /// Proxies whose `X-Forwarded-For` is believed. Default the loopback addresses, where the gateway is. An address too many
    /// lets anyone there choose the client address that attempts are counted under.
    pub trusted_proxies: Vec<IpAddr>,
}

/// How passwords are hashed. A change applies to new hashes; older ones are renewed when their owner signs in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PasswordConfig {
    /// KiB of memory per hash. Default 19,456.
    pub memory_kib: u32,
    /// Passes. Default 2.
    pub iterations: u32,
    /// Lanes. Default 1.
    pub lanes: u32,
    /// Hashes computed at the same time. Default 2. Each takes a core, and its memory, for its whole time.
    pub concurrent: u32,
    /// Requests that may wait for their turn; further ones are told to come back. Default 64.
    pub queue: u32,
    /// Milliseconds one waits at most. Default 3,000.
    pub queue_timeout_ms: u32,
}

/// How often one may try to sign in within a window that slides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttemptsConfig {
    /// Per user name, whether there is such a user or not; a success starts anew. Default 10.
    pub per_username: u32,
    /// Per client address (IPv6: per /64), successes included. Default 300.
    pub per_address: u32,
    /// Seconds of the window. Default 300.
    pub window_secs: u32,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            issuer: "http://127.0.0.1:8080".to_owned(),
            audience: "aldia".to_owned(),
            access_ttl_secs: 900,
            refresh_ttl_secs: 30 * 86_400,
            session_max_secs: 90 * 86_400,
            master_key: SecretString::default(),
            previous_master_key: None,
            key_rotation_secs: 30 * 86_400,
            key_publication_lead_secs: 600,
            password: PasswordConfig::default(),
            attempts: AttemptsConfig::default(),
            trusted_proxies: vec![
                IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
                IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
            ],
        }
    }
}

impl Default for PasswordConfig {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            lanes: 1,
            concurrent: 2,
            queue: 64,
            queue_timeout_ms: 3_000,
        }
    }
}

impl Default for AttemptsConfig {
    fn default() -> Self {
        Self { per_username: 10, per_address: 300, window_secs: 300 }
    }
}

impl AuthConfig {
    /// Every fault of this section as `key: what is wrong`; empty when it is sound. Shows no secret.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |sound: bool, fault: &str| {
            if !sound {
                faults.push(fault.to_owned());
            }
        };
        let is_url = self.issuer.starts_with("http://") || self.issuer.starts_with("https://");
        check(
            is_url && !self.issuer.ends_with('/'),
            "issuer: must be an http or https URL without a slash at its end",
        );
        check(!self.audience.is_empty(), "audience: must not be empty");
        check((30..=86_400).contains(&self.access_ttl_secs), "access_ttl_secs: must be between 30 and 86400");
        check(
            self.refresh_ttl_secs > self.access_ttl_secs,
            "refresh_ttl_secs: must be above access_ttl_secs",
        );
        check(
            self.session_max_secs >= self.refresh_ttl_secs,
            "session_max_secs: must be at least refresh_ttl_secs",
        );
        check(
            decode_master_key(&self.master_key).is_some(),
            "master_key: must be at least 32 bytes in base64",
        );
        check(
            self.previous_master_key.as_ref().is_none_or(|key| decode_master_key(key).is_some()),
            "previous_master_key: must be at least 32 bytes in base64",
        );
        let caches = KEY_SET_MAX_AGE_SECS + KEY_RELOAD_SECS;
        check(
            i64::from(self.key_publication_lead_secs) > caches,
            &format!("key_publication_lead_secs: must be above {caches}"),
        );
        check(
            self.key_rotation_secs > self.key_publication_lead_secs.saturating_mul(2),
            "key_rotation_secs: must be above twice key_publication_lead_secs",
        );
        check(
            self.password.params().check().is_ok(),
            "password: memory_kib, iterations and lanes are out of argon2's range",
        );
        check(self.password.memory_kib <= 1_048_576, "password.memory_kib: must be at most 1048576");
        check((1..=64).contains(&self.password.concurrent), "password.concurrent: must be between 1 and 64");
        check(self.password.queue_timeout_ms > 0, "password.queue_timeout_ms: must be at least 1");
        for (key, value) in [
            ("per_username", self.attempts.per_username),
            ("per_address", self.attempts.per_address),
            ("window_secs", self.attempts.window_secs),
        ] {
            check((1..=100_000).contains(&value), &format!("attempts.{key}: must be between 1 and 100000"));
        }
        faults
    }

    pub(crate) fn access_ttl(&self) -> chrono::Duration {
        chrono::Duration::seconds(self.access_ttl_secs.into())
    }

    pub(crate) fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            refresh: chrono::Duration::seconds(self.refresh_ttl_secs.into()),
            session: chrono::Duration::seconds(self.session_max_secs.into()),
        }
    }
}

impl PasswordConfig {
    pub(crate) fn params(&self) -> HashParams {
        HashParams { memory_kib: self.memory_kib, iterations: self.iterations, lanes: self.lanes }
    }

    pub(crate) fn queue_timeout(&self) -> Duration {
        Duration::from_millis(self.queue_timeout_ms.into())
    }
}

impl AttemptsConfig {
    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(self.window_secs.into())
    }
}

/// The bytes of a master key, if there are enough of them.
pub(crate) fn decode_master_key(key: &SecretString) -> Option<Vec<u8>> {
    STANDARD.decode(key.expose_secret().trim()).ok().filter(|bytes| bytes.len() >= 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> AuthConfig {
        AuthConfig { master_key: STANDARD.encode([1; 32]).into(), ..AuthConfig::default() }
    }

    #[test]
    fn the_defaults_lack_a_master_key_and_nothing_else() {
        assert_eq!(sound().faults(), Vec::<String>::new());
        assert_eq!(AuthConfig::default().faults(), ["master_key: must be at least 32 bytes in base64"]);
    }

    #[test]
    fn every_fault_is_reported_at_once_and_shows_no_secret() {
        let config = AuthConfig {
            issuer: "http://x/".to_owned(),
            audience: String::new(),
            access_ttl_secs: 1,
            refresh_ttl_secs: 1,
            session_max_secs: 0,
            master_key: "c2hvcnQ=".into(),
            previous_master_key: Some("not base64 hunter2".into()),
            key_publication_lead_secs: 330,
            key_rotation_secs: 660,
            password: PasswordConfig {
                memory_kib: 1,
                concurrent: 0,
                queue_timeout_ms: 0,
                ..Default::default()
            },
            attempts: AttemptsConfig { per_username: 0, per_address: 0, window_secs: 0 },
            ..AuthConfig::default()
        };
        let faults = config.faults();
        assert_eq!(faults.len(), 15, "{faults:#?}");
        assert!(!format!("{faults:?} {config:?}").contains("hunter2"));
    }
}
