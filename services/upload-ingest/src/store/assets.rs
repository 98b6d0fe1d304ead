//! Assets: read, listed, changed, hidden, deleted. Every change raises the version, which is what validators are made of.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::{asset, job};
use super::unknown;
use crate::domain::asset::{Status, Visibility};
use crate::domain::job::JobKind;
use crate::domain::kind::MediaKind;
use crate::events::published::{About, Finished};

/// An asset as the database has it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = asset, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AssetRow {
    pub(crate) id: Uuid,
    pub(crate) owner: String,
    kind: String,
    pub(crate) title: Option<String>,
    status: String,
    visibility: String,
    pub(crate) content_type: String,
    pub(crate) bytes: i64,
    pub(crate) sha256: Vec<u8>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
    pub(crate) codec: Option<String>,
    pub(crate) blurhash: Option<String>,
    pub(crate) thumbhash: Option<Vec<u8>>,
    pub(crate) dominant_color: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_text: Option<String>,
    pub(crate) correlation_id: Uuid,
    pub(crate) version: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) hidden_at: Option<DateTime<Utc>>,
}

impl AssetRow {
    /// What it is treated as.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn kind(&self) -> QueryResult<MediaKind> {
        MediaKind::parse(&self.kind).ok_or_else(|| unknown("asset.kind", &self.kind))
    }

    /// Where it stands.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn status(&self) -> QueryResult<Status> {
        Status::parse(&self.status).ok_or_else(|| unknown("asset.status", &self.status))
    }

    /// Who may see its media once it is processed.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn visibility(&self) -> QueryResult<Visibility> {
        Visibility::parse(&self.visibility).ok_or_else(|| unknown("asset.visibility", &self.visibility))
    }

    /// The same for an event.
    ///
    /// # Errors
    /// For names that are not known here.
    pub(crate) fn about(&self) -> QueryResult<About> {
        Ok(About {
            asset_id: self.id,
            version: self.version,
            owner: self.owner.clone(),
            kind: self.kind()?,
            visibility: self.visibility()?,
            correlation_id: self.correlation_id,
        })
    }

    /// What the event of its end tells.
    pub(crate) fn finished(&self) -> Finished {
        Finished {
            content_type: self.content_type.clone(),
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            duration_ms: self.duration_ms,
            width: self.width,
            height: self.height,
            blurhash: self.blurhash.clone(),
            thumbhash: self.thumbhash.clone(),
            dominant_color: self.dominant_color.clone(),
        }
    }

    /// Whether anybody may see its media now.
    pub(crate) fn is_public(&self) -> bool {
        self.status == Status::Published.as_str() && self.hidden_at.is_none()
    }
}

/// Which assets are listed: those of one owner, the newest first.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    /// Whose.
    pub(crate) owner: &'a str,
    /// Of this kind only.
    pub(crate) kind: Option<MediaKind>,
    /// Of this status only.
    pub(crate) status: Option<Status>,
    /// Those after this one.
    pub(crate) after: Option<Uuid>,
    /// At most so many.
    pub(crate) limit: i64,
}

/// The asset of this id. One that was deleted is not there.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<AssetRow>> {
    asset::table
        .find(id)
        .filter(asset::status.ne(Status::Deleted.as_str()))
        .select(AssetRow::as_select())
        .first(conn)
        .await
        .optional()
}

/// The asset of this id, even one that was deleted: listeners are told so.
///
/// # Errors
/// Of the database.
pub(crate) async fn find_even_deleted(
    conn: &mut AsyncPgConnection,
    id: Uuid,
) -> QueryResult<Option<AssetRow>> {
    asset::table.find(id).select(AssetRow::as_select()).first(conn).await.optional()
}

/// As [`find`], and nobody else changes it until the transaction ends. To be locked before any of its jobs is.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<AssetRow>> {
    asset::table
        .find(id)
        .filter(asset::status.ne(Status::Deleted.as_str()))
        .select(AssetRow::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()
}

/// A page of assets.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(conn: &mut AsyncPgConnection, wanted: &Wanted<'_>) -> QueryResult<Vec<AssetRow>> {
    let mut query = asset::table
        .filter(asset::owner.eq(wanted.owner))
        .filter(asset::status.ne(Status::Deleted.as_str()))
        .select(AssetRow::as_select())
        .order(asset::id.desc())
        .limit(wanted.limit)
        .into_boxed();
    if let Some(kind) = wanted.kind {
        query = query.filter(asset::kind.eq(kind.as_str()));
    }
    if let Some(status) = wanted.status {
        query = query.filter(asset::status.eq(status.as_str()));
    }
    if let Some(after) = wanted.after {
        query = query.filter(asset::id.lt(after));
    }
    query.load(conn).await
}

/// Gives a locked asset this title, visibility and status, and the next version.
///
/// # Errors
/// Of the database.
pub(crate) async fn update(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    title: Option<&str>,
    visibility: Visibility,
    status: Status,
    now: DateTime<Utc>,
) -> QueryResult<AssetRow> {
    diesel::update(asset::table.find(id))
        .set((
            asset::title.eq(title),
            asset::visibility.eq(visibility.as_str()),
            asset::status.eq(status.as_str()),
            asset::version.eq(asset::version + 1),
            asset::updated_at.eq(now),
        ))
        .returning(AssetRow::as_returning())
        .get_result(conn)
        .await
}

/// Takes a locked asset from view in the name of a moderator, or with nobody's lets it be seen again.
///
/// # Errors
/// Of the database.
pub(crate) async fn set_hidden(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    by: Option<&str>,
    now: DateTime<Utc>,
) -> QueryResult<AssetRow> {
    diesel::update(asset::table.find(id))
        .set((
            asset::hidden_at.eq(by.map(|_| now)),
            asset::hidden_by.eq(by),
            asset::version.eq(asset::version + 1),
            asset::updated_at.eq(now),
        ))
        .returning(AssetRow::as_returning())
        .get_result(conn)
        .await
}

/// Ends a locked asset: nothing of it is shown any more. Its renditions, objects and jobs, and its owner's usage, are the
/// caller's to end with it.
///
/// # Errors
/// Of the database.
pub(crate) async fn delete(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<AssetRow> {
    diesel::update(asset::table.find(id))
        .set((
            asset::status.eq(Status::Deleted.as_str()),
            asset::error_code.eq(None::<String>),
            asset::error_text.eq(None::<String>),
            asset::deleted_at.eq(now),
            asset::version.eq(asset::version + 1),
            asset::updated_at.eq(now),
        ))
        .returning(AssetRow::as_returning())
        .get_result(conn)
        .await
}

/// Which stage of which asset a job is.
///
/// # Errors
/// Of the database, and for a name that is not known here.
pub(crate) async fn stage_of_job(
    conn: &mut AsyncPgConnection,
    job_id: Uuid,
) -> QueryResult<Option<(Uuid, JobKind)>> {
    let found: Option<(Uuid, String)> =
        job::table.find(job_id).select((job::asset_id, job::kind)).first(conn).await.optional()?;
    let Some((asset_id, kind)) = found else { return Ok(None) };
    let kind = JobKind::parse(&kind).ok_or_else(|| unknown("job.kind", &kind))?;
    Ok(Some((asset_id, kind)))
}
