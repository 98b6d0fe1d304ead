//! Transactions with names.

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use tracing::Instrument;

use crate::error::PgError;
use crate::observe::{Measures, TxLabels};
use crate::pool::PgPool;

impl PgPool {
    /// Runs `work` in one transaction on one connection: commits when it returns `Ok`, rolls back when it returns `Err`.
    ///
    /// `name` is the use case (`"create_record"`), seen in traces and in `tx_total{name,outcome}`.
    ///
    /// Dropping the returned future rolls back: the connection is closed rather than reused. If `COMMIT` itself fails
    /// because the connection was lost, the transaction may or may not have been committed; an idempotency key makes the
    /// retry safe. Keep calls to other systems out of `work`: a row lock is held meanwhile.
    ///
    /// The future is `Send` when `work`'s is.
    ///
    /// # Errors
    /// What `work` returned, or the failure to get a connection, to begin or to commit.
    pub async fn tx<T, E>(
        &self,
        name: &'static str,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<PgError>,
    {
        let span = tracing::info_span!(
            "tx",
            "otel.name" = format!("tx {name}"),
            "db.transaction.name" = name,
            outcome = tracing::field::Empty,
        );
        let mut outcome =
            Outcome { measures: self.measures(), name, outcome: "cancelled", span: span.clone() };
        async {
            let mut conn = match self.write().await {
                Ok(conn) => conn,
                Err(error) => return outcome.fail(error),
            };
            if let Err(error) = AnsiTransactionManager::begin_transaction(&mut *conn).await {
                return outcome.fail(error);
            }
            match work(&mut conn).await {
                Ok(value) => match AnsiTransactionManager::commit_transaction(&mut *conn).await {
                    Ok(()) => {
                        outcome.outcome = "committed";
                        Ok(value)
                    }
                    Err(error) => outcome.fail(error),
                },
                Err(error) => {
                    outcome.outcome = "rolled_back";
                    if let Err(error) = AnsiTransactionManager::rollback_transaction(&mut *conn).await {
                        // The connection is closed when it is dropped, which rolls back too. The caller's error is the cause.
                        tracing::debug!(%error, "a transaction was not rolled back by command");
                    }
                    Err(error)
                }
            }
        }
        .instrument(span)
        .await
    }
}

/// Counts a transaction however it ends; one whose future is dropped keeps the outcome it began with.
struct Outcome<'a> {
    measures: &'a Measures,
    name: &'static str,
    outcome: &'static str,
    span: tracing::Span,
}

impl Outcome<'_> {
    fn fail<T, E: From<PgError>>(&mut self, error: impl Into<PgError>) -> Result<T, E> {
        self.outcome = "failed";
        Err(error.into().into())
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        self.span.record("outcome", self.outcome);
        self.measures.transactions.get_or_create(&TxLabels { name: self.name, outcome: self.outcome }).inc();
    }
}
