//! Gyms: opened, read, listed, changed; and their clocks, held by whoever changes what their feeds show.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::schema::{feed_clock, gym, member};
use crate::domain::gym::Policy;

/// A gym as the database has it.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = gym, check_for_backend(diesel::pg::Pg))]
pub(crate) struct GymRow {
    /// Its id.
    pub(crate) id: Uuid,
    /// As its members call it.
    pub(crate) name: String,
    /// What stories may be reacted with.
    pub(crate) emojis: Vec<String>,
    /// Stories that a member may post in 24 hours.
    pub(crate) max_stories_per_day: i32,
    /// How long authors keep their expired stories.
    pub(crate) archive_days: i32,
    /// Rises with each change.
    pub(crate) version: i64,
    /// When it was opened.
    pub(crate) created_at: DateTime<Utc>,
    /// When it last changed.
    pub(crate) updated_at: DateTime<Utc>,
}

impl GymRow {
    /// What it has decided.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            name: self.name.clone(),
            emojis: self.emojis.clone(),
            max_stories_per_day: self.max_stories_per_day,
            archive_days: self.archive_days,
        }
    }
}

/// The gym of this id.
///
/// # Errors
/// Of the database.
pub(crate) async fn find(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<GymRow>> {
    gym::table.find(id).select(GymRow::as_select()).first(conn).await.optional()
}

/// As [`find`], and nobody else changes it until the transaction ends.
///
/// # Errors
/// Of the database.
pub(crate) async fn lock(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<Option<GymRow>> {
    gym::table.find(id).select(GymRow::as_select()).for_no_key_update().first(conn).await.optional()
}

/// Takes the clocks of these gyms, in the order of their ids, to the end of the transaction: their members and what their feeds
/// show stay as they are. To be done before any other row is locked. Says which of them there are.
///
/// # Errors
/// Of the database.
pub(crate) async fn hold(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    feed_clock::table
        .filter(feed_clock::gym_id.eq_any(ids))
        .order(feed_clock::gym_id)
        .select(feed_clock::gym_id)
        .for_no_key_update()
        .load(conn)
        .await
}

/// Gyms after this one with the role of a person in each, in the order of their ids: those it belongs to, or all.
///
/// # Errors
/// Of the database.
pub(crate) async fn page(
    conn: &mut AsyncPgConnection,
    user_id: Uuid,
    with_others: bool,
    after: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<(GymRow, Option<String>)>> {
    let own = member::gym_id.eq(gym::id).and(member::user_id.eq(user_id));
    let mut query = gym::table
        .left_join(member::table.on(own))
        .filter(gym::id.gt(after.unwrap_or(Uuid::nil())))
        .order(gym::id)
        .limit(limit)
        .select((GymRow::as_select(), member::role.nullable()))
        .into_boxed();
    if !with_others {
        query = query.filter(member::role.is_not_null());
    }
    query.load(conn).await
}

/// Opens a gym.
///
/// # Errors
/// Of the database.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    policy: &Policy,
    now: DateTime<Utc>,
) -> QueryResult<GymRow> {
    diesel::insert_into(gym::table)
        .values((
            gym::id.eq(id),
            gym::name.eq(&policy.name),
            gym::emojis.eq(&policy.emojis),
            gym::max_stories_per_day.eq(policy.max_stories_per_day),
            gym::archive_days.eq(policy.archive_days),
            gym::created_at.eq(now),
            gym::updated_at.eq(now),
        ))
        .returning(GymRow::as_returning())
        .get_result(conn)
        .await
}

/// Gives a locked gym another policy, and the next version.
///
/// # Errors
/// Of the database.
pub(crate) async fn update(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    policy: &Policy,
    now: DateTime<Utc>,
) -> QueryResult<GymRow> {
    diesel::update(gym::table.find(id))
        .set((
            gym::name.eq(&policy.name),
            gym::emojis.eq(&policy.emojis),
            gym::max_stories_per_day.eq(policy.max_stories_per_day),
            gym::archive_days.eq(policy.archive_days),
            gym::version.eq(gym::version + 1),
            gym::updated_at.eq(now),
        ))
        .returning(GymRow::as_returning())
        .get_result(conn)
        .await
}
