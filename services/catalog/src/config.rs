//! Configuration: a TOML file overlaid by the environment (`ALDIA_<SECTION>__<KEY>`). Unknown keys are refused, and all
//! faults are reported at once.

use std::time::Duration;

use event_bus::BusConfig;
use freshness::FreshnessConfig;
use http_server::HttpConfig;
use identity::IdentityConfig;
use pg_pool::PgConfig;
use secrecy::SecretString;
use serde::Deserialize;
use settings::{RedisConfig, Settings, secret_fault};
use telemetry::TelemetryConfig;

use crate::api::auth::config::AuthConfig;
use crate::operations::LONGEST_TRANSACTION;

/// Longest from the mark of a write to its commit: its transaction's work, with a connection waited for before it and the
/// database's patience with an idle transaction after it.
const LONGEST_WRITE: Duration = LONGEST_TRANSACTION.saturating_add(Duration::from_secs(10));

/// Everything that can be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The port that requests come in by.
    pub http: HttpConfig,
    /// The database of this service alone.
    pub postgres: PgConfig,
    /// Shared counters of sign-in attempts, and the shared level of the cache.
    pub redis: RedisConfig,
    /// Where events go, and where gateways are told of writes.
    pub nats: BusConfig,
    /// The cache of answers, in Redis and in memory.
    pub freshness: FreshnessSection,
    /// Logs, traces and metrics.
    pub telemetry: TelemetryConfig,
    /// Whose tokens are accepted, beside our own.
    pub identity: IdentityConfig,
    /// How our own tokens are made.
    pub auth: AuthConfig,
    /// The records' API.
    pub records: RecordsConfig,
}

/// Settings of the cache.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreshnessSection {
    /// Name of what is kept fresh together (default `catalog`). Replicas on one database have one name, and gateways use the
    /// same. Installations with databases of their own that share a Redis or NATS must differ, or they answer with each
    /// other's records.
    pub domain: String,
    /// Anybody may read `/debug/cache-stats`, not only administrators (default false). For development.
    pub open_stats: bool,
    /// Sizes and times.
    #[serde(flatten)]
    pub cache: FreshnessConfig,
}

/// Settings of the records' API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordsConfig {
    /// Key that signs cursors and sync tokens and takes the fingerprints of idempotent requests, at least 32 characters. A
    /// new one makes clients begin their lists and syncs again, and refuses retries of requests made before.
    pub cursor_key: SecretString,
    /// How long deletions are kept, in seconds (default 30 days). Clients that stay away longer must load everything
    /// anew; a longer time keeps more tombstones.
    pub tombstone_retention_secs: u32,
    /// How long answers to idempotent requests are kept, in hours (default 24).
    pub idempotency_retention_hours: u16,
    /// Pause between two passes of the purge, in seconds (default 600).
    pub purge_interval_secs: u64,
}

impl Default for FreshnessSection {
    fn default() -> Self {
        Self { domain: "catalog".to_owned(), open_stats: false, cache: FreshnessConfig::default() }
    }
}

impl Default for RecordsConfig {
    fn default() -> Self {
        Self {
            cursor_key: SecretString::default(),
            tombstone_retention_secs: 30 * 24 * 3600,
            idempotency_retention_hours: 24,
            purge_interval_secs: 600,
        }
    }
}

impl Settings for Config {
    const DEFAULTS: &'static str = r#"
[http]
bind = "127.0.0.1:8081"
[postgres]
application_name = "catalog"
[freshness]
# An equal share of the local level for each model: nine are seven eighths of it.
local_family_bytes = 7340032
"#;

    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = Vec::new();
        faults.extend(self.postgres.faults().into_iter().map(|fault| format!("postgres: {fault}")));
        faults.extend(self.identity.faults().into_iter().map(|fault| format!("identity.{fault}")));
        faults.extend(self.auth.faults().into_iter().map(|fault| format!("auth.{fault}")));
        faults.extend(self.freshness.cache.faults().into_iter().map(|fault| format!("freshness.{fault}")));
        if u128::from(self.freshness.cache.mark_ms) < LONGEST_WRITE.as_millis() {
            let least = LONGEST_WRITE.as_millis();
            faults.push(format!(
                "freshness.mark_ms: must be at least {least}, the longest that a write may take"
            ));
        }
        faults.extend(secret_fault("records.cursor_key", &self.records.cursor_key));
        if self.records.tombstone_retention_secs < 3600 {
            faults.push("records.tombstone_retention_secs: must be at least 3600".to_owned());
        }
        if self.records.purge_interval_secs == 0 {
            faults.push("records.purge_interval_secs: must not be zero".to_owned());
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: &str = r#"
[postgres]
url = "postgres://catalog@127.0.0.1/catalog"
[records]
cursor_key = "a key of the tests, forty characters long"
[auth]
issuer = "http://catalog.test"
master_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
"#;

    #[test]
    fn the_cache_refuses_keys_that_it_does_not_know_and_marks_that_are_too_short() {
        let config = |more: &str| settings::from_toml::<Config>(&format!("{REQUIRED}[freshness]\n{more}"));
        assert!(config("domain = \"other\"\nmark_ms = 50000").is_ok_and(|config| {
            (config.freshness.domain.as_str(), config.freshness.cache.mark_ms) == ("other", 50_000)
        }));
        assert!(config("mark = 1").is_err_and(|invalid| invalid.faults().contains("mark")));
        assert!(
            config("mark_ms = 1000").is_err_and(|invalid| invalid.faults().contains("freshness.mark_ms"))
        );
    }
}
