//! Jobs that nobody would come for. Messages only wake workers, so whatever becomes of them, this finds the work (U-D5): a
//! worker that was killed, a pause that is over, a message that was lost with its broker.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use pg_pool::{PgError, PgPool};
use uuid::Uuid;

use super::meters::Meters;
use crate::domain::processing::Cause;
use crate::events;
use crate::state::Context;
use crate::store::jobs::{self, admin, sweep};
use crate::worker::settle;

/// Assets looked after in one pass. Each is a transaction of its own.
const BATCH: i64 = 200;

/// Sweeps.
pub(super) struct Sweep {
    /// The database.
    pub(super) pool: PgPool,
    /// Time, ids, and the relay's bell.
    pub(super) context: Context,
    /// Where the backlog is shown.
    pub(super) meters: Meters,
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    /// Jobs that wait for a worker again.
    pub(super) freed: usize,
    /// Jobs given up because their workers were lost too often.
    pub(super) dead: usize,
}

impl Sweep {
    /// Frees jobs whose worker is lost or whose pause is over, and wakes workers for them. Several replicas may do it at the
    /// same time: each asset is taken by one.
    ///
    /// # Errors
    /// Of the database; what was done before stays done.
    pub(super) async fn pass(&self) -> Result<Swept, PgError> {
        let now = (self.context.now)();
        let assets = {
            let mut conn = self.pool.read().await?;
            sweep::due(&mut conn, now, BATCH).await?
        };
        let mut swept = Swept::default();
        for asset_id in assets {
            let done = self.sweep_asset(asset_id, now).await?;
            swept.freed += done.freed;
            swept.dead += done.dead;
        }
        if swept != Swept::default() {
            (self.context.wake_relay)();
        }
        Ok(swept)
    }

    async fn sweep_asset(&self, asset_id: Uuid, now: DateTime<Utc>) -> Result<Swept, PgError> {
        self.pool
            .tx("sweep_jobs", async |conn| {
                let Some(asset) = jobs::asset::try_lock(conn, asset_id).await? else {
                    return Ok(Swept::default());
                };
                let mut freed = sweep::end_pauses(conn, asset_id, now).await?;
                let lost = sweep::recover_lost(conn, asset_id, now).await?;
                let mut dead = 0;
                for job in &lost {
                    let (stage, is_dead) = (job.kind.as_str(), job.is_dead);
                    tracing::warn!(asset = %asset_id, job = %job.id, stage, is_dead, "a worker was lost");
                    if !job.is_dead {
                        freed.push((job.id, job.kind));
                        continue;
                    }
                    dead += 1;
                    if job.required {
                        let event_id = (self.context.new_id)();
                        settle::fail_asset(conn, &asset, job.kind, &Cause::LOST, event_id, now).await?;
                    }
                }
                if !freed.is_empty() {
                    let id = (self.context.new_id)();
                    let message = events::job_queued(id, asset_id, &freed, asset.correlation_id, now);
                    event_bus::enqueue(conn, &[message]).await?;
                }
                Ok(Swept { freed: freed.len(), dead })
            })
            .await
    }

    /// Wakes workers for assets that have waited for so long that no message may speak of them. One too many does no harm.
    /// Returns how many there were.
    ///
    /// # Errors
    /// Of the database; what was done before stays done.
    pub(super) async fn wake_forgotten(&self, waiting: Duration) -> Result<usize, PgError> {
        let now = (self.context.now)();
        let since = now - TimeDelta::from_std(waiting).unwrap_or(TimeDelta::MAX);
        let assets = {
            let mut conn = self.pool.read().await?;
            sweep::forgotten(&mut conn, since, BATCH).await?
        };
        for asset_id in &assets {
            self.wake(*asset_id, now).await?;
        }
        if !assets.is_empty() {
            (self.context.wake_relay)();
        }
        Ok(assets.len())
    }

    async fn wake(&self, asset_id: Uuid, now: DateTime<Utc>) -> Result<(), PgError> {
        self.pool
            .tx("wake_workers", async |conn| {
                let Some(asset) = jobs::asset::try_lock(conn, asset_id).await? else { return Ok(()) };
                let queued = sweep::queued(conn, asset_id).await?;
                let id = (self.context.new_id)();
                let message = events::job_queued(id, asset_id, &queued, asset.correlation_id, now);
                Ok(event_bus::enqueue(conn, &[message]).await?)
            })
            .await
    }

    /// Shows how the work stands.
    ///
    /// # Errors
    /// Of the database.
    pub(super) async fn count(&self) -> Result<(), PgError> {
        let mut conn = self.pool.read().await?;
        let backlog = admin::backlog(&mut conn, (self.context.now)()).await?;
        self.meters.backlog(&backlog);
        Ok(())
    }
}
