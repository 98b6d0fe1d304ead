//! What a service may set about its database connections.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Settings of one pool. Every limit is in the unit its name ends with; none may be zero.
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
    /// How old a connection may grow before it is replaced.
    pub max_lifetime_secs: u64,
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
            max_lifetime_secs: 1_800,
        }
    }
}

impl PgConfig {
    /// Everything wrong with these settings, one sentence each, without the URL's secrets.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.url.expose_secret().is_empty() {
            faults.push("url is missing".to_owned());
        } else if let Err(error) = self.url.expose_secret().parse::<tokio_postgres::Config>() {
            faults.push(format!("url is no Postgres address: {error}"));
        }
        let limits = [
            ("max_connections", u64::from(self.max_connections)),
            ("acquire_timeout_ms", self.acquire_timeout_ms),
            ("statement_timeout_ms", self.statement_timeout_ms),
            ("lock_timeout_ms", self.lock_timeout_ms),
            ("idle_in_transaction_timeout_ms", self.idle_in_transaction_timeout_ms),
            ("max_lifetime_secs", self.max_lifetime_secs),
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
    fn a_password_shows_in_neither_faults_nor_debug() {
        let config = PgConfig { url: "postgres://u:hunter2@host:notaport/db".into(), ..PgConfig::default() };
        assert!(!config.faults().is_empty());
        assert!(!format!("{:?} {config:?}", config.faults()).contains("hunter2"));
    }
}
