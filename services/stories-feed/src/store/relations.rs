//! How people stand to each other: whom one follows, counts among the close friends, has blocked. Whoever changes it holds both
//! ([`super::people::hold`]): a block that is made meanwhile is seen, and so is every gym that they share.

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value as Json;
use uuid::Uuid;

use super::schema::{block, close_friend, follow, media, person};
use crate::domain::audience::Relation;

/// What one person says of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    /// Follows.
    Follow,
    /// Counts among the close friends.
    CloseFriend,
    /// Has blocked.
    Block,
}

/// Somebody on the list of another.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct TieRow {
    /// Who.
    pub(crate) user_id: Uuid,
    /// Since when.
    pub(crate) created_at: DateTime<Utc>,
    /// Full name, once the catalog has told.
    pub(crate) name: Option<String>,
    /// What was made of the picture that the person chose.
    pub(crate) avatar: Option<Json>,
}

/// Runs a block for the table of a tie, with its columns under the names `from` and `to`.
macro_rules! in_table_of {
    ($tie:expr, $body:ident!($($args:tt)*)) => {
        match $tie {
            Tie::Follow => $body!(follow, follower_id, followee_id, $($args)*),
            Tie::CloseFriend => $body!(close_friend, owner_id, friend_id, $($args)*),
            Tie::Block => $body!(block, blocker_id, blocked_id, $($args)*),
        }
    };
}

macro_rules! insert {
    ($table:ident, $from:ident, $to:ident, $conn:ident, $one:ident, $other:ident, $now:ident) => {
        diesel::insert_into($table::table)
            .values(($table::$from.eq($one), $table::$to.eq($other), $table::created_at.eq($now)))
            .on_conflict_do_nothing()
            .execute($conn)
            .await
    };
}

macro_rules! delete {
    ($table:ident, $from:ident, $to:ident, $conn:ident, $one:ident, $other:ident) => {
        diesel::delete($table::table.find(($one, $other))).execute($conn).await
    };
}

macro_rules! page {
    ($table:ident, $from:ident, $to:ident, $conn:ident, $one:ident, $after:ident, $limit:ident) => {
        $table::table
            .left_join(person::table.on(person::id.eq($table::$to)))
            .left_join(media::table.on(super::people::is_avatar!()))
            .filter($table::$from.eq($one))
            .filter($table::$to.gt($after.unwrap_or(Uuid::nil())))
            .order($table::$to)
            .limit($limit)
            .select(($table::$to, $table::created_at, person::name.nullable(), media::renditions.nullable()))
            .load($conn)
            .await
    };
}

/// Ties one person to another; says whether that is new.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    tie: Tie,
    one: Uuid,
    other: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    in_table_of!(tie, insert!(conn, one, other, now)).map(|count| count > 0)
}

/// Unties one person from another; says whether there was such a tie.
///
/// # Errors
/// Of the database.
pub(crate) async fn delete(
    conn: &mut AsyncPgConnection,
    tie: Tie,
    one: Uuid,
    other: Uuid,
) -> QueryResult<bool> {
    in_table_of!(tie, delete!(conn, one, other)).map(|count| count > 0)
}

/// Whom a person is tied to, after this one, in the order of their ids.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    tie: Tie,
    one: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<TieRow>> {
    in_table_of!(tie, page!(conn, one, after, limit))
}

/// Whether the one has blocked the other.
///
/// # Errors
/// Of the database.
pub(crate) async fn has_blocked(conn: &mut AsyncPgConnection, one: Uuid, other: Uuid) -> QueryResult<bool> {
    diesel::select(exists(block::table.find((one, other)))).get_result(conn).await
}

/// How a viewer stands to an author.
///
/// # Errors
/// Of the database.
pub(crate) async fn between(
    conn: &mut AsyncPgConnection,
    viewer: Uuid,
    author: Uuid,
) -> QueryResult<Relation> {
    if viewer == author {
        return Ok(Relation::SELF);
    }
    let follows = follow::table.find((viewer, author));
    let befriended = close_friend::table.find((author, viewer));
    let (blocks, is_blocked) = (block::table.find((viewer, author)), block::table.find((author, viewer)));
    let (follows, is_close_friend, blocks, is_blocked): (bool, bool, bool, bool) =
        diesel::select((exists(follows), exists(befriended), exists(blocks), exists(is_blocked)))
            .get_result(conn)
            .await?;
    Ok(Relation { is_self: false, follows, is_close_friend, is_blocked: blocks || is_blocked })
}
