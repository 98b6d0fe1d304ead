//! Configuration: a TOML file overlaid by the environment (`ALDIA_<SECTION>__<KEY>`). Unknown keys are refused, and all
//! faults are reported at once.

use std::path::Path;

use event_bus::BusConfig;
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use http_server::HttpConfig;
use identity::IdentityConfig;
use pg_pool::PgConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use telemetry::TelemetryConfig;

use crate::api::auth::config::AuthConfig;

/// Where this service differs from the defaults of the shared sections.
const OWN_DEFAULTS: &str = r#"
[http]
bind = "127.0.0.1:8081"
[postgres]
application_name = "catalog"
"#;

/// Everything that can be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The port that requests come in by.
    pub http: HttpConfig,
    /// The database of this service alone.
    pub postgres: PgConfig,
    /// Shared counters of sign-in attempts.
    pub redis: RedisConfig,
    /// Where events go.
    pub nats: BusConfig,
    /// Logs, traces and metrics.
    pub telemetry: TelemetryConfig,
    /// Whose tokens are accepted, beside our own.
    pub identity: IdentityConfig,
    /// How our own tokens are made.
    pub auth: AuthConfig,
    /// The records' API.
    pub records: RecordsConfig,
}

/// Settings of Redis.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// Its address with its password, `redis://:password@host:port`.
    pub url: SecretString,
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

impl Default for RedisConfig {
    fn default() -> Self {
        Self { url: "redis://127.0.0.1:6379".into() }
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

/// `ALDIA_CONFIG` and `ALDIA_DEMO_PASSWORD` name no section; what does is `ALDIA_<SECTION>__<KEY>`.
fn is_section(name: &figment::value::UncasedStr) -> bool {
    name.as_str().contains("__")
}

impl Config {
    /// Reads a file, if one is named, and the environment over it.
    ///
    /// # Errors
    /// Every fault, a line each, with its key.
    pub fn load(file: Option<&Path>) -> Result<Self, String> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            if !file.is_file() {
                return Err(format!("there is no configuration file {}", file.display()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        Self::extract(&figment.merge(Env::prefixed("ALDIA_").filter(is_section).split("__")))
    }

    /// Reads a configuration from TOML alone, as tests do.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_toml(text: &str) -> Result<Self, String> {
        Self::extract(&Figment::from(Toml::string(text)))
    }

    fn extract(figment: &Figment) -> Result<Self, String> {
        let config: Self =
            Figment::from(Toml::string(OWN_DEFAULTS)).merge(figment).extract().map_err(|error| {
                error.into_iter().map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n")
            })?;
        let faults = config.faults();
        if faults.is_empty() { Ok(config) } else { Err(faults.join("\n")) }
    }

    /// Everything wrong with these settings, each with its key.
    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = Vec::new();
        faults.extend(self.postgres.faults().into_iter().map(|fault| format!("postgres: {fault}")));
        faults.extend(self.identity.faults().into_iter().map(|fault| format!("identity.{fault}")));
        faults.extend(self.auth.faults().into_iter().map(|fault| format!("auth.{fault}")));
        if self.records.cursor_key.expose_secret().chars().count() < 32 {
            faults.push("records.cursor_key: at least 32 characters are expected".to_owned());
        }
        if self.records.tombstone_retention_secs < 3600 {
            faults.push("records.tombstone_retention_secs: must be at least 3600".to_owned());
        }
        if self.records.purge_interval_secs == 0 {
            faults.push("records.purge_interval_secs: must not be zero".to_owned());
        }
        faults
    }
}
