//! Configuration: a TOML file overlaid by the environment (`ALDIA_<SECTION>__<KEY>`). Unknown keys are refused, and all
//! faults are reported at once. The service and its workers read the same file, or two that agree.

use blob_store::{Backend, StorageConfig};
use event_bus::BusConfig;
use freshness::FreshnessConfig;
use http_server::HttpConfig;
use identity::IdentityConfig;
use pg_pool::PgConfig;
use secrecy::SecretString;
use serde::Deserialize;
use settings::{RedisConfig, Settings, secret_fault};
use telemetry::TelemetryConfig;

mod ingest;
mod processing;

pub use ingest::IngestConfig;
pub use processing::{ProcessingConfig, WatermarkConfig};

/// Everything that can be set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The port that requests come in by. A worker has one too, for its health and metrics.
    pub http: HttpConfig,
    /// The database of this service alone.
    pub postgres: PgConfig,
    /// Where gateways hold their leases on what they keep of public media.
    pub redis: RedisConfig,
    /// Where events go, where workers hear of work and clients of progress.
    pub nats: BusConfig,
    /// How gateways are told of what may no longer be shown.
    pub freshness: FreshnessSection,
    /// Logs, traces and metrics.
    pub telemetry: TelemetryConfig,
    /// Whose tokens are accepted.
    pub identity: IdentityConfig,
    /// Where objects lie: on disk or in S3 (U-A14).
    pub storage: StorageConfig,
    /// What may come in, and how fast.
    pub ingest: IngestConfig,
    /// What is made of it.
    pub processing: ProcessingConfig,
    /// How media go out.
    pub media: MediaConfig,
    /// The API.
    pub api: ApiConfig,
    /// Who may do more than owners.
    pub access: AccessConfig,
}

/// Settings of the cache.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreshnessSection {
    /// Name of what is kept fresh together (default `upload-ingest`). Replicas on one database have one name, and gateways use
    /// the same.
    pub domain: String,
    /// Sizes and times.
    #[serde(flatten)]
    pub cache: FreshnessConfig,
}

/// Settings of media that go out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaConfig {
    /// Key that signs links to private media, at least 32 characters. A new one voids the links that are out.
    pub capability_key: SecretString,
    /// How long such a link is good for at least, in seconds (default 3600, at most a week), and twice that at most. A phone
    /// may sleep; a link may leak.
    pub capability_secs: u32,
}

/// Settings of the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Key that signs cursors and takes the fingerprints of idempotent requests, at least 32 characters.
    pub cursor_key: SecretString,
    /// How long answers to idempotent requests are kept, in hours (default 24).
    pub idempotency_retention_hours: u16,
}

/// Settings of rights.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// Roles that may hide assets and show them again (default `moderator`). Administrators always may.
    pub moderator_roles: Vec<String>,
    /// The issuer whose subjects are stored as they are; those of any other have their issuer before them. Empty: the
    /// first of `identity.issuers`.
    pub own_issuer: String,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self { capability_key: SecretString::default(), capability_secs: 3600 }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { cursor_key: SecretString::default(), idempotency_retention_hours: 24 }
    }
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { moderator_roles: vec!["moderator".to_owned()], own_issuer: String::new() }
    }
}

impl Settings for Config {
    const DEFAULTS: &'static str = r#"
[http]
bind = "127.0.0.1:8084"
[postgres]
application_name = "upload-ingest"
[freshness]
domain = "upload-ingest"
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
        section("storage", self.storage.faults());
        section("ingest", self.ingest.faults());
        section("processing", self.processing.faults());
        faults.extend(secret_fault("media.capability_key", &self.media.capability_key));
        faults.extend(secret_fault("api.cursor_key", &self.api.cursor_key));
        if !(60..=604_800).contains(&self.media.capability_secs) {
            faults.push("media.capability_secs: must lie between 60 and 604800".to_owned());
        }
        // What is acknowledged ends with a buffer, and is kept in whole parts.
        if self.storage.backend == Backend::S3 && !self.parts_are_buffers() {
            faults.push("storage.s3.part_bytes: must be a multiple of ingest.buffer_bytes".to_owned());
        }
        faults
    }
}

impl Config {
    /// Whether parts begin and end where buffers do.
    fn parts_are_buffers(&self) -> bool {
        let buffer = u64::try_from(self.ingest.buffer_bytes).unwrap_or(u64::MAX);
        self.storage.s3.part_bytes.is_multiple_of(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: &str = r#"
[postgres]
url = "postgres://upload_ingest@127.0.0.1/upload_ingest"
[api]
cursor_key = "a key of the tests, forty characters long"
[media]
capability_key = "a key of the tests, forty characters long"
"#;

    #[test]
    fn what_is_required_is_enough() {
        let config: Config = settings::from_toml(REQUIRED).unwrap();
        assert_eq!(config.http.bind, "127.0.0.1:8084");
        assert_eq!(config.freshness.domain, "upload-ingest");
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_key() {
        let invalid = settings::from_toml::<Config>(
            "[media]\ncapability_secs = 1\n[ingest]\nbuffer_bytes = 1\n[processing]\nconcurrency = 0\n",
        )
        .unwrap_err();
        let faults = invalid.faults();
        for key in [
            "media.capability_secs",
            "media.capability_key",
            "api.cursor_key",
            "ingest.buffer_bytes",
            "processing.concurrency",
            "postgres.url",
        ] {
            assert!(faults.contains(key), "{key} in {faults}");
        }
        let unknown = settings::from_toml::<Config>("[ingest]\nmax_size = 1").unwrap_err();
        assert!(unknown.faults().contains("max_size"));
    }

    #[test]
    fn parts_in_s3_are_made_of_whole_buffers() {
        let with = |storage: &str, buffer: u32| {
            settings::from_toml::<Config>(&format!(
                "{REQUIRED}[ingest]\nbuffer_bytes = {buffer}\n[storage]\n{storage}"
            ))
        };
        let s3 = "backend = \"s3\"\n[storage.s3]\nbucket = \"b\"\naccess_key_id = \"i\"\nsecret_access_key = \"s\"";
        assert!(with(s3, 262_144).is_ok());
        assert!(with(s3, 300_000).unwrap_err().faults().starts_with("storage.s3.part_bytes: "));
        assert!(with("backend = \"local\"", 300_000).is_ok(), "nothing is cut into parts");
    }

    #[test]
    fn subjects_of_the_first_issuer_are_our_own() {
        let issuers = "[[identity.issuers]]\nissuer = \"http://one\"\njwks_url = \"http://one/keys\"\n";
        let config: Config = settings::from_toml(&format!("{REQUIRED}{issuers}")).unwrap();
        assert_eq!(config.access.own_issuer, "http://one");
    }
}
