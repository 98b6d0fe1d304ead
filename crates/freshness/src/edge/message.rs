//! What writers, edges and operators tell each other over NATS: subjects and payloads.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::Domain;

/// Where writers say which groups changed. The reply subject wants the session that applied it.
pub(crate) fn invalidate_subject(domain: &Domain) -> String {
    subject(domain, "invalidate")
}

/// Where operators say what to forget.
pub(crate) fn purge_subject(domain: &Domain) -> String {
    subject(domain, "purge")
}

/// Where a session hears itself.
pub(crate) fn ping_subject(domain: &Domain, session: &str) -> String {
    subject(domain, &format!("ping.{session}"))
}

fn subject(domain: &Domain, what: &str) -> String {
    format!("aldia.fresh.{}.{what}", domain.as_str())
}

/// A write changed these groups.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Invalidation {
    /// Names the announcement among those of its writer.
    pub(crate) id: String,
    /// When the write was committed, by the writer's clock, in milliseconds since 1970. For measuring only.
    pub(crate) committed_at_ms: u64,
    pub(crate) groups: Vec<String>,
}

impl Invalidation {
    /// How long ago the write was committed; zero when the clocks of the two machines disagree about the order.
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        Duration::from_millis(unix_ms(now).saturating_sub(self.committed_at_ms))
    }
}

/// An operator wants these groups, or everything, to be fetched anew.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PurgeOrder {
    Groups(Vec<String>),
    All,
}

/// The payload of a message.
pub(crate) fn encode(message: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    serde_json::to_vec(message).map(Bytes::from)
}

pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The texts as the tracker wants them.
pub(crate) fn borrowed(groups: &[String]) -> Vec<&str> {
    groups.iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_write_is_never_negative() {
        let invalidation = Invalidation { id: "1".to_owned(), committed_at_ms: 5_000, groups: Vec::new() };
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        assert_eq!(invalidation.age(at(5_012)), Duration::from_millis(12));
        assert_eq!(invalidation.age(at(4_000)), Duration::ZERO);
    }

    #[test]
    fn an_order_to_purge_says_what_or_everything() {
        let groups = PurgeOrder::Groups(vec!["animals/42".to_owned()]);
        assert_eq!(encode(&groups).unwrap(), r#"{"groups":["animals/42"]}"#);
        assert_eq!(encode(&PurgeOrder::All).unwrap(), r#""all""#);
    }
}
