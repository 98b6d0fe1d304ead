//! Replies: for the author of the story and for who wrote them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use serde_json::Value as Json;
use uuid::Uuid;

use super::people::is_avatar;
use super::schema::{media, person, story_count, story_reply};

/// A reply to be.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = story_reply)]
pub(crate) struct NewReply<'a> {
    /// UUID version 7.
    pub(crate) id: Uuid,
    /// The story.
    pub(crate) story_id: Uuid,
    /// Who replies.
    pub(crate) author_id: Uuid,
    /// What.
    pub(crate) message: &'a str,
    /// Now.
    pub(crate) created_at: DateTime<Utc>,
}

/// A reply as the database has it.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct ReplyRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// Who replied.
    pub(crate) author_id: Uuid,
    /// What.
    pub(crate) message: String,
    /// When.
    pub(crate) created_at: DateTime<Utc>,
    /// Full name, once the catalog has told.
    pub(crate) name: Option<String>,
    /// What was made of the picture that the person chose.
    pub(crate) avatar: Option<Json>,
}

/// Replies with what is known of who wrote them.
macro_rules! readable {
    () => {
        story_reply::table
            .left_join(person::table.on(person::id.eq(story_reply::author_id)))
            .left_join(media::table.on(is_avatar!()))
            .select((
                story_reply::id,
                story_reply::author_id,
                story_reply::message,
                story_reply::created_at,
                person::name.nullable(),
                media::renditions.nullable(),
            ))
    };
}

/// Inserts a reply, counts it, and returns it with what is known of who wrote it.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(conn: &mut Connection, new: &NewReply<'_>) -> QueryResult<ReplyRow> {
    diesel::insert_into(story_reply::table).values(new).execute(conn).await?;
    diesel::update(story_count::table.find(new.story_id))
        .set(story_count::replies.eq(story_count::replies + 1))
        .execute(conn)
        .await?;
    readable!().filter(story_reply::id.eq(new.id)).first(conn).await
}

/// A page of the replies to a story, the newest first; `by` names who wrote those that are wanted.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut Connection,
    story_id: Uuid,
    by: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<ReplyRow>> {
    let mut query = readable!()
        .filter(story_reply::story_id.eq(story_id))
        .order(story_reply::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(by) = by {
        query = query.filter(story_reply::author_id.eq(by));
    }
    if let Some(after) = after {
        query = query.filter(story_reply::id.lt(after));
    }
    query.load(conn).await
}
