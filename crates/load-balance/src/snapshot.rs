//! What a balancer tells others: states, their changes, loads.

use std::time::Duration;

/// Why an instance gets requests, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Has not passed a check yet; gets requests only while no instance is healthy.
    Starting,
    /// Gets its share.
    Healthy,
    /// Failed its checks; gets requests only by panic routing.
    Unhealthy,
    /// Failed its requests (its checks may pass); gets requests only by panic routing.
    Ejected {
        /// How long from now.
        remaining: Duration,
    },
}

impl State {
    /// Every name that [`State::name`] can give.
    pub const NAMES: [&'static str; 4] = ["starting", "healthy", "unhealthy", "ejected"];

    /// The state in one word, for labels of metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Ejected { .. } => "ejected",
        }
    }
}

/// One instance at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceSnapshot {
    /// Why it gets requests, or does not. Unhealthy hides ejected.
    pub state: State,
    /// Requests under way.
    pub in_flight: u32,
    /// Requests that failed in a row.
    pub consecutive_failures: u32,
    /// Ejections on its count, after what quiet periods have taken off; the next one lasts `ejections + 1` times the first.
    pub ejections: u32,
    /// 10 to 100; below 100 in slow start.
    pub weight_percent: u32,
}

/// The upstream as a whole at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Requests under way, those of balancers before this one included.
    pub active: u32,
    /// Retries under way.
    pub retries: u32,
    /// Retries that may be under way beside so many requests.
    pub retry_limit: u32,
}

/// A change of state that is worth a log line. The end of an ejection is none: it comes by time, not by an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Checks pass.
    BecameHealthy,
    /// Checks fail.
    BecameUnhealthy,
    /// Requests failed.
    Ejected {
        /// How long it stays out.
        lasts: Duration,
        /// Ejections on its count, this one included.
        ejections: u32,
    },
}
