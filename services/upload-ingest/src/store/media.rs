//! What an address of media names, and who may have it: one statement each.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::{asset, rendition, storage_object};
use crate::domain::asset::Status;
use crate::domain::layout;

/// The asset behind an address, as far as rights go.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = asset, check_for_backend(diesel::pg::Pg))]
pub(crate) struct MediaOwner {
    pub(crate) owner: String,
    status: String,
    pub(crate) hidden_at: Option<DateTime<Utc>>,
    pub(crate) title: Option<String>,
    /// Of the upload.
    pub(crate) content_type: String,
}

impl MediaOwner {
    /// Whether anybody may see what was made of it now.
    fn is_public(&self) -> bool {
        self.status == Status::Published.as_str() && self.hidden_at.is_none()
    }
}

/// The object behind it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = storage_object, check_for_backend(diesel::pg::Pg))]
pub(crate) struct MediaObject {
    pub(crate) key: String,
    pub(crate) bytes: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) created_at: DateTime<Utc>,
}

/// What an address names.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    /// Whose it is.
    pub(crate) owner: MediaOwner,
    /// Where it lies.
    pub(crate) object: MediaObject,
    /// File extension and media type, where it is a rendition of its own.
    pub(crate) rendition: Option<(String, String)>,
}

impl Media {
    /// Whether anybody may have it now. The original never: it holds what its owner may not know that it holds, such as where
    /// a picture was taken.
    pub(crate) fn is_public(&self) -> bool {
        self.owner.is_public() && !layout::is_original(&self.object.key)
    }
}

type Row = (MediaOwner, MediaObject, Option<(String, String)>);

impl From<Row> for Media {
    fn from((owner, object, rendition): Row) -> Self {
        Self { owner, object, rendition }
    }
}

/// The object of this key, if it is this asset's.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(
    conn: &mut AsyncPgConnection,
    asset_id: Uuid,
    key: &str,
) -> QueryResult<Option<Media>> {
    let found: Option<Row> = storage_object::table
        .inner_join(asset::table.on(asset::id.eq(storage_object::asset_id)))
        .left_join(rendition::table.on(rendition::object_key.eq(storage_object::key)))
        .filter(storage_object::key.eq(key))
        .filter(storage_object::asset_id.eq(asset_id))
        .filter(storage_object::state.eq("live"))
        .filter(asset::status.ne(Status::Deleted.as_str()))
        .select((
            MediaOwner::as_select(),
            MediaObject::as_select(),
            (rendition::format, rendition::content_type).nullable(),
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(Media::from))
}

/// The renditions of this name, one for each format.
///
/// # Errors
/// Of the database.
pub(crate) async fn named(
    conn: &mut AsyncPgConnection,
    asset_id: Uuid,
    name: &str,
) -> QueryResult<Vec<Media>> {
    let found: Vec<Row> = rendition::table
        .inner_join(asset::table.on(asset::id.eq(rendition::asset_id)))
        .inner_join(storage_object::table.on(storage_object::key.eq(rendition::object_key)))
        .filter(rendition::asset_id.eq(asset_id))
        .filter(rendition::name.eq(name))
        .filter(storage_object::state.eq("live"))
        .filter(asset::status.ne(Status::Deleted.as_str()))
        .order(rendition::format)
        .select((
            MediaOwner::as_select(),
            MediaObject::as_select(),
            (rendition::format, rendition::content_type).nullable(),
        ))
        .load(conn)
        .await?;
    Ok(found.into_iter().map(Media::from).collect())
}
