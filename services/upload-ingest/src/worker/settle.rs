//! The transactions that end an attempt: each takes the asset's lock, then asks whether the job is still ours, and only then
//! writes. All of it stands, or nothing.

use blob_store::{BlobStore, ObjectKey};
use chrono::{DateTime, TimeDelta, Utc};
use pg_pool::{Connection, PgError, PgPool};
use uuid::Uuid;

use super::workshop::Stored;
use crate::domain::asset::Status;
use crate::domain::job::{AfterFailure, JobKind, after_failure, pause_after};
use crate::domain::layout;
use crate::domain::processing::Cause;
use crate::events::{self, published};
use crate::store::assets::AssetRow;
use crate::store::jobs::asset::Learned;
use crate::store::jobs::{self, Claimed, End, sweep};
use crate::store::link::NewObject;
use crate::store::renditions::NewRendition;
use crate::store::{objects, renditions};

/// What a stage yields, beside its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Yield {
    /// What was learned of the asset.
    pub(crate) learned: Learned,
    /// Every object that was put.
    pub(crate) objects: Vec<Stored>,
    /// What refers to them.
    pub(crate) renditions: Vec<Made>,
}

/// Something that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Made {
    /// Which one.
    pub(crate) name: String,
    /// File extension.
    pub(crate) format: &'static str,
    /// Media type.
    pub(crate) content_type: &'static str,
    /// Where it lies.
    pub(crate) key: String,
    /// The digest in its address.
    pub(crate) digest: String,
    /// Its length, with all that belongs to it.
    pub(crate) bytes: i64,
    /// In pixels.
    pub(crate) width: Option<i32>,
    /// In pixels.
    pub(crate) height: Option<i32>,
}

/// What settling needs.
#[derive(Clone)]
pub(crate) struct Settler {
    /// The database.
    pub(crate) pool: PgPool,
    /// The store, to take back what counts for nothing.
    pub(crate) blobs: BlobStore,
    /// The time.
    pub(crate) now: fn() -> DateTime<Utc>,
    /// A new id.
    pub(crate) new_id: fn() -> Uuid,
}

impl Settler {
    /// Ends a stage with what it yields. False when the job is no longer ours: nothing has changed.
    ///
    /// # Errors
    /// Of the database. If the connection was lost while it committed, it may have: a second call then says false.
    pub(crate) async fn complete(&self, claimed: &Claimed, made: &Yield) -> Result<bool, PgError> {
        let now = (self.now)();
        self.pool
            .tx("complete_stage", async |conn| {
                let Some(asset) = jobs::asset::lock(conn, claimed.lease.asset_id).await? else {
                    return Ok(false);
                };
                if !jobs::end(conn, claimed.lease, &End::Done, now).await? {
                    return Ok(false);
                }
                objects::insert(conn, &self.object_rows(asset.id, &made.objects, now)).await?;
                renditions::insert(conn, &self.rendition_rows(asset.id, &made.renditions, now)).await?;
                let status = match claimed.kind {
                    JobKind::Publish => Status::finished(asset.visibility()?),
                    _ => asset.status()?,
                };
                if claimed.kind != JobKind::Publish && *made == Yield::default() {
                    return Ok(true);
                }
                let asset = jobs::asset::advance(conn, asset.id, &made.learned, status, now).await?;
                if matches!(status, Status::Processed | Status::Published) {
                    self.tell_processed(conn, &asset, now).await?;
                }
                Ok(true)
            })
            .await
    }

    async fn tell_processed(
        &self,
        conn: &mut Connection,
        asset: &AssetRow,
        now: DateTime<Utc>,
    ) -> Result<(), PgError> {
        let made = renditions::of(conn, &[asset.id]).await?.into_iter().map(Into::into).collect();
        let event = published::asset_processed((self.new_id)(), &asset.about()?, asset.finished(), made, now);
        Ok(event_bus::enqueue(conn, &[event]).await?)
    }

    /// Ends an attempt that failed. `None` when the job is no longer ours: nothing has changed.
    ///
    /// # Errors
    /// As [`Settler::complete`].
    pub(crate) async fn fail(
        &self,
        claimed: &Claimed,
        cause: &Cause,
    ) -> Result<Option<AfterFailure>, PgError> {
        let now = (self.now)();
        let after = after_failure(claimed.attempt, claimed.max_attempts, cause.is_final);
        let pause = TimeDelta::from_std(pause_after(claimed.attempt, rand::random()));
        let end = match after {
            AfterFailure::Retry => End::Retry(cause, now + pause.unwrap_or(TimeDelta::MAX)),
            AfterFailure::Dead => End::Dead(cause),
        };
        self.pool
            .tx("fail_stage", async |conn| {
                let Some(asset) = jobs::asset::lock(conn, claimed.lease.asset_id).await? else {
                    return Ok(None);
                };
                if !jobs::end(conn, claimed.lease, &end, now).await? {
                    return Ok(None);
                }
                if after == AfterFailure::Dead && claimed.required {
                    fail_asset(conn, &asset, claimed.kind, cause, (self.new_id)(), now).await?;
                }
                Ok(Some(after))
            })
            .await
    }

    /// Gives a job back unfinished, without counting the attempt, and wakes another worker. False when it is no longer ours.
    ///
    /// # Errors
    /// As [`Settler::complete`]; the job is then lost, and found when its lease has run out.
    pub(crate) async fn give_back(&self, claimed: &Claimed) -> Result<bool, PgError> {
        let now = (self.now)();
        self.pool
            .tx("give_job_back", async |conn| {
                let Some(asset) = jobs::asset::lock(conn, claimed.lease.asset_id).await? else {
                    return Ok(false);
                };
                if !jobs::end(conn, claimed.lease, &End::Returned, now).await? {
                    return Ok(false);
                }
                let jobs = [(claimed.lease.job_id, claimed.kind)];
                let message = events::job_queued((self.new_id)(), asset.id, &jobs, asset.correlation_id, now);
                event_bus::enqueue(conn, &[message]).await?;
                Ok(true)
            })
            .await
    }

    /// Wakes another worker for whatever of an asset waits.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn hand_over(&self, asset_id: Uuid) -> Result<(), PgError> {
        let now = (self.now)();
        self.pool
            .tx("hand_asset_over", async |conn| {
                let Some(asset) = jobs::asset::lock(conn, asset_id).await? else { return Ok(()) };
                let waiting = sweep::queued(conn, asset_id).await?;
                if waiting.is_empty() {
                    return Ok(());
                }
                let message =
                    events::job_queued((self.new_id)(), asset_id, &waiting, asset.correlation_id, now);
                Ok(event_bus::enqueue(conn, &[message]).await?)
            })
            .await
    }

    /// Removes what was put for an asset that was deleted meanwhile. Anything else that counts for nothing stays: the worker
    /// that took over may have put the same, under the same key; the reconciler removes it when nothing works on the asset
    /// any more.
    ///
    /// # Errors
    /// Of the database. What the store does not remove is left to the reconciler.
    pub(crate) async fn discard(&self, asset_id: Uuid, put: &[ObjectKey]) -> Result<(), PgError> {
        let keys: Vec<&str> = put.iter().map(ObjectKey::as_str).collect();
        let known = {
            let mut conn = self.pool.read().await?;
            if keys.is_empty() || !jobs::asset::is_deleted(&mut conn, asset_id).await? {
                return Ok(());
            }
            objects::known(&mut conn, &keys).await?
        };
        for key in put.iter().filter(|key| !known.iter().any(|row| row.key == key.as_str())) {
            if let Err(error) = self.blobs.delete(key).await {
                tracing::warn!(error = &error as &dyn std::error::Error, %key, "object left behind");
            }
        }
        Ok(())
    }

    fn object_rows(&self, asset_id: Uuid, stored: &[Stored], now: DateTime<Utc>) -> Vec<NewObject> {
        let row = |stored: &Stored| NewObject {
            key: stored.key.clone(),
            backend: self.blobs.backend(),
            asset_id,
            bytes: stored.bytes,
            sha256: stored.sha256.clone(),
            created_at: now,
        };
        stored.iter().map(row).collect()
    }

    fn rendition_rows(&self, asset_id: Uuid, made: &[Made], now: DateTime<Utc>) -> Vec<NewRendition> {
        let row = |made: &Made| NewRendition {
            id: (self.new_id)(),
            asset_id,
            name: made.name.clone(),
            format: made.format,
            content_type: made.content_type,
            object_key: made.key.clone(),
            digest: made.digest.clone(),
            bytes: made.bytes,
            width: made.width,
            height: made.height,
            created_at: now,
        };
        made.iter().map(row).collect()
    }
}

impl Made {
    /// Something that is one object.
    pub(crate) fn of(
        name: String,
        format: &'static str,
        content_type: &'static str,
        stored: &Stored,
        size: (u32, u32),
    ) -> Self {
        Self {
            name,
            format,
            content_type,
            key: stored.key.clone(),
            digest: layout::short_digest(&stored.sha256),
            bytes: stored.bytes,
            width: i32::try_from(size.0).ok(),
            height: i32::try_from(size.1).ok(),
        }
    }
}

/// Fails an asset because a required stage was given up, and tells others. One that has ended otherwise stays as it is.
///
/// # Errors
/// Of the database.
pub(crate) async fn fail_asset(
    conn: &mut Connection,
    asset: &AssetRow,
    kind: JobKind,
    cause: &Cause,
    event_id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), PgError> {
    if asset.status()? != Status::Processing {
        return Ok(());
    }
    let failed = jobs::asset::fail(conn, asset.id, cause, now).await?;
    let event = published::asset_failed(event_id, &failed.about()?, kind, cause, now);
    Ok(event_bus::enqueue(conn, &[event]).await?)
}
