//! One read replica.

use std::time::{Duration, Instant};

use crate::PgConfig;
use crate::backoff::Backoff;
use crate::conn::{Conn, Source};
use crate::error::PgError;
use crate::lender::Lender;
use crate::observe::Measures;
use crate::position::Position;
use crate::replica_measures::LagGauge;
use crate::status::ReplicaStatus;
use crate::wal::{self, Replaying};

/// Connections to a server that replays the primary's log, and how it has behaved.
#[derive(Debug)]
pub(crate) struct Replica {
    index: usize,
    lender: Lender,
    lag: LagGauge,
    /// Whether it answers, and as a replica.
    reaching: Backoff,
    /// Whether waiting for it has paid: one that is hours behind must not cost every reader the whole patience.
    catching_up: Backoff,
}

/// What became of asking a replica.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment, and most often as the large one")]
pub(crate) enum Standing {
    /// It has replayed the position; on this connection it can be read.
    Reached(Conn),
    /// It has not yet.
    Behind,
    /// The position is of a log that it does not replay.
    OtherCluster,
    /// It does not answer, is no replica, or all its connections are busy.
    Unavailable,
}

impl Replica {
    pub(crate) fn new(
        index: usize,
        config: &PgConfig,
        measures: &Measures,
        lag: LagGauge,
    ) -> Result<Self, PgError> {
        let lender = Lender::new(config, Source::Replica(index), measures)?;
        Ok(Self { index, lender, lag, reaching: Backoff::default(), catching_up: Backoff::default() })
    }

    pub(crate) fn lender(&self) -> &Lender {
        &self.lender
    }

    /// How many of its connections are lent out.
    pub(crate) fn load(&self) -> usize {
        let status = self.lender.status();
        status.size.saturating_sub(status.available)
    }

    pub(crate) fn status(&self) -> ReplicaStatus {
        ReplicaStatus {
            pool: self.lender.status(),
            usable: self.reaching.is_over(Instant::now()),
            lag_seconds: self.lag.seconds(),
        }
    }

    /// Asks how far it is, on the very connection that is lent if that is far enough: a server that was restarted, replaced
    /// or promoted since is not behind that connection.
    pub(crate) async fn ask(&self, position: &Position, limit: Duration) -> Standing {
        if !self.reaching.permits(Instant::now()) {
            return Standing::Unavailable;
        }
        match tokio::time::timeout(limit, self.look(limit)).await {
            Ok(Ok(None)) => Standing::Unavailable,
            Ok(Ok(Some((conn, replaying)))) => self.judge(position, conn, replaying),
            Ok(Err(error)) => self.unavailable(Some(&error)),
            Err(_) => self.unavailable(None),
        }
    }

    /// Whether it is worth waiting until it has replayed more.
    pub(crate) fn may_catch_up(&self) -> bool {
        self.catching_up.permits(Instant::now())
    }

    /// Notes what came of waiting.
    pub(crate) fn waited(&self, has_caught_up: bool) {
        if has_caught_up {
            self.catching_up.succeeded();
        } else {
            self.catching_up.failed(Instant::now());
        }
    }

    /// `None` when all connections are busy.
    async fn look(&self, limit: Duration) -> Result<Option<(Conn, Replaying)>, PgError> {
        let Some(mut conn) = self.lender.acquire_unqueued(limit).await? else { return Ok(None) };
        let replaying = wal::replaying(&mut conn).await?;
        Ok(Some((conn, replaying)))
    }

    fn judge(&self, position: &Position, conn: Conn, replaying: Replaying) -> Standing {
        let Some(replayed) = replaying.position else {
            if self.reaching.failed(Instant::now()) {
                tracing::warn!(replica = self.index, "a read replica is none: it does not replay a log");
            }
            return Standing::Unavailable;
        };
        if self.reaching.succeeded() {
            tracing::info!(replica = self.index, "a read replica is back");
        }
        self.lag.set(replaying.lag_seconds);
        if replayed.lineage != position.lineage {
            Standing::OtherCluster
        } else if replayed.lsn < position.lsn {
            Standing::Behind
        } else {
            Standing::Reached(conn)
        }
    }

    fn unavailable(&self, error: Option<&PgError>) -> Standing {
        if self.reaching.failed(Instant::now()) {
            let error = error.map(|error| error as &(dyn std::error::Error + 'static));
            tracing::warn!(
                replica = self.index,
                error,
                "a read replica does not answer; reads go on elsewhere"
            );
        }
        Standing::Unavailable
    }
}
