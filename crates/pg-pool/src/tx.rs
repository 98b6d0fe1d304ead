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
        self.try_tx(name, work).await.map_err(TxError::into_inner)
    }

    /// As [`tx`](Self::tx), for callers that have to know whether a transaction that failed left anything behind.
    ///
    /// # Errors
    /// The same, sorted by what is certain.
    pub async fn try_tx<T, E>(
        &self,
        name: &'static str,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T, E>,
    ) -> Result<T, TxError<E>>
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
                Err(error) => return Err(TxError::RolledBack(outcome.failed(error))),
            };
            if let Err(error) = AnsiTransactionManager::begin_transaction(&mut *conn).await {
                return Err(TxError::RolledBack(outcome.failed(error)));
            }
            match work(&mut conn).await {
                Ok(value) => match AnsiTransactionManager::commit_transaction(&mut *conn).await {
                    Ok(()) => {
                        outcome.outcome = "committed";
                        Ok(value)
                    }
                    Err(error) => Err(TxError::InDoubt(outcome.failed(error))),
                },
                Err(error) => {
                    outcome.outcome = "rolled_back";
                    if let Err(error) = AnsiTransactionManager::rollback_transaction(&mut *conn).await {
                        // The connection is closed when it is dropped, which rolls back too. The caller's error is the cause.
                        tracing::debug!(%error, "a transaction was not rolled back by command");
                    }
                    Err(TxError::RolledBack(error))
                }
            }
        }
        .instrument(span)
        .await
    }
}

/// Why a transaction did not return its value, and whether it is certain that it left nothing behind.
#[derive(Debug)]
pub enum TxError<E> {
    /// Nothing was committed: `COMMIT` was never sent.
    RolledBack(E),
    /// `COMMIT` was sent and not confirmed: it may or may not have happened.
    InDoubt(E),
}

impl<E> TxError<E> {
    /// The error alone.
    pub fn into_inner(self) -> E {
        match self {
            Self::RolledBack(error) | Self::InDoubt(error) => error,
        }
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
    fn failed<E: From<PgError>>(&mut self, error: impl Into<PgError>) -> E {
        self.outcome = "failed";
        error.into().into()
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        self.span.record("outcome", self.outcome);
        self.measures.transactions.get_or_create(&TxLabels { name: self.name, outcome: self.outcome }).inc();
    }
}
