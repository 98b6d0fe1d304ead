//! The plan of a statement that made a request slow, in the log.
//!
//! The database is asked when the request is over: by a task, on a connection of its own, so that a pool that is empty stays
//! no emptier. It plans and does not execute. What it plans for is any value (a generic plan): the values of the request are
//! known to nobody any more, and are nobody's business in a log.

mod desk;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use desk::{Desk, Refused};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use telemetry::metrics::Metrics;
use telemetry::redact;
use telemetry::request::{self, Planner, RequestStats, Statements};
use tokio_postgres::{Client, NoTls};

use crate::PgConfig;
use crate::connect;
use crate::error::PgError;
use crate::sql;

/// How long all of it may take, connecting included.
const PATIENCE: Duration = Duration::from_secs(3);
/// Session settings: planning waits for nobody's lock, and nothing is written whatever the text says.
const SETTINGS: &str = "-c statement_timeout=1000 -c lock_timeout=100 -c default_transaction_read_only=on \
                        -c plan_cache_mode=force_generic_plan";
/// Bytes of a plan that are logged.
const MAX_PLAN_BYTES: usize = 16 * 1024;
/// Parameters of a statement at most, as the protocol has it.
const MAX_PARAMETERS: usize = 65_535;

/// Has statements explained, few enough that nobody notices.
#[derive(Debug)]
pub(crate) struct Explainer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    driver: tokio_postgres::Config,
    desk: Mutex<Desk>,
    outcomes: Family<Labels, Counter>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Database(String),
    #[error("no answer in time")]
    Timeout,
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(connect::causes(&error))
    }
}

impl Explainer {
    pub(crate) fn new(config: &PgConfig, metrics: &Metrics) -> Result<Self, PgError> {
        let outcomes = metrics.shared(
            "slow_statement_plans",
            "Statements of slow requests that were to be explained, by what came of it",
            None,
            Family::<Labels, Counter>::default,
        );
        let driver = connect::driver(config, SETTINGS)?;
        Ok(Self { inner: Arc::new(Inner { driver, desk: Mutex::default(), outcomes }) })
    }
}

impl Planner for Explainer {
    fn explain(&self, request: Arc<RequestStats>, statement: &Statements) {
        let inner = &self.inner;
        // Without a runtime, at the end of the process, nobody reads it any more.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !is_explainable(&statement.sql) {
            return inner.count("unfit");
        }
        match inner.desk().admit(&statement.sql, Instant::now()) {
            Ok(()) => {}
            Err(Refused::Known) => return inner.count("known"),
            Err(Refused::Busy) => return inner.count("busy"),
            Err(Refused::TooSoon) => return inner.count("too_soon"),
        }
        let turn = Turn(Arc::clone(inner));
        let (sql, max) = (statement.sql.clone(), statement.max);
        // In the scope of the request: the line has its ids.
        drop(runtime.spawn(request::scope(request, async move { turn.0.log_plan(&sql, max).await })));
    }
}

/// The one place; free again when dropped.
struct Turn(Arc<Inner>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.desk().done();
    }
}

impl Inner {
    async fn log_plan(&self, sql: &str, max: Duration) {
        let asked = tokio::time::timeout(PATIENCE, self.plan_of(sql)).await;
        let statement = redact::statement(sql);
        match asked.unwrap_or(Err(Fault::Timeout)) {
            Ok(plan) => {
                self.count("logged");
                let max_ms = max.as_secs_f64() * 1000.0;
                tracing::warn!(target: "slow", statement, max_ms, plan = redact::plan(&plan), "plan");
            }
            Err(error) => {
                self.count("failed");
                let error = redact::statement(&error.to_string());
                tracing::info!(statement, error, "a slow statement could not be explained");
            }
        }
    }

    async fn plan_of(&self, sql: &str) -> Result<String, Fault> {
        let (client, connection) = self.driver.connect(NoTls).await?;
        // Ends with the client.
        let driving = tokio::spawn(connection);
        let plan = generic_plan(&client, sql).await;
        drop(client);
        driving.abort();
        Ok(plan?)
    }

    fn count(&self, outcome: &'static str) {
        self.outcomes.get_or_create(&Labels { outcome }).inc();
    }

    /// Every change leaves it whole, so poison is ignored.
    fn desk(&self) -> std::sync::MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Only what reads or changes rows has a plan, and only a whole text.
fn is_explainable(sql: &str) -> bool {
    let is_whole = sql.len() < request::MAX_STATEMENT_BYTES.min(sql::MAX_TEXT) - char::MAX.len_utf8();
    is_whole && matches!(sql::describe(sql).operation, "SELECT" | "INSERT" | "UPDATE" | "DELETE")
}

/// Sent as statements of the extended protocol, which takes one command at a time: a text that holds more is refused.
async fn generic_plan(client: &Client, sql: &str) -> Result<String, tokio_postgres::Error> {
    client.execute(&format!("PREPARE slow AS {sql}"), &[]).await?;
    let count = "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'slow'";
    let count: i32 = client.query_one(count, &[]).await?.try_get(0)?;
    let count = usize::try_from(count).unwrap_or_default().min(MAX_PARAMETERS);
    let values = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    let mut plan = String::new();
    for row in client.query(&format!("EXPLAIN EXECUTE slow{values}"), &[]).await? {
        let line: &str = row.try_get(0)?;
        if plan.len() + line.len() > MAX_PLAN_BYTES {
            plan.push('…');
            break;
        }
        plan.push_str(line);
        plan.push('\n');
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_statements_about_rows_are_explained() {
        for (sql, explainable) in [
            ("SELECT 1", true),
            ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", true),
            ("UPDATE t SET a = $1", true),
            ("DELETE FROM t", true),
            ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", false),
            ("COPY t FROM STDIN", false),
            ("LOCK TABLE t", false),
            ("TRUNCATE t", false),
            ("BEGIN", false),
            ("", false),
        ] {
            assert_eq!(is_explainable(sql), explainable, "{sql}");
        }
        assert!(!is_explainable(&format!("SELECT '{}'", "x".repeat(sql::MAX_TEXT))));
    }
}
