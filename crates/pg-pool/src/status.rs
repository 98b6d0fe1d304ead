//! What the pools hold at the moment, as values for a debugging endpoint.

use serde::Serialize;

/// The connections to one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PoolStatus {
    /// Connections that are open or being opened.
    pub size: usize,
    /// Those of them that are idle.
    pub available: usize,
    /// Callers waiting for one.
    pub waiting: usize,
    /// How many there may be (`max_connections`).
    pub max: usize,
}

impl PoolStatus {
    /// As the metrics show it.
    pub(crate) fn by_state(self) -> [(&'static str, i64); 4] {
        [
            ("idle", self.available),
            ("in_use", self.size.saturating_sub(self.available)),
            ("waiting", self.waiting),
            ("max", self.max),
        ]
        .map(|(state, count)| (state, i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

/// A read replica and the connections to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReplicaStatus {
    /// The connections.
    #[serde(flatten)]
    pub pool: PoolStatus,
    /// Whether the next read with a position may go there; `false` for a while after it could not be reached or turned
    /// out to be no replica.
    pub usable: bool,
    /// Seconds it was behind the primary when it was last looked at; `None` before the first look.
    pub lag_seconds: Option<f64>,
}

/// All connections of a [`PgPool`](crate::PgPool).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PgPoolStatus {
    /// Those to the primary.
    pub primary: PoolStatus,
    /// Those to each read replica, in the order of the settings.
    pub replicas: Vec<ReplicaStatus>,
}
