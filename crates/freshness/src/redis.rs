//! The way to Redis: one multiplexed connection, a bound on every call, and rest after a failure for those who can do without.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use deadpool_redis::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use deadpool_redis::redis::{Client, ErrorKind, FromRedisValue, RedisError, ScriptInvocation};
use prometheus_client::metrics::histogram::Histogram;
use telemetry::request::Part;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::FreshnessError;

/// The longest a call may take that somebody can do without: a read goes to the database, what has to be done is tried again.
pub(crate) const DEADLINE: Duration = Duration::from_millis(200);
/// The same where the answer decides whether a write is refused: to be late by a moment is better than that.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);
/// How long reads leave Redis alone after a failure, so that an outage costs one slow read a second and not every one.
const REST: Duration = Duration::from_secs(1);
/// After so many calls in a row without any answer the connection is taken for dead: one whose other end vanished without
/// a word would otherwise be waited on for as long as the kernel does.
const DEAF_CALLS: u32 = 5;

pub(crate) struct Redis {
    client: Client,
    calls: Histogram,
    /// A std mutex: held for a clone or a comparison, never across an await.
    state: Mutex<State>,
}

struct State {
    connection: ConnectionManager,
    /// Set while Redis does not answer.
    resting_until: Option<Instant>,
    timeouts: u32,
}

impl Redis {
    /// `calls` counts what each call takes.
    pub(crate) fn connect(url: &str, calls: Histogram) -> Result<Self, FreshnessError> {
        let client = Client::open(url).map_err(FreshnessError::Address)?;
        let connection = connection(&client).map_err(FreshnessError::Address)?;
        let state = State { connection, resting_until: None, timeouts: 0 };
        Ok(Self { client, calls, state: Mutex::new(state) })
    }

    /// Whether the last call was answered.
    pub(crate) fn answers(&self) -> bool {
        self.state().resting_until.is_none()
    }

    /// Whether to do without Redis for now. After the rest one caller is let through to look.
    pub(crate) fn is_resting(&self) -> bool {
        let mut state = self.state();
        let Some(until) = state.resting_until else { return false };
        let now = Instant::now();
        if now < until {
            return true;
        }
        state.resting_until = Some(now + DEADLINE);
        false
    }

    /// Runs a script, which takes [`DEADLINE`] at most.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &'static str,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, FreshnessError> {
        self.run_within(DEADLINE, script, invocation).await
    }

    /// Runs a script. One that was not answered in time may still run later: each must be harmless then.
    pub(crate) async fn run_within<T: FromRedisValue>(
        &self,
        longest: Duration,
        script: &'static str,
        invocation: &ScriptInvocation<'_>,
    ) -> Result<T, FreshnessError> {
        let span = tracing::info_span!(
            "command",
            otel.name = script,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "redis",
            db.operation.name = "EVALSHA",
            error.type = Empty,
        );
        let mut connection = self.state().connection.clone();
        let _asking = telemetry::request::enter(Part::Redis);
        async {
            let call = invocation.invoke_async(&mut connection);
            let began = Instant::now();
            let outcome = tokio::time::timeout(longest, call).await;
            self.calls.observe(began.elapsed().as_secs_f64());
            let silence = || RedisError::from((ErrorKind::Io, "no answer in time"));
            self.settle(outcome.unwrap_or_else(|_| Err(silence())))
        }
        .instrument(span)
        .await
    }

    fn settle<T>(&self, outcome: Result<T, RedisError>) -> Result<T, FreshnessError> {
        let mut state = self.state();
        match outcome {
            Ok(value) => {
                state.timeouts = 0;
                if state.resting_until.take().is_some() {
                    tracing::info!("redis answers again");
                }
                Ok(value)
            }
            Err(error) => {
                Span::current().record("otel.status_code", "ERROR").record("error.type", "redis");
                if state.resting_until.replace(Instant::now() + REST).is_none() {
                    tracing::warn!(error = &error as &dyn std::error::Error, "redis does not answer");
                }
                state.timeouts = if error.kind() == ErrorKind::Io { state.timeouts + 1 } else { 0 };
                if state.timeouts >= DEAF_CALLS
                    && let Ok(connection) = connection(&self.client)
                {
                    state.connection = connection;
                    state.timeouts = 0;
                }
                Err(FreshnessError::Unavailable(error))
            }
        }
    }

    /// Every change leaves the state whole, so poison is ignored.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn connection(client: &Client) -> Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        // Each call has a bound of its own, at most this.
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE))
        // The next call tries again anyhow; waiting in here would only hold the caller.
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}
