//! Stories beyond their expiry, as their authors have them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::Value as Json;
use uuid::Uuid;

use super::media::MediaRow;
use super::schema::{media, story, story_count};
use super::stories::StoryRow;
use crate::domain::story::State;

/// A story beyond its expiry, with what it shows and what was counted of it.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct ArchivedRow {
    /// The story.
    pub(crate) story: StoryRow,
    /// What it shows.
    pub(crate) media: Option<MediaRow>,
    /// Views, replies, and reactions by emoji.
    pub(crate) counts: Option<(i32, i32, Json)>,
}

/// Where a list of stories goes on: after the one made then.
pub(crate) type Place = (DateTime<Utc>, Uuid);

/// The stories of one author in one gym that have expired by `now`, after this one, the newest first.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    gym_id: Uuid,
    author_id: Uuid,
    now: DateTime<Utc>,
    after: Option<Place>,
    limit: i64,
) -> QueryResult<Vec<ArchivedRow>> {
    let has_expired = story::state.eq(State::Active.as_str()).and(story::expires_at.le(now));
    let mut query = story::table
        .left_join(media::table.on(media::asset_id.nullable().eq(story::asset_id)))
        .left_join(story_count::table.on(story_count::story_id.eq(story::id)))
        .filter(story::author_id.eq(author_id))
        .filter(story::gym_id.eq(gym_id))
        .filter(story::state.eq(State::Archived.as_str()).or(has_expired))
        .order((story::created_at.desc(), story::id.desc()))
        .limit(limit)
        .select((
            StoryRow::as_select(),
            Option::<MediaRow>::as_select(),
            (story_count::views, story_count::replies, story_count::reactions).nullable(),
        ))
        .into_boxed();
    if let Some((created_at, id)) = after {
        let earlier = story::created_at.eq(created_at).and(story::id.lt(id));
        query = query.filter(story::created_at.lt(created_at).or(earlier));
    }
    query.load(conn).await
}
