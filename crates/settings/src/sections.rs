//! Settings that belong to no other crate, and what is asked of secrets.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Fewest characters of a secret that keys are derived from.
const SECRET_CHARS: usize = 32;

/// Settings of Redis.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// Its address with its password, `redis://:password@host:port` (default `redis://127.0.0.1:6379`).
    pub url: SecretString,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self { url: "redis://127.0.0.1:6379".into() }
    }
}

/// What is wrong with a secret that keys are derived from: it must have 32 characters at least.
#[must_use]
pub fn secret_fault(key: &str, secret: &SecretString) -> Option<String> {
    let is_short = secret.expose_secret().chars().count() < SECRET_CHARS;
    is_short.then(|| format!("{key}: at least {SECRET_CHARS} characters are expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_thirty_two_characters_not_bytes() {
        assert_eq!(secret_fault("api.key", &"ü".repeat(32).into()), None);
        assert_eq!(
            secret_fault("api.key", &"ü".repeat(31).into()).as_deref(),
            Some("api.key: at least 32 characters are expected")
        );
    }

    #[test]
    fn the_password_of_redis_is_not_shown() {
        let redis = RedisConfig { url: "redis://:hidden@127.0.0.1:6379".into() };
        assert!(!format!("{redis:?}").contains("hidden"));
        assert_eq!(RedisConfig::default().url.expose_secret(), "redis://127.0.0.1:6379");
    }
}
