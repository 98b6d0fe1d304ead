//! The count every replica sees: one Lua script on one multiplexed connection, with a deadline and a pause after a failure.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool_redis::redis::aio::{ConnectionManager, ConnectionManagerConfig};
use deadpool_redis::redis::{Client, RedisError, Script, cmd};
use telemetry::request::Part;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::{ThrottleError, Verdict};

/// Leaves the caller 50 ms of the promised 200.
const DEADLINE: Duration = Duration::from_millis(150);
/// How long Redis is left alone after a failure, so that an outage costs one slow check a second and not every one.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct SharedCounts {
    connection: ConnectionManager,
    script: Script,
    limit: u32,
    window_micros: u64,
    /// A std mutex: held for a comparison, never across an await.
    paused_until: Mutex<Option<Instant>>,
}

impl SharedCounts {
    pub(crate) fn new(redis_url: &str, limit: u32, window: Duration) -> Result<Self, ThrottleError> {
        let client = Client::open(redis_url).map_err(ThrottleError::Address)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE))
            // The next check tries again anyhow; waiting in here would only hold the caller.
            .set_number_of_retries(0);
        let connection =
            ConnectionManager::new_lazy_with_config(client, config).map_err(ThrottleError::Address)?;
        Ok(Self {
            connection,
            script: Script::new(include_str!("sliding_window.lua")),
            limit,
            window_micros: u64::try_from(window.as_micros()).unwrap_or(u64::MAX),
            paused_until: Mutex::new(None),
        })
    }

    /// `None` when Redis did not answer in time, or is being left alone.
    pub(crate) async fn check(&self, key: &str, now: Instant) -> Option<Verdict> {
        if self.is_paused(now) {
            return None;
        }
        let mut connection = self.connection.clone();
        let mut invocation = self.script.key(key);
        invocation.arg(self.limit).arg(self.window_micros);
        let call = invocation.invoke_async::<(u8, u64)>(&mut connection);
        let (allowed, figure) = self.observed("EVALSHA", call).await?;
        Some(if allowed == 1 {
            Verdict::Allowed { remaining: u32::try_from(figure).unwrap_or(self.limit) }
        } else {
            Verdict::Refused { retry_after: Duration::from_micros(figure) }
        })
    }

    pub(crate) async fn forgive(&self, key: &str, now: Instant) {
        if self.is_paused(now) {
            return;
        }
        let mut connection = self.connection.clone();
        let command = cmd("DEL").arg(key).to_owned();
        let call = command.query_async::<()>(&mut connection);
        // A count that could not be dropped runs out with its window; nothing is owed to the caller.
        self.observed("DEL", call).await;
    }

    /// One command with its deadline and its span.
    async fn observed<T>(
        &self,
        command: &'static str,
        call: impl Future<Output = Result<T, RedisError>>,
    ) -> Option<T> {
        let span = tracing::info_span!(
            "command",
            otel.name = command,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = "redis",
            db.operation.name = command,
            error.type = Empty,
        );
        let _asking = telemetry::request::enter(Part::Redis);
        async { self.settle(tokio::time::timeout(DEADLINE, call).await) }.instrument(span).await
    }

    fn settle<T>(&self, outcome: Result<Result<T, RedisError>, tokio::time::error::Elapsed>) -> Option<T> {
        let (class, reason) = match outcome {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => ("redis", error.to_string()),
            Err(_) => ("timeout", "no answer in time".to_owned()),
        };
        Span::current().record("otel.status_code", "ERROR").record("error.type", class);
        *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
        tracing::warn!(error = %reason, "throttle counts in this process: redis did not answer");
        None
    }

    fn is_paused(&self, now: Instant) -> bool {
        let until = *self.paused_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| now < until)
    }
}
