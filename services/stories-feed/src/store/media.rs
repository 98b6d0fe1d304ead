//! Assets of upload-ingest as they are known here: a copy, brought forward by version and never back.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl;
use diesel::upsert::excluded;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::Value as Json;
use uuid::Uuid;

use super::schema::media;
use super::unknown;
use crate::domain::media::{self as rules, Known, MediaState, Told};
use crate::domain::story::Kind;

/// An asset as it is known here.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = media, primary_key(asset_id), check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct MediaRow {
    pub(crate) asset_id: Uuid,
    pub(crate) owner_id: Uuid,
    pub(crate) kind: String,
    pub(crate) state: String,
    pub(crate) asset_version: i64,
    pub(crate) is_hidden: bool,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) blurhash: Option<String>,
    pub(crate) thumbhash: Option<String>,
    pub(crate) dominant_color: Option<String>,
    /// `[{name, format, content_type, url, bytes, width, height}]`, the smallest first.
    pub(crate) renditions: Json,
    pub(crate) error_code: Option<String>,
    pub(crate) error_text: Option<String>,
    pub(crate) updated_at: DateTime<Utc>,
}

impl MediaRow {
    /// Whether it is a picture or a video.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn kind(&self) -> QueryResult<Kind> {
        rules::kind(&self.kind).ok_or_else(|| unknown("media.kind", &self.kind))
    }

    /// Where it stands.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn state(&self) -> QueryResult<MediaState> {
        MediaState::parse(&self.state).ok_or_else(|| unknown("media.state", &self.state))
    }

    fn known(&self) -> QueryResult<Known> {
        Ok(Known {
            state: self.state()?,
            is_hidden: self.is_hidden,
            has_renditions: self.renditions.as_array().is_some_and(|renditions| !renditions.is_empty()),
        })
    }
}

/// What an event tells of an asset.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// The asset.
    pub(crate) asset_id: Uuid,
    /// Its version after what happened.
    pub(crate) version: i64,
    /// Who uploaded it.
    pub(crate) owner_id: Uuid,
    /// What it is, where that can be told.
    pub(crate) kind: Option<Kind>,
    /// What happened.
    pub(crate) told: Told,
    /// What is known of one whose processing is done.
    pub(crate) made: Option<Made>,
    /// Why one failed: a stable code, and a sentence for its owner.
    pub(crate) fault: Option<(String, String)>,
}

/// What was made of an asset.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    /// In pixels.
    pub(crate) width: Option<i32>,
    /// In pixels.
    pub(crate) height: Option<i32>,
    /// Of a video.
    pub(crate) duration_ms: Option<i64>,
    /// Placeholder.
    pub(crate) blurhash: Option<String>,
    /// Placeholder.
    pub(crate) thumbhash: Option<String>,
    /// Placeholder.
    pub(crate) dominant_color: Option<String>,
    /// As they are stored.
    pub(crate) renditions: Json,
}

impl News {
    /// The row after it, if it changes what is known.
    fn applied_to(&self, known: Option<MediaRow>, now: DateTime<Utc>) -> QueryResult<Option<MediaRow>> {
        let before = known.as_ref().map(MediaRow::known).transpose()?;
        let Some((state, is_hidden)) = rules::after(before, self.told) else { return Ok(None) };
        let row = match (known, self.kind) {
            (Some(row), _) => row,
            (None, Some(kind)) => self.begun(kind, now),
            // Nobody has been able to tell what it is: nothing that a story could show.
            (None, None) => return Ok(None),
        };
        let row = match &self.made {
            Some(made) => MediaRow {
                width: made.width,
                height: made.height,
                duration_ms: made.duration_ms,
                blurhash: made.blurhash.clone(),
                thumbhash: made.thumbhash.clone(),
                dominant_color: made.dominant_color.clone(),
                renditions: made.renditions.clone(),
                ..row
            },
            // Nothing is kept of what is gone.
            None if self.told == Told::Deleted => MediaRow {
                blurhash: None,
                thumbhash: None,
                dominant_color: None,
                renditions: Json::Array(Vec::new()),
                ..row
            },
            None => row,
        };
        let fault = match (state, &self.fault) {
            (MediaState::Failed, Some((code, text))) => Some((code.clone(), text.clone())),
            (MediaState::Failed, None) => row.error_code.clone().zip(row.error_text.clone()),
            _ => None,
        };
        let (error_code, error_text) = fault.unzip();
        Ok(Some(MediaRow {
            state: state.as_str().to_owned(),
            asset_version: self.version,
            is_hidden,
            error_code,
            error_text,
            updated_at: now,
            ..row
        }))
    }

    fn begun(&self, kind: Kind, now: DateTime<Utc>) -> MediaRow {
        MediaRow {
            asset_id: self.asset_id,
            owner_id: self.owner_id,
            kind: kind.as_str().to_owned(),
            state: MediaState::Processing.as_str().to_owned(),
            asset_version: 0,
            is_hidden: false,
            width: None,
            height: None,
            duration_ms: None,
            blurhash: None,
            thumbhash: None,
            dominant_color: None,
            renditions: Json::Array(Vec::new()),
            error_code: None,
            error_text: None,
            updated_at: now,
        }
    }
}

/// Stores what a question to upload-ingest was answered, unless something newer is known by now, and returns what is known then. The
/// row is locked to the end of the transaction: an event that tells more waits, and then finds whatever was made of it here.
///
/// # Errors
/// Of the database.
pub(crate) async fn upsert(conn: &mut Connection, told: &MediaRow) -> QueryResult<MediaRow> {
    let stored =
        diesel::insert_into(media::table).values(told).on_conflict(media::asset_id).do_update().set(told);
    // An answer is all there is to say of its version; an event may have told a part of it.
    let is_newer = media::asset_version.le(excluded(media::asset_version));
    FilterDsl::filter(stored, is_newer).execute(conn).await?;
    lock(conn, told.asset_id).await?.ok_or(diesel::result::Error::NotFound)
}

/// What is known of an asset.
///
/// # Errors
/// Of the database.
pub(crate) async fn of(conn: &mut Connection, asset_id: Uuid) -> QueryResult<Option<MediaRow>> {
    media::table.find(asset_id).select(MediaRow::as_select()).first(conn).await.optional()
}

/// The same, locked to the end of the transaction.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection, asset_id: Uuid) -> QueryResult<Option<MediaRow>> {
    media::table.find(asset_id).select(MediaRow::as_select()).for_update().first(conn).await.optional()
}

/// Applies what an event tells, unless something as new is known; returns the asset as it is known then, locked to the end of the
/// transaction, and nothing where the event changes nothing.
///
/// # Errors
/// Of the database, and for names in it that are not known here.
pub(crate) async fn apply(
    conn: &mut Connection,
    news: &News,
    now: DateTime<Utc>,
) -> QueryResult<Option<MediaRow>> {
    loop {
        let known = lock(conn, news.asset_id).await?;
        let is_known = known.is_some();
        if known.as_ref().is_some_and(|row| row.asset_version >= news.version) {
            return Ok(None);
        }
        let Some(row) = news.applied_to(known, now)? else { return Ok(None) };
        let changed = if is_known {
            diesel::update(media::table.find(row.asset_id)).set(&row).execute(conn).await?
        } else {
            let new = diesel::insert_into(media::table).values(&row);
            new.on_conflict_do_nothing().execute(conn).await?
        };
        if changed > 0 {
            return Ok(Some(row));
        }
        // It has become known since it was looked for.
    }
}
