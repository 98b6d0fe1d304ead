//! The guard of what the public sees: whatever takes media from view runs through [`PublicMedia::change`], between the mark
//! and the stamp of its group, so that no gateway shows them any more once the change is answered.
//!
//! Nothing is kept in this process or in Redis: media are read from the store, and gateways keep them under their leases.

use freshness::{Freshness, Groups};
use pg_pool::{Connection, PgPool};
use service_error::{ServiceError, guarded};
use uuid::Uuid;

/// What is counted together in the metrics of freshness.
const FAMILY: &str = "media";

/// Assets as the public sees them, and the one way to take them from its view. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PublicMedia {
    pool: PgPool,
    freshness: Freshness,
}

impl PublicMedia {
    /// Over this database, telling the gateways of this domain.
    pub(crate) fn new(pool: PgPool, freshness: Freshness) -> Self {
        Self { pool, freshness }
    }

    /// Runs `work` in a transaction that may take the media of an asset from view, and returns when no gateway shows them any
    /// more. To be run in a task of its own, so that it comes to its end.
    ///
    /// # Errors
    /// Those of `work`, of the database, and `unavailable` where the gateways cannot be told: before the transaction nothing
    /// was changed; after it the change stands, and whoever repeats the request with its idempotency key gets its answer.
    pub(crate) async fn change<T>(
        &self,
        name: &'static str,
        asset_id: Uuid,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        let commit = async || self.pool.try_tx(name, work).await.map_err(guarded);
        let written = self.freshness.write(group(asset_id)?, FAMILY, commit).await?;
        tracing::info!(
            %asset_id,
            edges = written.edges_told,
            edges_revoked = written.edges_revoked,
            lag_ms = written.lag.as_millis(),
            "taken from view"
        );
        Ok(written.value)
    }

    /// Runs `work` in a transaction after which nobody sees less than before.
    ///
    /// # Errors
    /// Those of `work` and of the database.
    pub(crate) async fn extend<T>(
        &self,
        name: &'static str,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        self.pool.tx(name, work).await
    }
}

/// What changes with an asset (RFC 9875).
///
/// # Errors
/// Never for an id; those of names.
pub(crate) fn group(asset_id: Uuid) -> Result<Groups, freshness::GroupError> {
    Groups::of([format!("assets/{asset_id}")])
}
