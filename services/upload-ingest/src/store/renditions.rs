//! What was made of assets. A rendition that stands never changes.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::rendition;
use crate::events::published::Made;

/// A rendition as it is written.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = rendition)]
pub(crate) struct NewRendition {
    pub(crate) id: Uuid,
    pub(crate) asset_id: Uuid,
    pub(crate) name: String,
    pub(crate) format: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) object_key: String,
    pub(crate) digest: String,
    pub(crate) bytes: i64,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Writes renditions, in one statement. Their objects are written in the same transaction.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(conn: &mut AsyncPgConnection, new: &[NewRendition]) -> QueryResult<()> {
    if new.is_empty() {
        return Ok(());
    }
    diesel::insert_into(rendition::table).values(new).execute(conn).await.map(|_| ())
}

/// A rendition as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = rendition, check_for_backend(diesel::pg::Pg))]
pub(crate) struct RenditionRow {
    pub(crate) asset_id: Uuid,
    pub(crate) name: String,
    pub(crate) format: String,
    pub(crate) content_type: String,
    pub(crate) object_key: String,
    pub(crate) bytes: i64,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
}

impl From<RenditionRow> for Made {
    fn from(row: RenditionRow) -> Self {
        Self {
            name: row.name,
            format: row.format,
            content_type: row.content_type,
            key: row.object_key,
            bytes: row.bytes,
            width: row.width,
            height: row.height,
        }
    }
}

/// The renditions of these assets: those of one asset together, the smallest first.
///
/// # Errors
/// Of the database.
pub(crate) async fn of(conn: &mut AsyncPgConnection, assets: &[Uuid]) -> QueryResult<Vec<RenditionRow>> {
    rendition::table
        .filter(rendition::asset_id.eq_any(assets))
        .order((rendition::asset_id, rendition::bytes, rendition::object_key))
        .select(RenditionRow::as_select())
        .load(conn)
        .await
}

/// Forgets the renditions of an asset; their objects are doomed apart from that.
///
/// # Errors
/// Of the database.
pub(crate) async fn delete_of(conn: &mut AsyncPgConnection, asset_id: Uuid) -> QueryResult<usize> {
    diesel::delete(rendition::table.filter(rendition::asset_id.eq(asset_id))).execute(conn).await
}
