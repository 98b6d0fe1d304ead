//! Removes what nothing refers to, so that nothing can begin to refer to it meanwhile.
//!
//! Between a look and a removal a process may be paused for any time: the owner has the stage tried again, a worker puts the
//! same object under the same key, and a row refers to it. So both happen under the asset's lock, without which no job comes
//! back to life and no row is written. That is why calls to the store stand inside this one transaction. They are few, and none
//! is begun later than the server is sure to keep the lock for.

use std::time::{Duration, Instant, SystemTime};

use blob_store::{BlobStore, ObjectKey};
use pg_pool::{Connection, PgPool};
use uuid::Uuid;

use super::reconcile::ReconcileError;
use crate::store::{jobs, maintenance, objects, uploads};

/// Objects removed under one lock at most: whoever changes the asset waits meanwhile.
pub(super) const AT_A_LOCK: usize = 16;
/// After the lock was taken so long ago no removal is begun any more; the next pass goes on.
const HELD: Duration = Duration::from_secs(30);

/// Removes those of an asset's objects that nothing refers to and that are old enough still. `None`: keys that name no asset.
/// Returns how many there were, with those that could not be removed.
///
/// An asset that is not there has no row to lock. Its upload ends in minutes, or has a row that is asked for; for the rest there
/// is the age alone.
///
/// # Errors
/// Of the database, and of the store where it cannot be asked.
pub(super) async fn remove(
    pool: &PgPool,
    blobs: &BlobStore,
    asset: Option<Uuid>,
    keys: &[ObjectKey],
    is_old: impl Fn(SystemTime) -> bool,
) -> Result<u64, ReconcileError> {
    pool.tx("remove_orphans", async |conn| {
        maintenance::allow_idle(conn).await?;
        let locked = Instant::now();
        let mut found = 0;
        for key in nobodys(conn, asset, keys).await? {
            if locked.elapsed() > HELD {
                break;
            }
            // What was put again meanwhile is young.
            if blobs.stat(key).await?.is_some_and(|object| is_old(object.modified)) {
                found += 1;
                delete(blobs, key).await;
            }
        }
        Ok(found)
    })
    .await
}

/// Locks the asset, and asks once more which of the keys nothing refers to, and nothing is about to.
async fn nobodys<'a>(
    conn: &mut Connection,
    asset: Option<Uuid>,
    keys: &'a [ObjectKey],
) -> Result<Vec<&'a ObjectKey>, ReconcileError> {
    if let Some(asset) = asset {
        jobs::asset::lock(conn, asset).await?;
        let is_wanted = !objects::at_work(conn, &[asset]).await?.is_empty()
            || !uploads::with_partials(conn, &[asset]).await?.is_empty();
        if is_wanted {
            return Ok(Vec::new());
        }
    }
    let names: Vec<&str> = keys.iter().map(ObjectKey::as_str).collect();
    let known = objects::known(conn, &names).await?;
    Ok(keys.iter().filter(|key| known.iter().all(|row| row.key != key.as_str())).collect())
}

/// Removes an object; false when it is still there.
pub(super) async fn delete(blobs: &BlobStore, key: &ObjectKey) -> bool {
    match blobs.delete(key).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, %key, "an object was not removed");
            false
        }
    }
}
