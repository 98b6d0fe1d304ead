//! What a stream is like, and the stream its dead letters go to.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

/// Prefix of a dead letter's subject.
pub(crate) const DEAD_PREFIX: &str = "dead.";
const DEAD_SUFFIX: &str = "_DEAD";

/// A JetStream stream: what it stores and for how long. Its dead-letter stream `<name>_DEAD` is declared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    /// Capital letters, digits and underscores: `CATALOG`.
    pub name: String,
    /// Subjects stored, wildcards allowed. No two streams may overlap.
    pub subjects: Vec<String>,
    /// How long a repeated `Nats-Msg-Id` is dropped. Default 2 minutes: longer than any restart of a relay; too long costs
    /// memory on the server.
    pub duplicate_window: Duration,
    /// How long messages are kept. Default 7 days: how long a consumer may be away without losing any.
    pub max_age: Duration,
    /// How long dead letters are kept. Default 30 days: how long a person has to look at them.
    pub dead_max_age: Duration,
}

impl StreamSpec {
    /// A stream with the defaults.
    pub fn new<S: Into<String>>(name: impl Into<String>, subjects: impl IntoIterator<Item = S>) -> Self {
        Self {
            name: name.into(),
            subjects: subjects.into_iter().map(Into::into).collect(),
            duplicate_window: Duration::from_secs(2 * 60),
            max_age: Duration::from_secs(7 * 24 * 60 * 60),
            dead_max_age: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }

    /// Stored on disk; full streams never refuse a new message, age alone removes.
    pub(crate) fn config(&self, replicas: usize) -> Config {
        Config {
            name: self.name.clone(),
            subjects: self.subjects.clone(),
            duplicate_window: self.duplicate_window,
            ..common(self.max_age, replicas)
        }
    }

    pub(crate) fn dead_config(&self, replicas: usize) -> Config {
        Config {
            name: dead_name(&self.name),
            subjects: self.subjects.iter().map(|subject| dead_subject(subject)).collect(),
            duplicate_window: self.duplicate_window,
            ..common(self.dead_max_age, replicas)
        }
    }
}

fn common(max_age: Duration, replicas: usize) -> Config {
    Config {
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        max_age,
        num_replicas: replicas,
        ..Config::default()
    }
}

/// Name of the stream that keeps the dead letters of `stream`.
pub(crate) fn dead_name(stream: &str) -> String {
    format!("{stream}{DEAD_SUFFIX}")
}

/// Subject a message of `subject` dies to.
pub(crate) fn dead_subject(subject: &str) -> String {
    format!("{DEAD_PREFIX}{subject}")
}
