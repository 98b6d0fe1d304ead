//! Configuration: a TOML file overlaid by the environment (`ALDIA_<SECTION>__<KEY>`). Unknown keys are refused, and all
//! faults are reported at once.

use event_bus::BusConfig;
use freshness::FreshnessConfig;
use http_server::HttpConfig;
use identity::IdentityConfig;
use pg_pool::PgConfig;
use secrecy::SecretString;
use serde::Deserialize;
use settings::{RedisConfig, Settings, secret_fault};
use telemetry::TelemetryConfig;

/// Everything that can be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The port that requests come in by.
    pub http: HttpConfig,
    /// The database of this service alone.
    pub postgres: PgConfig,
    /// The shared level of the cache, and where gateways hold their leases.
    pub redis: RedisConfig,
    /// Where events go, and where gateways are told of writes.
    pub nats: BusConfig,
    /// The cache of lists and packages, in Redis and in memory.
    pub freshness: FreshnessSection,
    /// Logs, traces and metrics.
    pub telemetry: TelemetryConfig,
    /// Whose tokens are accepted.
    pub identity: IdentityConfig,
    /// Who is who.
    pub access: AccessConfig,
    /// Where photos and papers are.
    pub uploads: UploadsConfig,
    /// The API.
    pub api: ApiConfig,
    /// How the desk works.
    pub desk: DeskConfig,
    /// How messages reach customers.
    pub messages: MessagesConfig,
    /// What runs beside requests.
    pub jobs: JobsConfig,
}

/// Settings of the cache.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreshnessSection {
    /// Name of what is kept fresh together (default `package-ledger`). Replicas on one database have one name, and gateways use
    /// the same.
    pub domain: String,
    /// Sizes and times.
    #[serde(flatten)]
    pub cache: FreshnessConfig,
}

/// Settings of rights.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// The issuer whose subjects are the catalog's ids of users; the ids of others are derived from issuer and subject. Empty:
    /// the first of `identity.issuers`.
    pub own_issuer: String,
}

/// Settings of the way to upload-ingest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UploadsConfig {
    /// Its address (default `http://127.0.0.1:8084`). It is asked when photos or papers are added, with the token of whoever adds them.
    pub url: String,
    /// How long such a question may take, in milliseconds (default 3000). What takes longer is refused with 503.
    pub timeout_ms: u64,
}

/// Settings of the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Key that signs cursors and takes the fingerprints of idempotent requests, at least 32 characters.
    pub cursor_key: SecretString,
    /// Key that pickup codes are made with, at least 32 characters. Another key voids every code that is out.
    pub pickup_key: SecretString,
    /// How long answers to idempotent requests are kept, in hours (default 24).
    pub idempotency_retention_hours: u16,
}

/// Settings of the desk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeskConfig {
    /// Whether a parcel may be received that nobody announced (default true).
    pub receive_unannounced: bool,
    /// How long an announced parcel is waited for, in days (default 60).
    pub announcement_days: u16,
    /// How long photos and papers are kept at least after a package has ended, in days (default 30).
    pub file_retention_days: u16,
}

/// How messages leave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// Each message becomes a file in `messages.spool_directory`: for development.
    #[default]
    Spool,
    /// Mail goes to an SMTP server, everything else as with `webhook`.
    Smtp,
    /// Each message is posted to `messages.webhook_url`, for a gateway of text messages.
    Webhook,
}

/// Settings of messages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessagesConfig {
    /// How they leave (default `spool`).
    pub sender: Sender,
    /// Where they are put by `spool` (default `.aldia/spool`).
    pub spool_directory: String,
    /// The SMTP server, as `smtp://user:password@host:port?tls=required` or `smtps://…`; needed by `smtp`.
    pub smtp_url: SecretString,
    /// Whom mail comes from (default `aldia <desk@localhost>`).
    pub mail_from: String,
    /// Where messages are posted by `webhook`, and by `smtp` what is no mail; without it those fail with `no_route`.
    pub webhook_url: SecretString,
    /// How long one message may take, in milliseconds (default 10000).
    pub timeout_ms: u64,
    /// Pause before a message is tried again, in seconds, doubled each time (default 60).
    pub retry_secs: u32,
    /// Messages that are sent at the same time (default 8).
    pub in_flight: u16,
}

/// Settings of what runs beside requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// Whether this process fires deadlines, sends messages and purges (default true).
    pub enabled: bool,
    /// Pause between two looks for deadlines that are due and messages that wait, in milliseconds (default 1000).
    pub interval_ms: u64,
}

impl Default for UploadsConfig {
    fn default() -> Self {
        Self { url: "http://127.0.0.1:8084".to_owned(), timeout_ms: 3000 }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            cursor_key: SecretString::default(),
            pickup_key: SecretString::default(),
            idempotency_retention_hours: 24,
        }
    }
}

impl Default for DeskConfig {
    fn default() -> Self {
        Self { receive_unannounced: true, announcement_days: 60, file_retention_days: 30 }
    }
}

impl Default for MessagesConfig {
    fn default() -> Self {
        Self {
            sender: Sender::default(),
            spool_directory: ".aldia/spool".to_owned(),
            smtp_url: SecretString::default(),
            mail_from: "aldia <desk@localhost>".to_owned(),
            webhook_url: SecretString::default(),
            timeout_ms: 10_000,
            retry_secs: 60,
            in_flight: 8,
        }
    }
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { enabled: true, interval_ms: 1000 }
    }
}

impl Settings for Config {
    const DEFAULTS: &'static str = r#"
[http]
bind = "127.0.0.1:8083"
[postgres]
application_name = "package-ledger"
[freshness]
domain = "package-ledger"
"#;

    fn complete(&mut self) {
        if self.access.own_issuer.is_empty()
            && let Some(first) = self.identity.issuers.first()
        {
            self.access.own_issuer.clone_from(&first.issuer);
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = Vec::new();
        let mut section = |name: &str, found: Vec<String>| {
            faults.extend(found.into_iter().map(|fault| format!("{name}.{fault}")));
        };
        section("postgres", self.postgres.faults());
        section("identity", self.identity.faults());
        section("freshness", self.freshness.cache.faults());
        section("messages", self.messages.faults());
        faults.extend(secret_fault("api.cursor_key", &self.api.cursor_key));
        faults.extend(secret_fault("api.pickup_key", &self.api.pickup_key));
        for (key, is_zero) in [
            ("jobs.interval_ms", self.jobs.interval_ms == 0),
            ("uploads.timeout_ms", self.uploads.timeout_ms == 0),
            ("desk.announcement_days", self.desk.announcement_days == 0),
        ] {
            if is_zero {
                faults.push(format!("{key}: must not be zero"));
            }
        }
        faults
    }
}

impl MessagesConfig {
    fn faults(&self) -> Vec<String> {
        use secrecy::ExposeSecret as _;

        let mut faults = Vec::new();
        if self.sender == Sender::Smtp && self.smtp_url.expose_secret().is_empty() {
            faults.push("smtp_url: is needed by sender = \"smtp\"".to_owned());
        }
        if self.sender == Sender::Webhook && self.webhook_url.expose_secret().is_empty() {
            faults.push("webhook_url: is needed by sender = \"webhook\"".to_owned());
        }
        for (key, is_zero) in [
            ("timeout_ms", self.timeout_ms == 0),
            ("retry_secs", self.retry_secs == 0),
            ("in_flight", self.in_flight == 0),
        ] {
            if is_zero {
                faults.push(format!("{key}: must not be zero"));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: &str = r#"
[postgres]
url = "postgres://package_ledger@127.0.0.1/package_ledger"
[api]
cursor_key = "a key of the tests, forty characters long"
pickup_key = "another key of the tests, of some length"
"#;

    #[test]
    fn what_is_required_is_enough() {
        let config: Config = settings::from_toml(REQUIRED).unwrap();
        assert_eq!(config.http.bind, "127.0.0.1:8083");
        assert_eq!(config.freshness.domain, "package-ledger");
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_key() {
        let text = "[messages]\nsender = \"smtp\"\nretry_secs = 0\n[jobs]\ninterval_ms = 0\n";
        let faults = settings::from_toml::<Config>(text).unwrap_err().to_string();
        for key in ["messages.smtp_url", "messages.retry_secs", "jobs.interval_ms", "api.pickup_key"] {
            assert!(faults.contains(key), "{key} in {faults}");
        }
    }
}
