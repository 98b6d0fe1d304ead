//! The `telemetry` section of a service's configuration.

use serde::{Deserialize, Serialize};

/// What is logged, what is traced, and where traces go.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Which events become log lines, in `tracing` filter syntax: `info`, `debug`, `info,pg_pool=debug`.
    /// Default `info`. Finer than `info` costs a line per statement; coarser than `info` loses the access log.
    pub log: String,
    /// Where spans are sent as OTLP over HTTP with protobuf, the whole URL:
    /// `http://127.0.0.1:4318/v1/traces`. Default: none, nothing is exported.
    pub otlp_endpoint: Option<String>,
    /// Share of the traces begun here that are recorded, 0.0 to 1.0. Default 1.0. A trace begun elsewhere follows
    /// the decision its `traceparent` carries. Too high fills the collector. Slow and failed requests of the others get their
    /// server span afterwards.
    pub sample_ratio: f64,
    /// Requests that take longer than this many milliseconds are logged with their statements, and recorded when they were
    /// not drawn. Default 500.
    /// Too low buries the log, too high hides what users feel.
    pub slow_request_ms: u64,
    /// A poll of a task that holds its thread for at least this many milliseconds is logged and counted. Default 10; 0 turns
    /// that off. Too low reports what nobody feels, too high hides what stops every other request of the thread.
    pub blocking_poll_ms: u64,
    /// Whether such a line says what the thread did, as a stack. Default true. Costs nothing until a poll is too long.
    pub blocking_stacks: bool,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            otlp_endpoint: None,
            sample_ratio: 1.0,
            slow_request_ms: 500,
            blocking_poll_ms: 10,
            blocking_stacks: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TelemetryConfig;

    #[test]
    fn missing_keys_take_their_defaults() {
        let config: TelemetryConfig = serde_json::from_str(r#"{"log":"debug"}"#).unwrap();
        assert_eq!(config.log, "debug");
        assert_eq!(config.slow_request_ms, 500);
        assert!(config.otlp_endpoint.is_none());
    }

    #[test]
    fn unknown_keys_are_refused() {
        let error = serde_json::from_str::<TelemetryConfig>(r#"{"logg":"debug"}"#).unwrap_err();
        assert!(error.to_string().contains("logg"));
    }
}
