//! The pool: connections to one database, and to its replicas.

use std::fmt;
use std::sync::Arc;

use diesel_async::SimpleAsyncConnection;
use telemetry::metrics::Metrics;

use crate::PgConfig;
use crate::conn::{Conn, Source};
use crate::error::PgError;
use crate::explain::Explainer;
use crate::lender::Lender;
use crate::observe::Measures;
use crate::position::Position;
use crate::replicas::Replicas;
use crate::status::PgPoolStatus;
use crate::{statements, wal};

/// A bounded set of connections to one database; clones share it.
#[derive(Clone)]
pub struct PgPool {
    primary: Lender,
    replicas: Option<Arc<Replicas>>,
    config: Arc<PgConfig>,
    measures: Measures,
}

impl fmt::Debug for PgPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgPool").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl PgPool {
    /// Makes a pool and registers its metrics. Nothing is connected yet: a service may start before its database.
    ///
    /// # Errors
    /// [`PgError::Config`] when the settings have faults.
    pub fn new(config: &PgConfig, metrics: &Metrics) -> Result<Self, PgError> {
        statements::install();
        let mut measures = Measures::new(metrics);
        if config.explain_slow_statements {
            measures.statements.planner = Some(Arc::new(Explainer::new(config, metrics)?));
        }
        let primary = Lender::new(config, Source::Primary, &measures)?;
        Measures::watch(metrics, primary.clone());
        let replicas = Replicas::new(config, &measures, metrics)?.map(Arc::new);
        Ok(Self { primary, replicas, config: Arc::new(config.clone()), measures })
    }

    /// A connection for statements that change nothing. They see every write that has been answered.
    ///
    /// # Errors
    /// [`PgError::Timeout`] when none is free in time, [`PgError::Acquire`] when none can be opened.
    pub async fn read(&self) -> Result<Conn, PgError> {
        self.primary.acquire().await
    }

    /// A connection for statements that change something; several belong in [`PgPool::tx`].
    ///
    /// # Errors
    /// As [`PgPool::read`].
    pub async fn write(&self) -> Result<Conn, PgError> {
        self.primary.acquire().await
    }

    /// A connection for statements that change nothing and have to see everything before `position`, though not what others
    /// have written since.
    ///
    /// That may be a read replica, if one has replayed the position or does so within `replica_patience_ms`; otherwise, and
    /// always without a position, it is the primary. [`Conn::source`] tells. On a replica it takes one round trip to ask,
    /// counted among the request's statements. A long statement there may be cancelled by what is replayed
    /// ([`is_unavailable`](crate::is_unavailable)).
    ///
    /// # Errors
    /// As [`PgPool::read`], which serves when no replica does.
    pub async fn read_after(&self, position: Option<&Position>) -> Result<Conn, PgError> {
        if let Some(replicas) = &self.replicas
            && let Some(conn) = replicas.reach(position).await
        {
            return Ok(conn);
        }
        self.read().await
    }

    /// Where the primary's log ends now, for [`PgPool::read_after`]: everything that was committed before this call is before
    /// it. Ask after the commit has been answered. One statement; none, and `None`, where there is no replica to read from.
    ///
    /// # Errors
    /// As [`PgPool::read`], or [`PgError::Query`] when the statement fails. The write has happened all the same: answer
    /// without a token then, and the next read goes to the primary.
    pub async fn position(&self) -> Result<Option<Position>, PgError> {
        if self.replicas.is_none() {
            return Ok(None);
        }
        let mut conn = self.primary.acquire().await?;
        Ok(Some(wal::current_position(&mut conn).await?))
    }

    /// What the pools hold at the moment.
    #[must_use]
    pub fn status(&self) -> PgPoolStatus {
        let replicas = self.replicas.as_ref().map(|replicas| replicas.status()).unwrap_or_default();
        PgPoolStatus { primary: self.primary.status(), replicas }
    }

    /// Whether the database answers: one empty statement, bounded like any other. For readiness checks. Replicas are not
    /// asked: without them the primary serves.
    ///
    /// # Errors
    /// As [`PgPool::read`], or [`PgError::Query`] when the statement fails.
    pub async fn ping(&self) -> Result<(), PgError> {
        self.primary.acquire().await?.batch_execute("").await?;
        Ok(())
    }

    pub(crate) fn config(&self) -> &PgConfig {
        &self.config
    }

    pub(crate) fn measures(&self) -> &Measures {
        &self.measures
    }
}
