//! Uploads that nobody goes on with end, and their bytes go.

use blob_store::BlobStore;
use chrono::{DateTime, Utc};
use pg_pool::{PgError, PgPool};

use crate::store::uploads;

/// Uploads ended by one statement.
const BATCH: i64 = 200;

/// Ends uploads.
pub(super) struct Expiry {
    /// The database.
    pub(super) pool: PgPool,
    /// Where their bytes lie.
    pub(super) blobs: BlobStore,
    /// The time.
    pub(super) now: fn() -> DateTime<Utc>,
}

impl Expiry {
    /// Ends uploads whose time is up, and returns how many. Bytes that cannot be removed now are left to the reconciler.
    ///
    /// # Errors
    /// Of the database; what was done before stays done.
    pub(super) async fn pass(&self) -> Result<usize, PgError> {
        let mut expired = 0;
        loop {
            let batch = {
                let mut conn = self.pool.write().await?;
                uploads::expire(&mut conn, (self.now)(), BATCH).await?
            };
            for upload in &batch {
                if let Err(error) = self.blobs.discard(upload.id, None).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, upload = %upload.id, "bytes of an expired upload left behind");
                }
            }
            expired += batch.len();
            if i64::try_from(batch.len()).is_ok_and(|length| length < BATCH) {
                return Ok(expired);
            }
        }
    }
}
