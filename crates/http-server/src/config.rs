//! The `http` section of a service's configuration.

use serde::{Deserialize, Serialize};

/// Where a server listens and what it grants its clients.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port to listen on; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub bind: String,
    /// Threads that serve requests. Default 2, at least 1. More than cores only adds switching; fewer leaves cores idle.
    pub workers: usize,
    /// Largest body, in bytes, that extractors read. Default 1 MiB. Too high invites memory exhaustion, too low
    /// refuses honest bulk requests. Handlers that stream are not bound by it.
    pub max_body_bytes: usize,
    /// Seconds that requests in flight get when the server stops. Default 10. Too low cuts answers short, too high
    /// delays a restart.
    pub drain_secs: u64,
    /// Seconds an idle connection is kept open. Default 75. Must exceed that of the proxy in front, or the proxy
    /// will at times write to a connection being closed.
    pub keep_alive_secs: u64,
    /// Milliseconds a client may take to send a request's head. Default 5000. Too high helps slow-loris attacks,
    /// too low fails clients on bad networks.
    pub client_request_timeout_ms: u64,
    /// Bytes that a client may send ahead of what was read (`SO_RCVBUF`); by default as many as the system sees fit. A bound keeps large
    /// bodies with their sender, and slows clients that are far away: each gets that much in a round trip.
    pub receive_buffer_bytes: Option<usize>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            bind: "127.0.0.1:8080".to_owned(),
            workers: 2,
            max_body_bytes: 1024 * 1024,
            drain_secs: 10,
            keep_alive_secs: 75,
            client_request_timeout_ms: 5000,
            receive_buffer_bytes: None,
        }
    }
}
