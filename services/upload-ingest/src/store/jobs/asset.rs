//! What processing changes about the asset itself. Each change raises its version: what it shows is not the same any more.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::assets::AssetRow;
use super::super::schema::asset;
use crate::domain::asset::Status;
use crate::domain::processing::Cause;

/// Locks an asset until the transaction ends, before any of its jobs is touched; `None` when it is not there.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<AssetRow>> {
    asset::table.find(id).select(AssetRow::as_select()).for_no_key_update().first(conn).await.optional()
}

/// The same, but `None` also when somebody else has it locked.
///
/// # Errors
/// Of the database.
pub(crate) async fn try_lock(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<AssetRow>> {
    asset::table
        .find(id)
        .select(AssetRow::as_select())
        .for_no_key_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()
}

/// Whether an asset was deleted; also one whose row is gone.
///
/// # Errors
/// Of the database.
pub(crate) async fn is_deleted(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<bool> {
    let status: Option<String> = asset::table.find(id).select(asset::status).first(conn).await.optional()?;
    Ok(status.is_none_or(|status| status == Status::Deleted.as_str()))
}

/// What is learned of an asset. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, AsChangeset)]
#[diesel(table_name = asset)]
pub(crate) struct Learned {
    /// Of a video, in milliseconds.
    pub(crate) duration_ms: Option<i64>,
    /// In pixels, as it is shown.
    pub(crate) width: Option<i32>,
    /// In pixels, as it is shown.
    pub(crate) height: Option<i32>,
    /// Video codec, or the format of a picture.
    pub(crate) codec: Option<String>,
    /// BlurHash.
    pub(crate) blurhash: Option<String>,
    /// ThumbHash.
    pub(crate) thumbhash: Option<Vec<u8>>,
    /// `#rrggbb`.
    pub(crate) dominant_color: Option<String>,
}

/// Notes what was learned or made of an asset, and where it stands now. Returns it as it is then.
///
/// # Errors
/// Of the database.
pub(crate) async fn advance(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    learned: &Learned,
    status: Status,
    now: DateTime<Utc>,
) -> QueryResult<AssetRow> {
    diesel::update(asset::table.find(id))
        .set((
            learned,
            asset::status.eq(status.as_str()),
            asset::version.eq(asset::version + 1),
            asset::updated_at.eq(now),
        ))
        .returning(AssetRow::as_returning())
        .get_result(conn)
        .await
}

/// Fails an asset. Returns it as it is then.
///
/// # Errors
/// Of the database.
pub(crate) async fn fail(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    cause: &Cause,
    now: DateTime<Utc>,
) -> QueryResult<AssetRow> {
    diesel::update(asset::table.find(id))
        .set((
            asset::status.eq(Status::Failed.as_str()),
            asset::error_code.eq(cause.code),
            asset::error_text.eq(cause.text.as_ref()),
            asset::version.eq(asset::version + 1),
            asset::updated_at.eq(now),
        ))
        .returning(AssetRow::as_returning())
        .get_result(conn)
        .await
}

/// Brings a failed asset back to processing, after the stage that it failed of got new attempts. One that has not failed stays
/// as it is.
///
/// # Errors
/// Of the database.
pub(crate) async fn reopen(conn: &mut AsyncPgConnection, id: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(asset::table.find(id).filter(asset::status.eq(Status::Failed.as_str())))
        .set((
            asset::status.eq(Status::Processing.as_str()),
            asset::error_code.eq(None::<String>),
            asset::error_text.eq(None::<String>),
            asset::version.eq(asset::version + 1),
            asset::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map(|_| ())
}
