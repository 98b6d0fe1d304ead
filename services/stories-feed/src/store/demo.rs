//! Many members, ties and stories at once: what demo data are written with, beside the functions of requests.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use pg_pool::Connection;
use uuid::Uuid;

use super::schema::{block, close_friend, follow, member, story};
use crate::domain::people::Role;

/// How people stand to each other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ties {
    /// One follows another.
    Follow,
    /// One counts another among the close friends.
    CloseFriend,
    /// One has blocked another.
    Block,
}

/// Makes people members who are not yet. The clock of the gym is to be held.
///
/// # Errors
/// Of the database.
pub(crate) async fn join(
    conn: &mut Connection,
    gym_id: Uuid,
    people: &[(Uuid, Role)],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let rows: Vec<_> = people
        .iter()
        .map(|(person, role)| {
            (
                member::gym_id.eq(gym_id),
                member::user_id.eq(*person),
                member::role.eq(role.as_str()),
                member::joined_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(member::table).values(rows).on_conflict_do_nothing().execute(conn).await
}

macro_rules! insert {
    ($table:ident, $from:ident, $to:ident, $conn:ident, $pairs:ident, $now:ident) => {{
        let row = |(one, other): &(Uuid, Uuid)| {
            ($table::$from.eq(*one), $table::$to.eq(*other), $table::created_at.eq($now))
        };
        let rows: Vec<_> = $pairs.iter().map(row).collect();
        diesel::insert_into($table::table).values(rows).on_conflict_do_nothing().execute($conn).await
    }};
}

/// Ties people to each other who are not yet.
///
/// # Errors
/// Of the database.
pub(crate) async fn tie(
    conn: &mut Connection,
    ties: Ties,
    pairs: &[(Uuid, Uuid)],
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    match ties {
        Ties::Follow => insert!(follow, follower_id, followee_id, conn, pairs, now),
        Ties::CloseFriend => insert!(close_friend, owner_id, friend_id, conn, pairs, now),
        Ties::Block => insert!(block, blocker_id, blocked_id, conn, pairs, now),
    }
}

/// Those of these stories that are there.
///
/// # Errors
/// Of the database.
pub(crate) async fn known_stories(conn: &mut Connection, ids: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    story::table.filter(story::id.eq_any(ids)).select(story::id).load(conn).await
}
