//! Opening one connection.

use std::error::Error;
use std::time::Duration;

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use secrecy::ExposeSecret;
use tokio_postgres::NoTls;

use crate::PgConfig;
use crate::error::PgError;
use crate::observe::Listeners;
use crate::statements::Statements;

/// How long the server may leave sent data unacknowledged before the connection counts as lost.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(15);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);

/// A checked connection recipe; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    driver: tokio_postgres::Config,
    listeners: Listeners,
}

impl Recipe {
    /// The recipe of pooled connections: all time limits go along with the start-up message, so that none costs a round
    /// trip.
    pub(crate) fn pooled(config: &PgConfig, listeners: Listeners) -> Result<Self, PgError> {
        let limits = format!(
            "-c statement_timeout={} -c lock_timeout={} -c idle_in_transaction_session_timeout={}",
            config.statement_timeout_ms, config.lock_timeout_ms, config.idle_in_transaction_timeout_ms
        );
        Ok(Self { driver: driver(config, &limits)?, listeners })
    }

    /// The recipe of the migration connection: building an index may take its time, waiting for a lock may not.
    pub(crate) fn migrating(config: &PgConfig, listeners: Listeners) -> Result<Self, PgError> {
        let limits = format!("-c statement_timeout=0 -c lock_timeout={}", config.lock_timeout_ms);
        Ok(Self { driver: driver(config, &limits)?, listeners })
    }

    /// Opens a connection whose statements are observed.
    pub(crate) async fn open(&self) -> ConnectionResult<AsyncPgConnection> {
        let (client, connection) = self
            .driver
            .connect(NoTls)
            .await
            .map_err(|error| ConnectionError::BadConnection(causes(&error)))?;
        let mut conn = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
        conn.set_instrumentation(Statements::new(Some(self.listeners.clone())));
        Ok(conn)
    }
}

/// The driver's settings: those of the configuration, and session settings beside them.
pub(crate) fn driver(config: &PgConfig, settings: &str) -> Result<tokio_postgres::Config, PgError> {
    let faults = config.faults();
    if !faults.is_empty() {
        return Err(PgError::Config(faults.join("; ")));
    }
    let mut driver: tokio_postgres::Config =
        config.url.expose_secret().parse().map_err(|error| PgError::Config(format!("{error}")))?;
    let options = match driver.get_options() {
        // The URL's own options come last, and so win.
        Some(own) => format!("{settings} {own}"),
        None => settings.to_owned(),
    };
    driver.options(options);
    if driver.get_application_name().is_none() {
        driver.application_name(&config.application_name);
    }
    driver.connect_timeout(config.acquire_timeout());
    driver.keepalives(true).keepalives_idle(KEEPALIVE_IDLE).tcp_user_timeout(TCP_USER_TIMEOUT);
    Ok(driver)
}

/// The driver's errors say little without their causes.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
