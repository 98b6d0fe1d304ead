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
    /// Where events go and come from, where gateways are told of writes, and replicas of news for their sockets.
    pub nats: BusConfig,
    /// The cache of feeds, in Redis and in memory.
    pub freshness: FreshnessSection,
    /// Logs, traces and metrics.
    pub telemetry: TelemetryConfig,
    /// Whose tokens are accepted.
    pub identity: IdentityConfig,
    /// Who is who, and may do more than others.
    pub access: AccessConfig,
    /// Where photos and videos are.
    pub uploads: UploadsConfig,
    /// The API.
    pub api: ApiConfig,
    /// Open sockets.
    pub live: LiveConfig,
    /// What runs beside requests.
    pub jobs: JobsConfig,
}

/// Settings of the cache.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreshnessSection {
    /// Name of what is kept fresh together (default `stories-feed`). Replicas on one database have one name, and gateways use
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
    /// Its address (default `http://127.0.0.1:8084`). It is asked when a story with media is posted, with the author's token.
    pub url: String,
    /// How long such a question may take, in milliseconds (default 3000). What takes longer is refused with 503.
    pub timeout_ms: u64,
    /// Largest picture that a story may show, in bytes of the upload (default 10 MiB, S-B3).
    pub max_image_bytes: u64,
    /// Largest video that a story may show, in bytes of the upload (default 50 MiB, S-B3).
    pub max_video_bytes: u64,
}

/// Settings of the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Key that signs cursors and tickets and takes the fingerprints of idempotent requests, at least 32 characters.
    pub cursor_key: SecretString,
    /// How long answers to idempotent requests are kept, in hours (default 24).
    pub idempotency_retention_hours: u16,
    /// Deepest nesting of a GraphQL query (default 12).
    pub graphql_max_depth: usize,
    /// Most that a GraphQL query may cost, in fields that it can yield (default 20000).
    pub graphql_max_cost: usize,
    /// Which edition of GraphQL over HTTP decides on statuses: `draft` (default), as clients know it, or `2026-09`, the published one.
    pub graphql_edition: graphql_http::Edition,
}

/// Settings of open sockets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveConfig {
    /// Sockets of one process at most (default 20000). Each costs about 20 KiB here, and as much at the gateway.
    pub max_sockets: usize,
    /// Sockets of one person in one process at most (default 16).
    pub max_sockets_per_person: usize,
    /// Messages that wait for one socket at most (default 64). A client slower than that is sent away with the position it
    /// has, and resumes from there.
    pub max_queued: usize,
    /// Pause between two pings, in seconds (default 30). Who has not answered two of them is gone.
    pub heartbeat_secs: u64,
    /// How often news are looked for even if nobody told of any, in milliseconds (default 1000).
    pub poll_ms: u64,
    /// How long a ticket to open a socket is good for, in seconds (default 30).
    pub ticket_secs: u32,
}

/// Settings of what runs beside requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobsConfig {
    /// Whether this process consumes events, archives and purges (default true).
    pub enabled: bool,
    /// Pause between two passes of archiving and purging, in seconds (default 30). Nothing that is shown depends on it.
    pub interval_secs: u64,
    /// How long the log of a feed is kept, in seconds (default 3600): sockets cut for longer must read the feed anew.
    pub event_retention_secs: u32,
    /// How long deleted and removed stories are kept, in days (default 30), for moderators and appeals.
    pub ended_retention_days: u16,
}

impl Default for UploadsConfig {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8084".to_owned(),
            timeout_ms: 3000,
            max_image_bytes: 10 << 20,
            max_video_bytes: 50 << 20,
        }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            cursor_key: SecretString::default(),
            idempotency_retention_hours: 24,
            graphql_max_depth: 12,
            graphql_max_cost: 20_000,
            graphql_edition: graphql_http::Edition::default(),
        }
    }
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            max_sockets: 20_000,
            max_sockets_per_person: 16,
            max_queued: 64,
            heartbeat_secs: 30,
            poll_ms: 1000,
            ticket_secs: 30,
        }
    }
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self { enabled: true, interval_secs: 30, event_retention_secs: 3600, ended_retention_days: 30 }
    }
}

impl Settings for Config {
    const DEFAULTS: &'static str = r#"
[http]
bind = "127.0.0.1:8082"
[postgres]
application_name = "stories-feed"
[freshness]
domain = "stories-feed"
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
        section("live", self.live.faults());
        faults.extend(secret_fault("api.cursor_key", &self.api.cursor_key));
        if self.jobs.interval_secs == 0 {
            faults.push("jobs.interval_secs: must not be zero".to_owned());
        }
        if self.jobs.event_retention_secs < 60 {
            faults.push("jobs.event_retention_secs: must be at least 60".to_owned());
        }
        if self.uploads.timeout_ms == 0 {
            faults.push("uploads.timeout_ms: must not be zero".to_owned());
        }
        faults
    }
}

impl LiveConfig {
    fn faults(&self) -> Vec<String> {
        [
            ("max_queued", self.max_queued == 0),
            ("heartbeat_secs", self.heartbeat_secs == 0),
            ("poll_ms", self.poll_ms == 0),
            ("ticket_secs", self.ticket_secs == 0),
        ]
        .into_iter()
        .filter(|(_, is_zero)| *is_zero)
        .map(|(key, _)| format!("{key}: must not be zero"))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: &str = r#"
[postgres]
url = "postgres://stories_feed@127.0.0.1/stories_feed"
[api]
cursor_key = "a key of the tests, forty characters long"
"#;

    #[test]
    fn what_is_required_is_enough() {
        let config: Config = settings::from_toml(REQUIRED).unwrap();
        assert_eq!(config.http.bind, "127.0.0.1:8082");
        assert_eq!(config.freshness.domain, "stories-feed");
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_key() {
        let text = "[live]\nmax_queued = 0\n[jobs]\ninterval_secs = 0\nevent_retention_secs = 1\n";
        let faults = settings::from_toml::<Config>(text).unwrap_err().to_string();
        for key in ["live.max_queued", "jobs.interval_secs", "jobs.event_retention_secs", "api.cursor_key"] {
            assert!(faults.contains(key), "{key} in {faults}");
        }
    }
}
