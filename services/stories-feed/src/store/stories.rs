//! Stories: read, locked, inserted and changed. Every change raises the version, which validators are made of. What a change means to
//! the feed of the gym is told by [`flow`], the one way by which a story comes to be shown and ceases to be.
//!
//! Order of locks: the asset ([`super::media::lock`]), the clock of the gym, the story.

mod flow;
mod sight;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::Value as Json;
use uuid::Uuid;

pub(crate) use flow::{Ending, end, fail, post, preview, publish, update, wait};
pub(crate) use sight::{Sight, place, sight};

use super::schema::{story, story_count};
use super::unknown;
use crate::domain::story::{Kind, Privacy, State};

/// A story as the database has it.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = story, check_for_backend(diesel::pg::Pg))]
pub(crate) struct StoryRow {
    pub(crate) id: Uuid,
    pub(crate) gym_id: Uuid,
    pub(crate) author_id: Uuid,
    kind: String,
    pub(crate) caption: Option<String>,
    privacy: String,
    pub(crate) workout: Option<Json>,
    pub(crate) asset_id: Option<Uuid>,
    state: String,
    pub(crate) duration_hours: i32,
    pub(crate) display_secs: i32,
    pub(crate) can_reply: bool,
    pub(crate) can_react: bool,
    pub(crate) is_pinned: bool,
    pub(crate) error_code: Option<String>,
    pub(crate) error_text: Option<String>,
    pub(crate) mutation_id: Option<String>,
    pub(crate) version: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) published_at: Option<DateTime<Utc>>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
    pub(crate) ended_at: Option<DateTime<Utc>>,
}

impl StoryRow {
    /// What it shows.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn kind(&self) -> QueryResult<Kind> {
        Kind::parse(&self.kind).ok_or_else(|| unknown("story.kind", &self.kind))
    }

    /// Who sees it beside its author.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn privacy(&self) -> QueryResult<Privacy> {
        Privacy::parse(&self.privacy).ok_or_else(|| unknown("story.privacy", &self.privacy))
    }

    /// Where it stands.
    ///
    /// # Errors
    /// For a name that is not known here.
    pub(crate) fn state(&self) -> QueryResult<State> {
        State::parse(&self.state).ok_or_else(|| unknown("story.state", &self.state))
    }
}

/// A story to be; [`post`] inserts it and tells of it.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = story)]
pub(crate) struct NewStory<'a> {
    /// UUID version 7.
    pub(crate) id: Uuid,
    /// Where it is shown.
    pub(crate) gym_id: Uuid,
    /// Who posts it.
    pub(crate) author_id: Uuid,
    /// Name of what it shows.
    pub(crate) kind: &'static str,
    /// What the author says.
    pub(crate) caption: Option<&'a str>,
    /// Name of who sees it.
    pub(crate) privacy: &'static str,
    /// Of a workout or an achievement.
    pub(crate) workout: Option<&'a Json>,
    /// Of a picture or a video.
    pub(crate) asset_id: Option<Uuid>,
    /// Name of where it stands: draft, processing or active.
    pub(crate) state: &'static str,
    /// How long it is shown.
    pub(crate) duration_hours: i32,
    /// How long a viewer shows it before the next.
    pub(crate) display_secs: i32,
    /// Whether viewers may reply.
    pub(crate) can_reply: bool,
    /// Whether viewers may react.
    pub(crate) can_react: bool,
    /// Whether it is shown before the author's others.
    pub(crate) is_pinned: bool,
    /// The client's name for the request.
    pub(crate) mutation_id: Option<&'a str>,
    /// Now.
    pub(crate) created_at: DateTime<Utc>,
    /// Now.
    pub(crate) updated_at: DateTime<Utc>,
    /// Of one that is shown at once: now.
    pub(crate) published_at: Option<DateTime<Utc>>,
    /// Of the same: when its time is over.
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

/// The story of this id, whatever its state.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut Connection, id: Uuid) -> QueryResult<Option<StoryRow>> {
    story::table.find(id).select(StoryRow::as_select()).first(conn).await.optional()
}

/// The same, and nobody else changes it until the transaction ends. The clock of its gym is to be held before.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut Connection, id: Uuid) -> QueryResult<Option<StoryRow>> {
    story::table.find(id).select(StoryRow::as_select()).for_no_key_update().first(conn).await.optional()
}

/// Inserts a story, with nothing counted of it yet.
///
/// # Errors
/// Of the database.
async fn insert(conn: &mut Connection, new: &NewStory<'_>) -> QueryResult<StoryRow> {
    let row = diesel::insert_into(story::table)
        .values(new)
        .returning(StoryRow::as_returning())
        .get_result(conn)
        .await?;
    diesel::insert_into(story_count::table).values(story_count::story_id.eq(new.id)).execute(conn).await?;
    Ok(row)
}

/// The stories that show an asset and have not ended, with their gyms: in the order of the gyms, in which their clocks are taken. To
/// be asked before a transaction, for what it will change, and again in it once the asset is locked: only then no other
/// story can begin to show it, and one that began meanwhile is of a gym that may not have been declared.
///
/// # Errors
/// Of the database.
pub(crate) async fn of_asset(conn: &mut Connection, asset_id: Uuid) -> QueryResult<Vec<StoryRow>> {
    story::table
        .filter(story::asset_id.eq(asset_id))
        .filter(story::ended_at.is_null())
        .select(StoryRow::as_select())
        .order((story::gym_id, story::id))
        .load(conn)
        .await
}

/// When the author's `nth` newest story in this gym after `since` was made, deleted ones included; nothing where there are fewer.
///
/// # Errors
/// Of the database.
pub(crate) async fn nth_newest_since(
    conn: &mut Connection,
    gym_id: Uuid,
    author_id: Uuid,
    nth: i64,
    since: DateTime<Utc>,
) -> QueryResult<Option<DateTime<Utc>>> {
    story::table
        .filter(story::author_id.eq(author_id))
        .filter(story::gym_id.eq(gym_id))
        .filter(story::created_at.gt(since))
        .select(story::created_at)
        .order(story::created_at.desc())
        .offset(nth - 1)
        .limit(1)
        .first(conn)
        .await
        .optional()
}
