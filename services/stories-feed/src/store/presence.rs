//! A gym shows the stories of people who belong to it and may sign in, with their names and pictures: what its open sockets are told
//! when somebody comes, goes, or looks different. Callers hold the clock of the gym.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::clock::{self, Action, FeedEvent};
use super::media::MediaRow;
use super::schema::{media, person, story};
use super::stories::{self, StoryRow};
use crate::domain::story::State;

/// Somebody is there whose stories may be shown again, from before: they are put before the others.
///
/// # Errors
/// Of the database.
pub(crate) async fn came(
    conn: &mut Connection,
    gym_id: Uuid,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let events = about_shown(conn, gym_id, user_id, now, Action::PrependStory).await?;
    tell(conn, gym_id, &events, now).await
}

/// Somebody looks different: each of the stories is another one.
///
/// # Errors
/// Of the database.
pub(crate) async fn changed(
    conn: &mut Connection,
    gym_id: Uuid,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let events = about_shown(conn, gym_id, user_id, now, Action::UpdateStory).await?;
    tell(conn, gym_id, &events, now).await
}

/// Somebody is there no more: the stories are taken away, and the person's own sockets are told to read anew. To be asked while the
/// stories are still shown.
///
/// # Errors
/// Of the database.
pub(crate) async fn went(
    conn: &mut Connection,
    gym_id: Uuid,
    user_id: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let mut events = about_shown(conn, gym_id, user_id, now, Action::RemoveStory).await?;
    events.push(refetch(user_id));
    tell(conn, gym_id, &events, now).await
}

/// The order to one viewer to read the feed anew.
pub(crate) fn refetch(viewer_id: Uuid) -> FeedEvent {
    FeedEvent {
        action: Action::Refetch,
        story_id: None,
        author_id: None,
        privacy: None,
        viewer_id: Some(viewer_id),
        data: json!({}),
    }
}

/// An event about each story of an author that the gym shows to those who belong to it if the author does, the oldest first: none of
/// somebody who may not sign in.
async fn about_shown(
    conn: &mut Connection,
    gym_id: Uuid,
    author_id: Uuid,
    now: DateTime<Utc>,
    action: Action,
) -> QueryResult<Vec<FeedEvent>> {
    let shown: Vec<(StoryRow, Option<String>, Option<MediaRow>)> = story::table
        .left_join(person::table.on(person::id.eq(story::author_id)))
        .left_join(media::table.on(media::asset_id.nullable().eq(story::asset_id)))
        .filter(story::gym_id.eq(gym_id))
        .filter(story::author_id.eq(author_id))
        .filter(story::state.eq(State::Active.as_str()))
        .filter(story::expires_at.gt(now))
        .filter(person::is_active.nullable().is_distinct_from(false))
        .order((story::published_at, story::id))
        .select((StoryRow::as_select(), person::name.nullable(), Option::<MediaRow>::as_select()))
        .load(conn)
        .await?;
    let data = |story: &StoryRow, name: Option<&str>, media: Option<MediaRow>| -> Json {
        match action {
            Action::RemoveStory => json!({}),
            _ => stories::preview(story, name, media.as_ref()),
        }
    };
    let event = |(story, name, media): (StoryRow, Option<String>, Option<MediaRow>)| {
        Ok(FeedEvent {
            action,
            story_id: Some(story.id),
            author_id: Some(author_id),
            privacy: Some(story.privacy()?),
            viewer_id: None,
            data: data(&story, name.as_deref(), media),
        })
    };
    shown.into_iter().map(event).collect()
}

async fn tell(
    conn: &mut Connection,
    gym_id: Uuid,
    events: &[FeedEvent],
    now: DateTime<Utc>,
) -> QueryResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    clock::append(conn, gym_id, events, now).await.map(|_| ())
}
