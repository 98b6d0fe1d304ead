//! Reactions: one of each viewer to each story, and how many there are of each emoji. Whoever changes them holds the clock of the gym.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{story_count, story_reaction};
use crate::domain::reactions::Counts;

/// A reaction to be.
#[derive(Clone, Debug, Insertable, AsChangeset)]
#[diesel(table_name = story_reaction, treat_none_as_null = true)]
pub(crate) struct Reaction<'a> {
    /// The story.
    pub(crate) story_id: Uuid,
    /// Who reacts.
    pub(crate) user_id: Uuid,
    /// Its gym.
    pub(crate) gym_id: Uuid,
    /// With what.
    pub(crate) emoji: &'a str,
    /// What is said with it, to the author alone.
    pub(crate) message: Option<&'a str>,
    /// Now.
    pub(crate) reacted_at: DateTime<Utc>,
}

/// What somebody reacted to a story with.
///
/// # Errors
/// Of the database.
pub(crate) async fn emoji_of(
    conn: &mut Connection,
    story_id: Uuid,
    user_id: Uuid,
) -> QueryResult<Option<String>> {
    story_reaction::table.find((story_id, user_id)).select(story_reaction::emoji).first(conn).await.optional()
}

/// Puts a reaction in the place of whatever the person reacted with before.
///
/// # Errors
/// Of the database.
pub(crate) async fn put(conn: &mut Connection, reaction: &Reaction<'_>) -> QueryResult<()> {
    diesel::insert_into(story_reaction::table)
        .values(reaction)
        .on_conflict((story_reaction::story_id, story_reaction::user_id))
        .do_update()
        .set(reaction)
        .execute(conn)
        .await
        .map(|_| ())
}

/// Takes a reaction back; what it was, if it was there.
///
/// # Errors
/// Of the database.
pub(crate) async fn take(
    conn: &mut Connection,
    story_id: Uuid,
    user_id: Uuid,
) -> QueryResult<Option<String>> {
    diesel::delete(story_reaction::table.find((story_id, user_id)))
        .returning(story_reaction::emoji)
        .get_result(conn)
        .await
        .optional()
}

/// Counts that a person reacts to a story with `new` in the place of `old`, and returns the counts after it.
///
/// # Errors
/// Of the database; where the counts cannot be read.
pub(crate) async fn recount(
    conn: &mut Connection,
    story_id: Uuid,
    old: Option<&str>,
    new: Option<&str>,
) -> QueryResult<Counts> {
    let unreadable = |error: serde_json::Error| diesel::result::Error::DeserializationError(error.into());
    let known: serde_json::Value = story_count::table
        .find(story_id)
        .select(story_count::reactions)
        .for_no_key_update()
        .first(conn)
        .await?;
    let known: Counts = serde_json::from_value(known).map_err(unreadable)?;
    if old == new {
        return Ok(known);
    }
    let counts = known.moved(old, new);
    diesel::update(story_count::table.find(story_id))
        .set(story_count::reactions.eq(serde_json::to_value(&counts).map_err(unreadable)?))
        .execute(conn)
        .await?;
    Ok(counts)
}
