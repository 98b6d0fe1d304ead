//! Forgets what is past its time: answers to idempotent requests, uploads that came to nothing, what is left of deleted assets.

use chrono::{DateTime, TimeDelta, Utc};
use pg_pool::{PgError, PgPool};

use crate::store::maintenance;

/// Rows forgotten by one statement: short locks.
const BATCH: i64 = 500;
/// How long the row of a deleted asset stays, so that what happened can be told.
const ASSETS: TimeDelta = TimeDelta::days(30);
/// How long an upload that came to nothing says why.
const UPLOADS: TimeDelta = TimeDelta::days(7);

/// Forgets.
pub(super) struct Purge {
    /// The database.
    pub(super) pool: PgPool,
    /// The time.
    pub(super) now: fn() -> DateTime<Utc>,
    /// How long answers to idempotent requests are kept.
    pub(super) idempotency_hours: u16,
}

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Purged {
    /// Assets that had been deleted.
    pub(super) assets: usize,
    /// Uploads that came to nothing.
    pub(super) uploads: usize,
    /// Answers.
    pub(super) answers: usize,
}

impl Purge {
    /// Forgets all that is past its time.
    ///
    /// # Errors
    /// Of the database; what was done before stays done.
    pub(super) async fn pass(&self) -> Result<Purged, PgError> {
        let now = (self.now)();
        let mut conn = self.pool.write().await?;
        let mut purged = Purged {
            answers: idempotency::purge_older_than(&mut conn, self.idempotency_hours).await?,
            ..Purged::default()
        };
        loop {
            let assets = maintenance::purge_assets(&mut conn, now - ASSETS, BATCH).await?;
            let uploads = maintenance::purge_uploads(&mut conn, now - UPLOADS, BATCH).await?;
            purged.assets += assets;
            purged.uploads += uploads;
            if assets.max(uploads) < usize::try_from(BATCH).unwrap_or(usize::MAX) {
                return Ok(purged);
            }
        }
    }
}
