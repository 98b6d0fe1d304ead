//! What a service may set about its database connections.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Settings of one pool and of those of its read replicas. Every limit is in the unit its name ends with; none may be zero.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PgConfig {
    /// Where the database is: a `postgres://` URL or a `key=value` string.
    pub url: SecretString,
    /// How the connections name themselves in `pg_stat_activity`, unless the URL says so itself.
    pub application_name: String,
    /// How many connections the pool opens at most.
    pub max_connections: u32,
    /// How long a caller waits for a connection, connecting included.
    pub acquire_timeout_ms: u64,
    /// How long one statement may run (`statement_timeout`).
    pub statement_timeout_ms: u64,
    /// How long one statement may wait for a lock (`lock_timeout`).
    pub lock_timeout_ms: u64,
    /// How long a transaction may sit between two statements (`idle_in_transaction_session_timeout`).
    pub idle_in_transaction_timeout_ms: u64,
    /// Whether the slowest statement of a slow request is explained in the log (default true): after the request, on a
    /// connection of its own beyond `max_connections`, one at a time and one in ten seconds. `EXPLAIN` does not execute.
    pub explain_slow_statements: bool,
    /// How old a connection may grow before it is replaced.
    pub max_lifetime_secs: u64,
    /// Where read replicas of that database are, if there are any (default none): streaming standbys, each with a pool of its
    /// own under the same limits, so that replicas of the service × `max_connections` must fit each of them too. One URL names
    /// one server; a balancer or a pooler that changes servers within a session would break the promise of
    /// [`read_after`](crate::PgPool::read_after).
    pub replica_urls: Vec<SecretString>,
    /// How long a reader that brings a position waits for a replica to replay it, before it is sent to the primary (default
    /// 250). Longer, and such reads are slow while replicas are behind; shorter, and the primary gets reads that a replica was
    /// about to serve. Below a few round trips no replica is ever used.
    pub replica_patience_ms: u64,
}

impl Default for PgConfig {
    fn default() -> Self {
        Self {
            url: SecretString::default(),
            application_name: "aldia".to_owned(),
            max_connections: 20,
            acquire_timeout_ms: 3_000,
            statement_timeout_ms: 10_000,
            lock_timeout_ms: 3_000,
            idle_in_transaction_timeout_ms: 5_000,
            explain_slow_statements: true,
            max_lifetime_secs: 1_800,
            replica_urls: Vec::new(),
            replica_patience_ms: 250,
        }
    }
}

impl PgConfig {
    /// Everything wrong with these settings, one sentence each, without the URL's secrets.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(url_fault("url", &self.url));
        let replicas = self.replica_urls.iter().enumerate();
        faults.extend(replicas.filter_map(|(index, url)| url_fault(&format!("replica_urls[{index}]"), url)));
        let limits = [
            ("max_connections", u64::from(self.max_connections)),
            ("acquire_timeout_ms", self.acquire_timeout_ms),
            ("statement_timeout_ms", self.statement_timeout_ms),
            ("lock_timeout_ms", self.lock_timeout_ms),
            ("idle_in_transaction_timeout_ms", self.idle_in_transaction_timeout_ms),
            ("max_lifetime_secs", self.max_lifetime_secs),
            ("replica_patience_ms", self.replica_patience_ms),
        ];
        for (name, value) in limits {
            if value == 0 {
                faults.push(format!("{name} must be at least 1"));
            } else if value > u64::from(i32::MAX.unsigned_abs()) {
                faults.push(format!("{name} is larger than Postgres accepts ({})", i32::MAX));
            }
        }
        faults
    }

    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    pub(crate) fn max_lifetime(&self) -> Duration {
        Duration::from_secs(self.max_lifetime_secs)
    }

    pub(crate) fn replica_patience(&self) -> Duration {
        Duration::from_millis(self.replica_patience_ms)
    }

    /// The same settings for the pool of each replica.
    pub(crate) fn of_replicas(&self) -> impl Iterator<Item = Self> {
        self.replica_urls.iter().map(|url| Self {
            url: url.clone(),
            replica_urls: Vec::new(),
            ..self.clone()
        })
    }
}

fn url_fault(name: &str, url: &SecretString) -> Option<String> {
    if url.expose_secret().is_empty() {
        return Some(format!("{name} is missing"));
    }
    let fault = url.expose_secret().parse::<tokio_postgres::Config>().err()?;
    Some(format!("{name} is no Postgres address: {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_at_once() {
        let config = PgConfig { max_connections: 0, lock_timeout_ms: 0, ..PgConfig::default() };
        assert_eq!(
            config.faults(),
            ["url is missing", "max_connections must be at least 1", "lock_timeout_ms must be at least 1"]
        );
    }

    #[test]
    fn a_replica_that_cannot_be_one_is_named() {
        let config = PgConfig {
            url: "postgres://host/db".into(),
            replica_urls: vec![
                "postgres://replica/db".into(),
                "".into(),
                "postgres://host:notaport/db".into(),
            ],
            replica_patience_ms: 0,
            ..PgConfig::default()
        };
        let faults = config.faults();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert_eq!(faults[0], "replica_urls[1] is missing");
        assert!(faults[1].starts_with("replica_urls[2] is no Postgres address"), "{faults:?}");
        assert_eq!(faults[2], "replica_patience_ms must be at least 1");
    }

    #[test]
    fn a_password_shows_in_neither_faults_nor_debug() {
        let url = "postgres://u:hunter2@host:notaport/db";
        let config = PgConfig { url: url.into(), replica_urls: vec![url.into()], ..PgConfig::default() };
        assert!(!config.faults().is_empty());
        assert!(!format!("{:?} {config:?}", config.faults()).contains("hunter2"));
    }
}
