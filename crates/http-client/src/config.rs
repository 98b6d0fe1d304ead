//! Limits of a client.

use serde::{Deserialize, Serialize};

/// Limits of one client; each is in the unit its name ends with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientConfig {
    /// How long opening a connection may take.
    pub connect_timeout_ms: u64,
    /// How long a whole call may take: attempts, pauses and the answer's body.
    pub timeout_ms: u64,
    /// How often a call that may be repeated is repeated at most.
    pub max_retries: u32,
    /// How large an answer's body may be.
    pub max_answer_bytes: usize,
    /// How many failures in a row make an origin be left alone; 0 never does.
    pub breaker_failures: u32,
    /// How long a failing origin is left alone before it is probed.
    pub breaker_pause_ms: u64,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 1_000,
            timeout_ms: 5_000,
            max_retries: 2,
            max_answer_bytes: 4 * 1024 * 1024,
            breaker_failures: 5,
            breaker_pause_ms: 5_000,
        }
    }
}
