//! Tariffs in memory. A version never changes, so one that was read is good for good; only which is in force has to be asked anew, for
//! a version may have been published meanwhile.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use pg_pool::Connection;
use service_error::ServiceError;
use uuid::Uuid;

use super::missing;
use crate::domain::tariff::{Tariff, in_force};
use crate::store::tariffs;

/// The versions that this process has read. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tariffs(Arc<RwLock<Arc<[Tariff]>>>);

impl Tariffs {
    /// Some versions of the tariff by their ids: a snapshot in which all of `ids` are. No statement where all of them were read before,
    /// otherwise one.
    ///
    /// # Errors
    /// Of the database, and where there is no such version.
    pub(crate) async fn with(
        &self,
        conn: &mut Connection,
        ids: impl IntoIterator<Item = Uuid> + Clone,
    ) -> Result<Arc<[Tariff]>, ServiceError> {
        let known = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let has_all = |tariffs: &[Tariff]| {
            ids.clone().into_iter().all(|id| tariffs.iter().any(|tariff| tariff.id == id))
        };
        if has_all(&known) {
            return Ok(known);
        }
        let read = self.refresh(conn).await?;
        if has_all(&read) { Ok(read) } else { Err(missing("tariff of this id").into()) }
    }

    /// The version in force at an instant, asked from the database.
    ///
    /// # Errors
    /// Of the database, and where none is.
    pub(crate) async fn in_force(
        &self,
        conn: &mut Connection,
        at: DateTime<Utc>,
    ) -> Result<Tariff, ServiceError> {
        let read = self.refresh(conn).await?;
        Ok(in_force(&read, at).cloned().ok_or_else(|| missing("tariff in force"))?)
    }

    /// All versions, from the first on, asked from the database.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn refresh(&self, conn: &mut Connection) -> Result<Arc<[Tariff]>, ServiceError> {
        let read: Arc<[Tariff]> = tariffs::all(conn).await?.into();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&read);
        Ok(read)
    }
}

/// The one of this id among them.
///
/// # Errors
/// Where it is none of them.
pub(crate) fn one(tariffs: &[Tariff], id: Uuid) -> Result<&Tariff, ServiceError> {
    Ok(tariffs.iter().find(|tariff| tariff.id == id).ok_or_else(|| missing("tariff of this id"))?)
}
