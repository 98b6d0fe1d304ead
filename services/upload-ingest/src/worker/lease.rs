//! Signs of life of the attempt that runs, and how far it is.

use std::time::{Duration, Instant};

use broadcast::Broadcast;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use pg_pool::{PgError, PgPool};
use tokio::sync::watch;
use uuid::Uuid;

use crate::events;
use crate::store::jobs::{self, Lease};

/// How often the progress of an attempt is written, at most.
const PROGRESS: Duration = Duration::from_secs(1);

/// Keeps leases.
#[derive(Clone)]
pub(crate) struct Keeper {
    /// The database.
    pub(crate) pool: PgPool,
    /// Where listeners hear of progress.
    pub(crate) broadcast: Broadcast,
    /// The time.
    pub(crate) now: fn() -> DateTime<Utc>,
    /// How long a worker is taken to be alive without a sign of life.
    pub(crate) lease: Duration,
}

impl Keeper {
    /// The time, and until when a lease taken or prolonged now holds.
    pub(crate) fn terms(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let now = (self.now)();
        (now, now + TimeDelta::from_std(self.lease).unwrap_or(TimeDelta::MAX))
    }

    /// Prolongs a lease for as long as this runs, and writes `progress` as it changes. Returns when the job is no longer ours:
    /// another worker or the deletion of the asset has taken it, or the database was away for so long that one may have.
    pub(crate) async fn keep(&self, lease: Lease, mut progress: watch::Receiver<f32>) {
        let mut beats = tokio::time::interval(self.lease / 3);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick comes at once, and the lease is new.
        beats.tick().await;
        let mut good_until = Instant::now() + self.lease;
        let mut written = Instant::now();
        let mut last = *progress.borrow();
        loop {
            tokio::select! {
                _ = beats.tick() => {}
                () = progressed(&mut progress, written + PROGRESS) => {}
            }
            let began = Instant::now();
            let now_at = *progress.borrow_and_update();
            let changed = (now_at - last).abs() > f32::EPSILON;
            match self.beat(lease, changed.then_some(now_at)).await {
                Ok(true) => {
                    (good_until, written, last) = (began + self.lease, began, now_at);
                    if changed {
                        self.note(lease.asset_id).await;
                    }
                }
                Ok(false) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, job = %lease.job_id, "a sign of life was not noted");
                    if Instant::now() >= good_until {
                        return;
                    }
                    written = Instant::now();
                }
            }
        }
    }

    async fn beat(&self, lease: Lease, progress: Option<f32>) -> Result<bool, PgError> {
        let mut conn = self.pool.write().await?;
        let (now, lease_until) = self.terms();
        Ok(jobs::heartbeat(&mut conn, lease, progress, now, lease_until).await?)
    }

    /// Tells whoever listens that the stages of an asset got on. Nobody depends on it.
    pub(crate) async fn note(&self, asset_id: Uuid) {
        let subject = events::progress_subject(asset_id);
        if let Err(error) = self.broadcast.publish(&subject, None, Bytes::new()).await {
            tracing::debug!(%error, "a note of progress was not sent");
        }
    }
}

/// Waits for a change, and then until `earliest`. Never ends for work that tells nothing any more.
async fn progressed(progress: &mut watch::Receiver<f32>, earliest: Instant) {
    if progress.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep_until(earliest.into()).await;
}
